"""Detector node: frames of all cameras in, persons out."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from facetrack_ros import msg
from facetrack_ros.concurrency.camera_scheduler import CameraScheduler, FrameCounts
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import FrameError
from facetrack_ros.nodes.base.process import run_node
from facetrack_ros.nodes.base.qos import RELIABLE
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.conversion.vision import detections_to_message
from facetrack_ros.nodes.embedder_node import EmbedderNode
from facetrack_ros.nodes.health.publisher import Diagnostics
from facetrack_ros.nodes.health.stage_health import StageHealth
from facetrack_ros.nodes.inputs.images import ImageInput
from facetrack_ros.vision.detection.reduced_decode import DetectorImage
from facetrack_ros.vision.factory import open_body_embedder
from facetrack_ros.vision.frame_analysis import FrameAnalysis, with_appearance
from facetrack_ros.vision.frame_sampling import FrameDecision, FrameSampler
from facetrack_ros.vision.inference.threads import ThreadBudget
from facetrack_ros.vision.interfaces import BodyEmbedder
from facetrack_ros.vision.pipeline import VisionPipeline
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import VISION_OPTIONS, vision_settings

# How often it is told that frames were dropped.
REPORT_S = 60.0


@dataclass(frozen=True)
class _Look:
    """A look at a frame, and how long it took, seconds."""

    seen: FrameAnalysis
    detecting_s: float = 0.0
    faces_s: float = 0.0


class DetectorNode(RobotMemberNode):
    """Finds the persons in the newest frame of each camera, several frames side by side; all cameras of the robot in one
    batch where the model gains by that.

    :param models: where the process shares them; else they are those of the settings.
    :param embedder: whose part is done in the same go, where it lives in the same process: a frame is then decoded once.
    :param subscribe: cameras whose frames come over topics, rather than through :meth:`on_frame`; None: all.
    """

    NAME = "detector"
    USES = (*VISION_OPTIONS, "camera.", "tracking.appearance")
    OWN = ("cameras",)
    WHILE_INACTIVE = "frames pass by unlooked at, and its models are freed"

    def __init__(
        self,
        models: PipelinePool | None = None,
        embedder: EmbedderNode | None = None,
        subscribe: tuple[str, ...] | None = None,
        **member,
    ):
        super().__init__(**member)
        self._models = models or PipelinePool(vision_settings(self.settings))
        self._bodies: BodyEmbedder | None = None
        self._scheduler: CameraScheduler | None = None
        self._embedder = embedder
        self.frame_listeners: list[Callable[[Frame], None]] = []
        self.listeners: list[Callable[[Frame, FrameAnalysis], None]] = []
        self.between_listeners: list[Callable[[Frame], None]] = []
        self._attention = {camera: FrameSampler.of_config(self.settings) for camera in self.cameras}
        self._last_seen: dict[str, FrameAnalysis] = {}
        self._outputs = {
            camera: self.create_publisher(msg.Detections, self.camera_topic(camera, "detections"), RELIABLE)
            for camera in self.cameras
        }
        self._reported: dict[str, FrameCounts] = {}
        steady_timer(self, REPORT_S, self._report_drops)
        self._health = StageHealth(
            self, self.cameras, "detector", "detection", lambda camera: self._images.problem(camera), clocks=True
        )
        self._images = ImageInput(
            self,
            self.cameras if subscribe is None else subscribe,
            self.settings,
            self.on_frame,
            encode=True,
            refused=self._health.failed,
            lost=self._health.lost,
        )
        self._diagnostics = Diagnostics(self, self.robot_id, self._health.look)

    def activate(self) -> None:
        """Load the models.

        :raises ModelError: one is missing or does not fit.
        """
        self._bodies = open_body_embedder(self.settings)
        pipelines = self._models.acquire_many("detector", ThreadBudget.of_config(self.settings).workers)
        # In a process of its own it knows nothing of the embedder's: persons found faster than their faces can be looked for are
        # work for nothing, so the embedder goes first where both want the cores.
        self._scheduler = CameraScheduler(
            "detector",
            pipelines,
            self._look,
            self._deliver,
            batches=pipelines[0].batches,
            low_priority=self._embedder is None,
        )

    def deactivate(self) -> None:
        """Finish the frames at hand and free the models."""
        if self._scheduler is not None:
            self._scheduler.close()
        self._scheduler = self._bodies = None
        self._reported.clear()
        self._models.release("detector")

    def settings_changed(self, names: set[str]) -> None:
        """Look with the new thresholds."""
        if "detector.min_score" in names:
            self._models.set_thresholds(person_score=self.settings.detector.min_score)
        if "faces.min_width_px" in names:
            self._models.set_thresholds(min_face_px=self.settings.faces.min_width_px)

    def on_frame(self, frame: Frame) -> None:
        """Take a frame; an older one of that camera that nobody looked at gives way."""
        for listener in self.frame_listeners:
            listener(frame)
        workers = self._scheduler
        if not self.active or workers is None:
            return
        self._health.came(frame)
        worth = self._attention[frame.camera_id].decide(frame)
        if worth is FrameDecision.ANALYZE:
            workers.put(frame.camera_id, frame)
        else:
            workers.put_result(frame.camera_id, frame, worth)

    def counts(self) -> dict[str, FrameCounts]:
        """What became of each camera's frames since it was activated; safe to ask from any thread."""
        workers = self._scheduler
        return workers.counts() if workers is not None else {}

    def _look(self, pipeline: VisionPipeline, frames: list[Frame]) -> list[_Look | None]:
        looks = dict.fromkeys(range(len(frames)))
        bodies = self._bodies
        pictures = {
            row: picture
            for row, frame in enumerate(frames)
            if (picture := self._picture(frame, pipeline, bodies is not None)) is not None
        }
        started = time.perf_counter()
        found = pipeline.detect([picture.image for picture in pictures.values()])
        detecting_s = (time.perf_counter() - started) / max(1, len(pictures))
        for (row, picture), detections in zip(pictures.items(), found):
            detections = with_appearance(picture.in_frame(detections), picture.image, bodies)
            started = time.perf_counter()
            faces = () if self._embedder is None else self._embedder.find(pipeline, frames[row], detections)
            looks[row] = _Look(
                FrameAnalysis(detections, faces, pipeline.contract.id), detecting_s, time.perf_counter() - started
            )
        return list(looks.values())

    def _picture(self, frame: Frame, pipeline: VisionPipeline, whole: bool) -> DetectorImage | None:
        """Whole where anything but the person detector looks at it; None where it cannot be read."""
        try:
            if whole or self._embedder is not None:
                return DetectorImage.whole(frame)
            return DetectorImage.of(frame, pipeline.reduction)
        except FrameError as error:
            self._health.failed(frame.camera_id, str(error), frame.stamp_ns)
            self.get_logger().warning(str(error), throttle_duration_sec=60.0)
            return None

    def _deliver(self, camera_id: str, frame: Frame, outcome: _Look | FrameDecision) -> None:
        if outcome is FrameDecision.SKIP:
            # A tracker in another process knows of frames only what is published.
            if self._embedder is None and self._outputs[camera_id].get_subscription_count():
                self._outputs[camera_id].publish(detections_to_message(frame, Detections.none("")))
            for listener in self.between_listeners:
                listener(frame)
            self._health.done(frame)
            return
        if outcome is FrameDecision.UNCHANGED:
            if camera_id not in self._last_seen:
                return  # the frame it is like could not be read
            outcome = _Look(self._last_seen[camera_id].for_unchanged_frame())
        else:
            self._last_seen[camera_id] = outcome.seen
        seen = outcome.seen
        if self._outputs[camera_id].get_subscription_count():
            self._outputs[camera_id].publish(detections_to_message(frame, seen.detections))
        if self._embedder is not None:
            self._embedder.tell(frame, seen.model_id, seen.faces, outcome.faces_s)
        for listener in self.listeners:
            listener(frame, seen)
        self._health.done(frame, outcome.detecting_s)

    def _report_drops(self) -> None:
        for camera_id, counts in self.counts().items():
            before = self._reported.get(camera_id, FrameCounts())
            if counts.dropped > before.dropped:
                self.get_logger().warning(
                    f"camera {camera_id}: {counts.dropped - before.dropped} of its last {counts.arrived - before.arrived} "
                    "frames gave way to newer ones: they come faster than the models are"
                )
            self._reported[camera_id] = counts

    def drain(self) -> None:
        """Wait until the frames at hand are through."""
        if self._scheduler is not None:
            self._scheduler.drain()

    def close(self) -> None:
        """Finish the frames at hand and stop."""
        self._images.close()
        self.deactivate()


def main() -> None:
    """Run the node in a process of its own."""
    run_node(DetectorNode)
