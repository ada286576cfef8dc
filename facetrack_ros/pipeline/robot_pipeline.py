"""The frame loop of a robot: frame, analysis, tracks, history."""

from collections.abc import Callable, Sequence
from typing import Protocol

from facetrack_ros.core.event import PersonEvent
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track
from facetrack_ros.pipeline.analysis_stage import AnalysisStage
from facetrack_ros.pipeline.tracking_stage import EventListener, Written
from facetrack_ros.vision.frame_analysis import FrameAnalysis

TrackListener = Callable[[Frame, tuple[Track, ...]], None]


class Tracking(Protocol):
    """Input and outputs of a :class:`facetrack_ros.pipeline.tracking_stage.TrackingStage`."""

    face_listeners: list[TrackListener]
    track_listeners: list[TrackListener]
    event_listeners: list[EventListener]

    def add_analysis(self, frame: Frame, analysis: FrameAnalysis) -> None:
        """Track a frame's persons and faces."""

    def add_skipped(self, frame: Frame) -> None:
        """Extrapolate the tracks to a frame that is not analysed."""

    def close_camera(self, camera_id: str) -> None:
        """End all visits in a camera that has stopped."""


class HistoryInput(Protocol):
    """Where a robot's frames, tracks and events are stored."""

    def add_frame(self, frame: Frame) -> None:
        """Store a frame, before it is analysed."""

    def add_analysis(self, frame: Frame, analysis: FrameAnalysis) -> None:
        """Note that a frame was analysed, before its tracks."""

    def add_tracks(self, frame: Frame, tracks: tuple[Track, ...]) -> None:
        """Store the tracks and faces of a frame."""

    def add_events(self, events: tuple[PersonEvent, ...]) -> Written | None:
        """Store events; None: they are stored when this returns."""


class RobotPipeline:
    """Connects the stages of a robot, so that each frame passes each of them once: history (the image), analysis,
    tracking, history (tracks and events).

    :param track_listeners: receive each frame with its tracks, after the history.
    :param extrapolate: whether frames that are not analysed get extrapolated tracks, too.
    """

    def __init__(
        self,
        history: HistoryInput,
        analysis: AnalysisStage,
        tracking: Tracking,
        track_listeners: Sequence[TrackListener] = (),
        extrapolate: bool = True,
    ):
        self.analysis = analysis
        self._tracking = tracking
        analysis.frame_listeners.append(history.add_frame)
        analysis.listeners += [history.add_analysis, tracking.add_analysis]
        if extrapolate:
            analysis.skip_listeners.append(tracking.add_skipped)
        if analysis.faces is not None:
            tracking.face_listeners.append(analysis.faces.add_tracks)
        tracking.track_listeners += [history.add_tracks, *track_listeners]
        tracking.event_listeners.append(history.add_events)

    def add_frame(self, frame: Frame) -> None:
        """Take a frame live as its camera took it; from here on it is upright, see :meth:`AnalysisStage.add_frame`."""
        self.analysis.add_frame(self.analysis.rotations.turned(frame))

    def close_camera(self, camera_id: str) -> None:
        """End all visits in a camera that has stopped, once its last frames are analysed."""
        self.analysis.drain()
        self._tracking.close_camera(camera_id)
