"""Choice of the faces that are searched for and embedded, and of the direction that they are searched in."""

from collections.abc import Callable, Iterable

from facetrack_ros.config import Config
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track
from facetrack_ros.pipeline.camera_rotation import CameraRotations
from facetrack_ros.tracking.factory import make_face_scheduler
from facetrack_ros.vision.frame_analysis import AnalysisTask


class FaceStage:
    """Chooses the faces of each frame: none, all, or those that improve a track (``faces.embed``). Thread-safe.

    :param enabled: whether faces are searched for at all; called for each frame.
    :ivar rotations: turn the frames, and learn from the faces.
    """

    def __init__(self, cameras: Iterable[str], config: Config, enabled: Callable[[], bool]):
        cameras = tuple(cameras)
        self.rotations = CameraRotations(cameras, config.camera.rotation)
        improving = config.faces.embed == "improving"
        self._schedulers = {camera: make_face_scheduler(config) for camera in cameras} if improving else {}
        self._enabled = enabled

    def task(self, frame: Frame) -> AnalysisTask:
        """The analysis of a frame, with the choice of its faces."""
        if not self._enabled():
            return AnalysisTask(frame, with_faces=False)
        scheduler = self._schedulers.get(frame.camera_id)
        selection = scheduler.plan(frame.stamp_ns) if scheduler is not None else None
        return AnalysisTask(frame, selection=selection, all_directions=self.rotations.needs_search(frame))

    def add_tracks(self, frame: Frame, tracks: tuple[Track, ...]) -> None:
        """Learn from a frame's tracks which faces improve them."""
        scheduler = self._schedulers.get(frame.camera_id)
        if scheduler is not None:
            scheduler.update(frame.stamp_ns, tracks)
