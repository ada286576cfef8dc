"""Which events are shown."""

from dataclasses import dataclass

from facetrack_ros.cli.event_stream.people import EventPeople


@dataclass(frozen=True)
class EventChoice:
    """Which events are shown; what is empty does not limit.

    :param robots: names.
    :param cameras: names.
    :param person: an id or a name.
    :param since_s: seconds since the epoch.
    """

    robots: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    person: str = ""
    since_s: float | None = None

    def has(self, event: dict, people: EventPeople) -> bool:
        """Whether an event is shown."""
        return (
            (not self.robots or event["robot_id"] in self.robots)
            and (not self.cameras or event["camera_id"] in self.cameras)
            and (self.since_s is None or event["timestamp"] >= self.since_s)
            and (not self.person or people.is_called(event, self.person))
        )
