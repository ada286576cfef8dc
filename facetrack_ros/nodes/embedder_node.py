"""Embedder node: frames and the persons in them in, faces with embeddings out."""

import time
from dataclasses import replace

from facetrack_ros import msg
from facetrack_ros.concurrency.camera_scheduler import CameraScheduler, FrameCounts
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track
from facetrack_ros.nodes.base.process import run_node
from facetrack_ros.nodes.base.qos import RELIABLE
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.time import to_ns
from facetrack_ros.nodes.conversion.vision import (
    detections_from_message,
    faces_to_message,
    frame_from_header,
    not_analyzed,
    tracks_from_message,
)
from facetrack_ros.nodes.health.publisher import Diagnostics
from facetrack_ros.nodes.health.stage_health import StageHealth
from facetrack_ros.nodes.inputs.battery import BatteryWatch
from facetrack_ros.nodes.inputs.image_buffer import WaitingImages
from facetrack_ros.nodes.inputs.images import ImageInput
from facetrack_ros.tracking.factory import make_face_scheduler
from facetrack_ros.vision.inference.threads import ThreadBudget
from facetrack_ros.vision.pipeline import VisionPipeline
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import FACE_OPTIONS, face_settings


class EmbedderNode(RobotMemberNode):
    """Finds, judges and embeds the face of each person.

    Where it cannot keep up, the newest frame of each camera wins; the tracker then follows the persons of the frames
    between without their faces. It rests while the battery is low: people are followed then, and nobody is recognised.

    :param subscribe: whether frames and detections come over topics, and are looked at by models of its own; else whoever
        has the models calls :meth:`find` and :meth:`tell`.
    """

    NAME = "embedder"
    USES = (*FACE_OPTIONS, "camera.", "faces.embed", "faces.looks_per_s", "face_tracking.enabled", "battery.")
    OWN = ("cameras",)
    WHILE_INACTIVE = "people are followed without faces, and its models are freed"

    def __init__(self, subscribe: bool = True, **member):
        super().__init__(**member)
        self._models = PipelinePool(face_settings(self.settings)) if subscribe else None
        self._outputs = {
            camera: self.create_publisher(msg.Faces, self.camera_topic(camera, "faces"), RELIABLE)
            for camera in self.cameras
        }
        self._waiting = WaitingImages(self.cameras)
        improving = self.settings.faces.embed == "improving"
        self._improving = {camera: make_face_scheduler(self.settings) for camera in self.cameras} if improving else {}
        self._battery = BatteryWatch(self, self.get_logger().warning)
        self._images = ImageInput(self, self.cameras, self.settings, self._waiting.keep) if subscribe else None
        self._health = StageHealth(self, self.cameras, "embedder", "finding faces")
        self._diagnostics = Diagnostics(self, self.robot_id, self._health.look)
        self._scheduler: CameraScheduler | None = None
        if subscribe:
            for camera in self.cameras:
                self.create_subscription(
                    msg.Detections, self.camera_topic(camera, "detections"), self._on_detections_message, RELIABLE
                )
                if improving:
                    self.create_subscription(
                        msg.Tracks, self.camera_topic(camera, "tracks"), self._on_tracks_message, RELIABLE
                    )

    def activate(self) -> None:
        """Load the models, where it has its own.

        :raises ModelError: one is missing or does not fit.
        """
        if self._models is not None:
            pipelines = self._models.acquire_many("embedder", ThreadBudget.of_config(self.settings).workers)
            self._scheduler = CameraScheduler(
                "embedder", pipelines, self._find_all, self._deliver, batches=pipelines[0].batches
            )

    def deactivate(self) -> None:
        """Finish the frames at hand and free the models."""
        workers, self._scheduler = self._scheduler, None
        if workers is not None:
            workers.close()
            self._models.release("embedder")

    def settings_changed(self, names: set[str]) -> None:
        """Look and rest with the new thresholds."""
        if "faces.min_width_px" in names and self._models is not None:
            self._models.set_thresholds(min_face_px=self.settings.faces.min_width_px)
        if names & {"battery.stop_faces_below", "battery.resume_faces_at"}:
            self._battery.change(self.settings.battery.stop_faces_below, self.settings.battery.resume_faces_at)

    def find(self, pipeline: VisionPipeline, frame: Frame, detections: Detections) -> tuple[Face, ...]:
        """The faces of a frame's persons, those that matter with embeddings; for any thread."""
        if not self.active or not self.settings.face_tracking.enabled or self._battery.braking:
            return ()
        improving = self._improving.get(frame.camera_id)
        return pipeline.faces(frame.image, detections, improving and improving.plan(frame.stamp_ns))

    def tell(self, frame: Frame, model_id: str, faces: tuple[Face, ...], took_s: float) -> None:
        """Publish a frame's faces, to whoever listens.

        :param took_s: to find them.
        """
        if self._outputs[frame.camera_id].get_subscription_count():
            self._outputs[frame.camera_id].publish(faces_to_message(frame, model_id, faces))
        if self._models is None:
            self._health.came(frame)
        self._health.done(frame, took_s)

    def counts(self) -> dict[str, FrameCounts]:
        """What became of each camera's frames since it was activated, where this node has models of its own."""
        workers = self._scheduler
        return workers.counts() if workers is not None else {}

    def _on_detections_message(self, message: msg.Detections) -> None:
        frame = self._waiting.take(message.camera_id, to_ns(message.header.stamp))
        if frame is not None and not not_analyzed(message):
            frame = replace(frame, number=message.frame_number)
            self._health.came(frame)
            workers = self._scheduler
            if workers is not None:
                workers.put(message.camera_id, (frame, detections_from_message(message)))

    def _find_all(self, pipeline: VisionPipeline, work: list[tuple[Frame, Detections]]) -> list:
        return [self._find_timed(pipeline, *each) for each in work]

    def _find_timed(
        self, pipeline: VisionPipeline, frame: Frame, detections: Detections
    ) -> tuple[str, tuple[Face, ...], float]:
        started = time.perf_counter()
        faces = self.find(pipeline, frame, detections)
        return pipeline.contract.id, faces, time.perf_counter() - started

    def _deliver(
        self, camera_id: str, item: tuple[Frame, Detections], found: tuple[str, tuple[Face, ...], float]
    ) -> None:
        self.tell(item[0], *found)

    def on_tracks(self, frame: Frame, tracks: tuple[Track, ...]) -> None:
        """Take everybody followed, so that only better faces than before are embedded where that is asked for."""
        if frame.camera_id in self._improving:
            self._improving[frame.camera_id].update(frame.stamp_ns, tracks)

    def _on_tracks_message(self, message: msg.Tracks) -> None:
        self.on_tracks(frame_from_header(message), tracks_from_message(message))

    def close(self) -> None:
        """Finish the frames at hand and stop."""
        if self._images is not None:
            self._images.close()
        self.deactivate()


def main() -> None:
    """Run the node in a process of its own."""
    run_node(EmbedderNode)
