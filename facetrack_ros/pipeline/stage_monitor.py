"""Counting of the frames of a stage."""

from facetrack_ros.core.frame import Frame


class StageMonitor:
    """Receives each frame of a stage once when it arrives, and once when it is finished or has failed.

    This one ignores them; see :class:`facetrack_ros.nodes.health.stage_health.StageHealth`.
    """

    def arrived(self, frame: Frame) -> None:
        """A frame entered the stage."""

    def finished(self, frame: Frame, took_s: float = 0.0) -> None:
        """A frame left the stage after ``took_s`` seconds of work."""

    def failed(self, camera_id: str, message: str, stamp_ns: int | None = None) -> None:
        """Something failed, for the frame of that stamp where one is given."""


#: Counts nothing.
IGNORE = StageMonitor()
