"""What a clip holds, and where it is taken from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track
from facetrack_ros.history.sightings.sighting import Sighting


class ClipSource(Protocol):
    """The history of a running robot, or a stored one. Stamps are inclusive on both ends."""

    robot_id: str

    def cameras(self) -> tuple[str, ...]:
        """Cameras with frames, sorted."""
        ...

    def frames(self, camera_id: str, start_ns: int, end_ns: int) -> Iterator[Frame]:
        """A camera's frames between two stamps, sorted."""
        ...

    def stamps(self, camera_id: str, start_ns: int, end_ns: int) -> list[int]:
        """Stamps of a camera's frames between two stamps, sorted; no frame is read."""
        ...

    def tracks(self, camera_id: str, start_ns: int, end_ns: int) -> dict[int, tuple[Track, ...]]:
        """Tracks of a camera's frames by stamp."""
        ...

    def events(self, start_ns: int, end_ns: int) -> list[dict]:
        """Events as logged, sorted."""
        ...

    def sightings(self, camera_id: str, start_ns: int, end_ns: int) -> list[Sighting]:
        """Sightings whose span overlaps the time."""
        ...

    def of_track(self, track_id: str) -> list[Sighting]:
        """The sightings of a track."""
        ...

    def best_of_person(self, person_id: str) -> Sighting | None:
        """A person's sighting with the highest quality."""
        ...


@dataclass(frozen=True)
class Clip:
    """A part of a history.

    :param cameras: cameras of the frames.
    :param start_ns: first stamp.
    :param end_ns: last stamp, included.
    :param formats: of :data:`~facetrack_ros.clips.writer.FORMATS`.
    :param boxes: whether tracks are drawn into images and videos; the recording stays without.
    """

    cameras: tuple[str, ...]
    start_ns: int
    end_ns: int
    formats: tuple[str, ...] = ("mcap",)
    boxes: bool = False
