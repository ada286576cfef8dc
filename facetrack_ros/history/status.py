"""What a history holds, in numbers."""

from dataclasses import dataclass

from facetrack_ros.history.keeping_rules import KeepingRules


@dataclass(frozen=True)
class CameraStatus:
    """One camera of a history.

    :param frames: in memory.
    :param frame_bytes: their size.
    :param oldest_ns: stamp of the oldest frame or sighting, None when there is none.
    :param newest_ns: stamp of the newest.
    :param sightings: on disk.
    """

    camera_id: str
    frames: int
    frame_bytes: int
    oldest_ns: int | None
    newest_ns: int | None
    sightings: int


@dataclass(frozen=True)
class StoredModel:
    """Sightings of another embedder in a robot's folder.

    :param oldest_ns: first and last stamp; 0: unknown.
    :param error: why they cannot be read; empty: they can.
    """

    model_id: str
    sightings: int
    oldest_ns: int
    newest_ns: int
    error: str = ""


@dataclass(frozen=True)
class HistoryStatus:
    """One robot's history.

    :param model_id: of its embeddings.
    :param cameras: sorted by name.
    :param events: written since it was opened.
    :param unwritten_events: added since it was opened and not on disk, which did not take them; most wait for room.
    :param disk_bytes: size of the robot's folder.
    :param other_models: sightings that a search with ``model_id`` does not compare.
    :param error: why the history cannot be used; empty: it can.
    :param rules: what it keeps and why; None: unknown.
    """

    robot_id: str
    model_id: str
    cameras: tuple[CameraStatus, ...]
    events: int
    unwritten_events: int
    disk_bytes: int
    other_models: tuple[StoredModel, ...] = ()
    error: str = ""
    rules: KeepingRules | None = None

    @property
    def sightings(self) -> int:
        """On disk, of all cameras."""
        return sum(camera.sightings for camera in self.cameras)

    @property
    def frames(self) -> int:
        """In memory, of all cameras."""
        return sum(camera.frames for camera in self.cameras)

    @property
    def oldest_ns(self) -> int | None:
        """Stamp of the oldest frame or sighting, None when there is none."""
        return min((camera.oldest_ns for camera in self.cameras if camera.oldest_ns is not None), default=None)

    @property
    def newest_ns(self) -> int | None:
        """Stamp of the newest frame or sighting, None when there is none."""
        return max((camera.newest_ns for camera in self.cameras if camera.newest_ns is not None), default=None)
