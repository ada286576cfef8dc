"""Embedder node: images and the persons in them in, faces with embeddings out."""

import time
from dataclasses import replace

from facetrack_ros import msg
from facetrack_ros.concurrency.camera_scheduler import CameraScheduler
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track
from facetrack_ros.nodes.base.one_process import require_one_process
from facetrack_ros.nodes.base.process import run_node
from facetrack_ros.nodes.base.qos import RELIABLE
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.vision import faces_to_message, read_detections, read_tracks
from facetrack_ros.nodes.health.publisher import Diagnostics
from facetrack_ros.nodes.health.stage_health import StageHealth
from facetrack_ros.nodes.inputs.battery import BatteryInput
from facetrack_ros.nodes.inputs.image_buffer import ImageBuffer
from facetrack_ros.nodes.inputs.images import ImageInput
from facetrack_ros.nodes.inputs.rotation import publish_rotations
from facetrack_ros.pipeline.face_stage import FaceStage
from facetrack_ros.tracking.factory import enrolled_only
from facetrack_ros.vision.frame_analysis import FrameAnalysis, FrameAnalyzer
from facetrack_ros.vision.inference.threads import ThreadBudget
from facetrack_ros.vision.pipeline import VisionPipeline
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import FACE_OPTIONS, face_settings


class EmbedderNode(RobotMemberNode):
    """Finds, assesses and embeds the face of each person.

    If it cannot keep up, the newest frame of each camera is taken; the tracker then tracks the persons of the other
    frames without their faces. While the battery is low it finds no faces.

    :param subscribe: whether images and detections come over topics and are analysed with models of its own; else a
        detector node of this process uses ``faces`` and calls :meth:`add_analysis`.
    :ivar faces: chooses the faces of each frame.
    """

    NAME = "embedder"
    USES = (
        *FACE_OPTIONS,
        "camera.",
        "faces.embed",
        "faces.looks_per_s",
        "face_tracking.enabled",
        "recognition.",
        "battery.",
    )
    OWN = ("cameras",)
    WHILE_INACTIVE = "people are tracked without faces, and its models are freed"

    def __init__(self, subscribe: bool = True, **member):
        super().__init__(**member)
        self._models = PipelinePool(face_settings(self.settings))
        self._outputs = self.camera_publishers(msg.Faces, "faces", RELIABLE)
        self.battery = BatteryInput(self, self.get_logger().warning)
        self.faces = FaceStage(self.cameras, self.settings, self._enabled)
        rotations = self.faces.rotations
        self._health = StageHealth(
            self,
            self.cameras,
            "embedder",
            "finding faces",
            values=lambda camera: {"rotation": rotations.describe(camera)},
        )
        self._diagnostics = Diagnostics(self, self.robot_id, self._health.report)
        self._scheduler: CameraScheduler[VisionPipeline, tuple[Frame, Detections], FrameAnalysis] | None = None
        self._subscribe = subscribe
        self._waiting = ImageBuffer(self.cameras)
        self._images: ImageInput | None = None
        if subscribe:
            self._images = ImageInput(self, self.cameras, self.settings, self._waiting.keep, rotations)
            publish_rotations(self, rotations)
        for camera in self.cameras if subscribe else ():
            self.receive_camera(camera, msg.Detections, "detections", read_detections, self._on_detections)
            if self.settings.faces.embed == "improving":
                self.receive_camera(camera, msg.Tracks, "tracks", read_tracks, self._on_tracks)

    def _enabled(self) -> bool:
        return self.active and self.settings.face_tracking.enabled and not self.battery.braking

    def activate(self) -> None:
        """Load the models, if it has its own.

        :raises ModelError: one is missing or does not fit.
        """
        require_one_process(self.settings, self._subscribe)
        if self._subscribe:
            pipelines = self._models.acquire_many("embedder", ThreadBudget.of_config(self.settings).workers)
            self._scheduler = CameraScheduler(
                "embedder",
                pipelines,
                lambda pipeline, items: [self._analyze(pipeline, *item) for item in items],
                lambda _, item, analysis: self._deliver(item[0], analysis),
                batches=pipelines[0].batches,
            )

    def deactivate(self) -> None:
        """Finish the frames at hand and free the models."""
        scheduler, self._scheduler = self._scheduler, None
        if scheduler is not None:
            scheduler.close()
            self._models.release("embedder")

    def settings_changed(self, names: set[str]) -> None:
        """Apply new thresholds and battery limits."""
        if "faces.min_width_px" in names:
            self._models.set_thresholds(min_face_px=self.settings.faces.min_width_px)
        if names & {"battery.stop_faces_below", "battery.resume_faces_at"}:
            self.battery.change(self.settings.battery.stop_faces_below, self.settings.battery.resume_faces_at)

    def add_analysis(self, frame: Frame, analysis: FrameAnalysis) -> None:
        """Publish the faces of a frame that a detector node of this process analysed."""
        self._health.arrived(frame)
        self._publish(frame, analysis)

    def _deliver(self, frame: Frame, analysis: FrameAnalysis) -> None:
        self.faces.rotations.add(frame, analysis)
        self._publish(frame, analysis)

    def _publish(self, frame: Frame, analysis: FrameAnalysis) -> None:
        if self._outputs[frame.camera_id].get_subscription_count():
            faces = analysis.faces
            if enrolled_only(self.settings):  # they are told apart later, by the tracker
                faces = tuple(replace(face, embedding=None) for face in faces)
            self._outputs[frame.camera_id].publish(faces_to_message(frame, analysis.model_id, faces))
        self._health.finished(frame, analysis.faces_s)

    def _on_detections(self, found: tuple[Frame, Detections | None]) -> None:
        analysed, detections = found
        frame = self._waiting.take(analysed.camera_id, analysed.stamp_ns)
        if frame is not None and detections is not None:
            frame = replace(frame, number=analysed.number)
            self._health.arrived(frame)
            scheduler = self._scheduler
            if scheduler is not None:
                scheduler.put(frame.camera_id, (frame, detections))

    def _on_tracks(self, found: tuple[Frame, tuple[Track, ...], str]) -> None:
        frame, tracks, _ = found
        self.faces.add_tracks(frame, tracks)

    def _analyze(self, pipeline: VisionPipeline, frame: Frame, detections: Detections) -> FrameAnalysis:
        began_s = time.perf_counter()
        analysis = self.faces.task(frame).run(FrameAnalyzer(pipeline), detections)
        return replace(analysis, faces_s=time.perf_counter() - began_s)

    def close(self) -> None:
        """Finish the frames at hand and stop."""
        if self._images is not None:
            self._images.close()
        self.deactivate()


def main() -> None:
    """Run the node in a process of its own."""
    run_node(EmbedderNode)
