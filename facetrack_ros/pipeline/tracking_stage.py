"""Tracking of a robot's people: analyses in, tracks and events out."""

import threading
from collections.abc import Callable, Iterable

from facetrack_ros.config import Config
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.event import PersonEvent
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track, without_other_faces
from facetrack_ros.pipeline.detection_face_sync import DetectionFaceSynchronizer, Synchronized
from facetrack_ros.pipeline.stage_monitor import IGNORE, StageMonitor
from facetrack_ros.tracking.extrapolation import TrackExtrapolator
from facetrack_ros.tracking.factory import OFF
from facetrack_ros.tracking.people_tracker import PeopleTracker
from facetrack_ros.vision.frame_analysis import FrameAnalysis

#: Set when events are on disk, or wait in memory because it does not take them.
Written = threading.Event
EventListener = Callable[[tuple[PersonEvent, ...]], Written | None]


class TrackingStage:
    """Tracks the people of each camera. For one thread at a time; each camera's frames come in order.

    :param clock_s: a steady clock, seconds, to measure the work.
    :param clock_ns: a clock that advances as the frames' stamps do, nanoseconds; only differences count.
    :ivar people: None until the face embedder is known; until then frames yield no tracks.
    :ivar face_listeners: receive each frame with its tracks and all their faces, to choose the next faces; they store
        and send nothing.
    :ivar track_listeners: receive each frame with its tracks, without embeddings that may not be kept.
    :ivar event_listeners: receive the events of each frame, also none.
    """

    def __init__(
        self,
        cameras: Iterable[str],
        config: Config,
        monitor: StageMonitor = IGNORE,
        clock_s: Callable[[], float] = lambda: 0.0,
        clock_ns: Callable[[], int] = lambda: 0,
    ):
        self.people: PeopleTracker | None = None
        self.face_listeners: list[Callable[[Frame, tuple[Track, ...]], None]] = []
        self.track_listeners: list[Callable[[Frame, tuple[Track, ...]], None]] = []
        self.event_listeners: list[EventListener] = []
        self.needs_images = config.tracking.camera_motion != OFF
        self._monitor, self._clock_s, self._clock_ns = monitor, clock_s, clock_ns
        self._synchronizers = {camera: DetectionFaceSynchronizer() for camera in cameras}
        self._extrapolators = {camera: TrackExtrapolator() for camera in self._synchronizers}
        # By camera: arrival and stamp of its last frame.
        self._last_arrivals: dict[str, tuple[int, int]] = {}
        self._rotations: dict[str, int] = {}

    def add_analysis(self, frame: Frame, analysis: FrameAnalysis) -> None:
        """Track a frame's persons and faces."""
        self._note_arrival(frame)
        self._track(frame, analysis.detections, analysis.faces)

    def add_detections(self, frame: Frame, detections: Detections | None) -> None:
        """Track a frame's persons once their faces have come, see :meth:`add_faces`.

        :param detections: None: the frame is not analysed, and its tracks are extrapolated.
        """
        self._note_arrival(frame)
        self._track_all(self._synchronizers[frame.camera_id].add_detections(frame, detections))

    def add_skipped(self, frame: Frame) -> None:
        """Extrapolate the tracks to a frame that is not analysed."""
        self.add_detections(frame, None)

    def add_faces(self, frame: Frame, faces: tuple[Face, ...]) -> None:
        """Add the faces of a frame whose persons were added before."""
        self._track_all(self._synchronizers[frame.camera_id].add_faces(frame, faces))

    def advance(self) -> None:
        """End the visits in cameras that have sent nothing for too long."""
        now_ns = self._clock_ns()
        for camera_id, (arrived_ns, stamp_ns) in self._last_arrivals.items():
            waited_ns = now_ns - arrived_ns
            if self.people is not None and waited_ns > self.people.settings.exit_after_ns:
                self._track_all(self._synchronizers[camera_id].flush())
                self._emit(self.people.advance(camera_id, stamp_ns + waited_ns))

    def close_camera(self, camera_id: str) -> None:
        """End all visits in a camera that has stopped."""
        self._track_all(self._synchronizers[camera_id].flush())
        if self.people is not None:
            self._emit(self.people.close(camera_id))

    def close(self) -> None:
        """End all visits, in order of their ends over all cameras."""
        if self.people is not None:
            self._emit(self.people.close())

    def _note_arrival(self, frame: Frame) -> None:
        self._last_arrivals[frame.camera_id] = (self._clock_ns(), frame.stamp_ns)

    def _track_all(self, frames: list[Synchronized]) -> None:
        for frame in frames:
            self._track(*frame)

    def _track(self, frame: Frame, detections: Detections | None, faces: tuple[Face, ...]) -> None:
        extrapolator = self._extrapolators[frame.camera_id]
        if detections is None:
            self._emit_tracks(frame, extrapolator.at(frame.stamp_ns))
            self._monitor.finished(frame)
            return
        if self.people is None:
            return
        self._end_if_turned(frame)
        began_s = self._clock_s()
        image = frame.image if self.needs_images and frame.jpeg else None
        tracks, events = self.people.update(frame.camera_id, frame.stamp_ns, frame.number, detections, faces, image)
        extrapolator.update(frame.stamp_ns, tracks)
        self._emit_tracks(frame, tracks)
        self._emit(events)
        self._monitor.finished(frame, self._clock_s() - began_s)

    def _end_if_turned(self, frame: Frame) -> None:
        """End the visits in a camera whose pictures are turned from this frame on: its boxes are elsewhere."""
        if self._rotations.setdefault(frame.camera_id, frame.rotation) != frame.rotation:
            self._rotations[frame.camera_id] = frame.rotation
            self.close_camera(frame.camera_id)

    def _emit_tracks(self, frame: Frame, tracks: tuple[Track, ...]) -> None:
        for listener in self.face_listeners:
            listener(frame, tracks)
        tracks = without_other_faces(tracks)
        for listener in self.track_listeners:
            listener(frame, tracks)

    def _emit(self, events: tuple[PersonEvent, ...]) -> None:
        for listener in self.event_listeners:
            listener(events)
