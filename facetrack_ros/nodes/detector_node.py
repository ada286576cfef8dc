"""Detector node: images of all cameras in, persons out."""

import time
from dataclasses import replace

from facetrack_ros import msg
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.frame import Frame
from facetrack_ros.nodes.base.process import run_node
from facetrack_ros.nodes.base.qos import RELIABLE
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.conversion.vision import detections_to_message
from facetrack_ros.nodes.embedder_node import EmbedderNode
from facetrack_ros.nodes.health.publisher import Diagnostics
from facetrack_ros.nodes.health.stage_health import StageHealth
from facetrack_ros.nodes.inputs.images import ImageInput
from facetrack_ros.nodes.inputs.rotation import follow_rotations, publish_rotations
from facetrack_ros.pipeline.analysis_stage import AnalysisStage
from facetrack_ros.tracking.factory import enrolled_only
from facetrack_ros.vision.factory import open_body_embedder
from facetrack_ros.vision.frame_analysis import FrameAnalysis
from facetrack_ros.vision.inference.threads import ThreadBudget
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import VISION_OPTIONS, vision_settings

# How often dropped frames are logged.
REPORT_S = 60.0


class DetectorNode(RobotMemberNode):
    """Analyses the newest frame of each camera, on a thread a core or all cameras in one batch.

    :param models: shared with other nodes of the process; None: opened from the settings.
    :param embedder: node of this process whose faces are found in the same pass, so that a frame is decoded once; None:
        faces are another process's work.
    :param subscribe: cameras whose images come over topics, rather than through ``stage.add_frame``; None: all.
    """

    NAME = "detector"
    USES = (*VISION_OPTIONS, "camera.", "recognition.", "tracking.appearance")
    OWN = ("cameras",)
    WHILE_INACTIVE = "frames are not analysed, and its models are freed"

    def __init__(
        self,
        models: PipelinePool | None = None,
        embedder: EmbedderNode | None = None,
        subscribe: tuple[str, ...] | None = None,
        **member,
    ):
        super().__init__(**member)
        self.models = models or PipelinePool(vision_settings(self.settings))
        self._outputs = self.camera_publishers(msg.Detections, "detections", RELIABLE)
        self.health = StageHealth(
            self,
            self.cameras,
            "detector",
            "detection",
            lambda camera: self._images.problem(camera),
            clocks=True,
            values=lambda camera: {"rotation": self.stage.rotations.describe(camera)},
        )
        self.stage = AnalysisStage(
            self.cameras, self.settings, embedder.faces if embedder else None, self.health, time.perf_counter
        )
        self.stage.listeners.append(self._publish)
        if embedder is not None:
            self.stage.listeners.append(embedder.add_analysis)
        else:
            self.stage.skip_listeners.append(self._publish_skipped)
        steady_timer(self, REPORT_S, self.health.log_drops)
        if embedder is None:
            follow_rotations(self, self.stage.rotations)
        else:
            publish_rotations(self, self.stage.rotations)
        subscribed = self.cameras if subscribe is None else subscribe
        on_frame, refused, lost = self.stage.add_frame, self.health.failed, self.health.lost
        self._images = ImageInput(
            self, subscribed, self.settings, on_frame, self.stage.rotations, encode=True, refused=refused, lost=lost
        )
        self._diagnostics = Diagnostics(self, self.robot_id, self.health.report)

    def activate(self) -> None:
        """Load the models.

        :raises ModelError: one is missing or does not fit.
        """
        bodies = open_body_embedder(self.settings)
        pipelines = self.models.acquire_many("detector", ThreadBudget.of_config(self.settings).workers)
        self.stage.start("detector", pipelines, bodies)

    def deactivate(self) -> None:
        """Finish the frames at hand and free the models."""
        self.stage.stop()
        self.models.release("detector")

    def settings_changed(self, names: set[str]) -> None:
        """Apply new thresholds."""
        if "detector.min_score" in names:
            self.models.set_thresholds(person_score=self.settings.detector.min_score)
        if "faces.min_width_px" in names:
            self.models.set_thresholds(min_face_px=self.settings.faces.min_width_px)

    def _publish(self, frame: Frame, analysis: FrameAnalysis) -> None:
        if self._outputs[frame.camera_id].get_subscription_count():
            detections = analysis.detections
            if enrolled_only(self.settings):
                detections = replace(detections, appearance=None)
            self._outputs[frame.camera_id].publish(detections_to_message(frame, detections))

    def _publish_skipped(self, frame: Frame) -> None:
        """Publish a frame without detections: a tracker in another process knows of frames only from messages."""
        self._publish(frame, FrameAnalysis(Detections.none("")))

    def close(self) -> None:
        """Finish the frames at hand and stop."""
        self._images.close()
        self.deactivate()


def main() -> None:
    """Run the node in a process of its own."""
    run_node(DetectorNode)
