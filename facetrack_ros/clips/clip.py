"""A stretch of a robot's history: what is to be saved."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track
from facetrack_ros.history.sightings.sighting import Sighting


class ClipSource(Protocol):
    """Where a stretch comes from: a robot that runs, or what one has stored."""

    robot_id: str

    def cameras(self) -> tuple[str, ...]:
        """Those that have frames."""
        ...

    def frames(self, camera_id: str, start_ns: int, end_ns: int) -> Iterator[Frame]:
        """Frames between two stamps, both included, in order."""
        ...

    def tracks(self, camera_id: str, start_ns: int, end_ns: int) -> dict[int, tuple[Track, ...]]:
        """By stamp, who was followed in a frame."""
        ...

    def events(self, start_ns: int, end_ns: int) -> list[dict]:
        """Events as the log has them, in order."""
        ...

    def sightings(self, camera_id: str, start_ns: int, end_ns: int) -> list[Sighting]:
        """Sightings whose span touches the stretch."""
        ...


@dataclass(frozen=True)
class Clip:
    """What to save.

    :param cameras: of these.
    :param start_ns: first stamp.
    :param end_ns: last stamp, included.
    :param formats: of :data:`~.saving.FORMATS`.
    :param boxes: whether people and faces are drawn into pictures and films; the recording always stays plain.
    """

    cameras: tuple[str, ...]
    start_ns: int
    end_ns: int
    formats: tuple[str, ...] = ("mcap",)
    boxes: bool = False
