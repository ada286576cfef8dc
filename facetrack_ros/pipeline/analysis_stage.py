"""Analysis of a robot's frames: which are analysed, by which models, and what stands for the others."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from facetrack_ros.concurrency.camera_scheduler import CameraScheduler
from facetrack_ros.config import Config
from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import FrameError
from facetrack_ros.pipeline.camera_rotation import CameraRotations
from facetrack_ros.pipeline.face_stage import FaceStage
from facetrack_ros.pipeline.stage_monitor import IGNORE, StageMonitor
from facetrack_ros.vision.detection.reduced_decode import DetectorImage
from facetrack_ros.vision.frame_analysis import AnalysisTask, FrameAnalysis, FrameAnalyzer
from facetrack_ros.vision.frame_sampling import FrameDecision, FrameSampler
from facetrack_ros.vision.interfaces import BodyEmbedder
from facetrack_ros.vision.pipeline import VisionPipeline

logger = logging.getLogger(__name__)

# Seconds between two warnings of frames that cannot be decoded.
_WARN_AGAIN_S = 60.0


class AnalysisStage:
    """Analyses frames and delivers the results in each camera's order.

    Live, :meth:`add_frame` passes the newest frame of each camera to the worker threads of :meth:`start`. Offline, the
    caller runs what :meth:`begin` returns and passes the result to :meth:`deliver`.

    :param faces: chooses the faces; None: persons only.
    :param clock_s: a steady clock, seconds, to measure the work.
    :ivar rotations: turn the frames of cameras that are not mounted upright.
    :ivar frame_listeners: receive every frame as it arrives, also while the stage is stopped.
    :ivar listeners: receive each frame with its analysis.
    :ivar skip_listeners: receive each frame that is not analysed.
    """

    def __init__(
        self,
        cameras: Iterable[str],
        config: Config,
        faces: FaceStage | None = None,
        monitor: StageMonitor = IGNORE,
        clock_s: Callable[[], float] = lambda: 0.0,
    ):
        self.faces = faces
        self.frame_listeners: list[Callable[[Frame], None]] = []
        self.listeners: list[Callable[[Frame, FrameAnalysis], None]] = []
        self.skip_listeners: list[Callable[[Frame], None]] = []
        self._monitor, self._clock_s = monitor, clock_s
        cameras = tuple(cameras)
        self.rotations = faces.rotations if faces is not None else CameraRotations(cameras, config.camera.rotation)
        self._samplers = {camera: FrameSampler.of_config(config) for camera in cameras}
        self._last: dict[str, FrameAnalysis] = {}
        self._bodies: BodyEmbedder | None = None
        self._scheduler: CameraScheduler[VisionPipeline, Frame, FrameAnalysis | FrameDecision] | None = None
        self._warned_s = float("-inf")

    def start(self, name: str, pipelines: Sequence[VisionPipeline], bodies: BodyEmbedder | None = None) -> None:
        """Start a worker thread a pipeline.

        :param name: of the threads.
        :param bodies: embeds whole bodies for tracking; None: no appearance.
        """
        self._bodies = bodies
        # Without faces in this stage, another process embeds them: persons found faster than their faces are wasted, so
        # that process goes first.
        options = {"batches": pipelines[0].batches, "low_priority": self.faces is None}
        self._scheduler = CameraScheduler(
            name, pipelines, self._analyze, lambda _, frame, result: self.deliver(frame, result), **options
        )

    def stop(self) -> None:
        """Finish the frames at hand, end the threads and drop the models."""
        if self._scheduler is not None:
            self._scheduler.close()
        self._scheduler = self._bodies = None

    def drain(self) -> bool:
        """Wait until the frames at hand are delivered; False if that takes too long."""
        return self._scheduler is None or self._scheduler.drain()

    def add_frame(self, frame: Frame) -> None:
        """Analyse a frame on a worker thread; it replaces an older frame of its camera that no thread has taken yet.

        :param frame: turned upright already, by ``rotations``.
        """
        self._pass_on(frame)
        scheduler = self._scheduler
        if scheduler is None:
            return
        self._monitor.arrived(frame)
        decision = self._samplers[frame.camera_id].decide(frame)
        if decision is FrameDecision.ANALYZE:
            scheduler.put(frame.camera_id, frame)
        else:
            scheduler.put_result(frame.camera_id, frame, decision)

    def begin(self, frame: Frame) -> AnalysisTask | FrameDecision:
        """Take a frame offline; returns its task if it is to be analysed, else the decision, which is its result."""
        self._pass_on(frame)
        decision = self._samplers[frame.camera_id].decide(frame)
        return self._task(frame) if decision is FrameDecision.ANALYZE else decision

    def deliver(self, frame: Frame, result: FrameAnalysis | FrameDecision) -> None:
        """Pass a frame's result on to the listeners; of each camera in the order of its frames."""
        analysis: FrameAnalysis | None = None
        if isinstance(result, FrameAnalysis):
            analysis = self._last[frame.camera_id] = result
            self.rotations.add(frame, result)
        elif result is FrameDecision.UNCHANGED:
            if frame.camera_id not in self._last:
                return  # the frame it is like could not be decoded
            analysis = self._last[frame.camera_id].for_unchanged_frame()
        if analysis is None:
            for skip_listener in self.skip_listeners:
                skip_listener(frame)
        else:
            for listener in self.listeners:
                listener(frame, analysis)
        self._monitor.finished(frame, analysis.detection_s if analysis is not None else 0.0)

    def _pass_on(self, frame: Frame) -> None:
        for listener in self.frame_listeners:
            listener(frame)

    def _task(self, frame: Frame) -> AnalysisTask:
        return self.faces.task(frame) if self.faces is not None else AnalysisTask(frame, with_faces=False)

    def _analyze(self, pipeline: VisionPipeline, frames: list[Frame]) -> list[FrameAnalysis | None]:
        """Analyses of some frames, their persons detected in one batch; None for a frame that cannot be decoded."""
        try:
            return self._analyze_batch(FrameAnalyzer(pipeline, self._bodies), frames)
        except Exception as error:  # logged by the scheduler
            for frame in frames:
                self._monitor.failed(frame.camera_id, str(error), frame.stamp_ns)
            raise

    def _analyze_batch(self, analyzer: FrameAnalyzer, frames: list[Frame]) -> list[FrameAnalysis | None]:
        images = [self._decode(frame, analyzer.pipeline) for frame in frames]
        began_s = self._clock_s()
        detections = iter(analyzer.detect([image for image in images if image is not None]))
        detection_s = (self._clock_s() - began_s) / max(1, sum(image is not None for image in images))
        analyses: list[FrameAnalysis | None] = []
        for frame, image in zip(frames, images):
            if image is None:
                analyses.append(None)
                continue
            began_s = self._clock_s()
            analysis = self._task(frame).run(analyzer, next(detections))
            analyses.append(replace(analysis, detection_s=detection_s, faces_s=self._clock_s() - began_s))
        return analyses

    def _decode(self, frame: Frame, pipeline: VisionPipeline) -> DetectorImage | None:
        """The frame's image, reduced if only the person detector needs it; None if it cannot be decoded."""
        try:
            if self._bodies is not None or self.faces is not None:
                return DetectorImage.whole(frame)
            return DetectorImage.of(frame, pipeline.reduction)
        except FrameError as error:
            self._monitor.failed(frame.camera_id, str(error), frame.stamp_ns)
            if self._clock_s() - self._warned_s >= _WARN_AGAIN_S:
                self._warned_s = self._clock_s()
                logger.warning("%s", error)
            return None
