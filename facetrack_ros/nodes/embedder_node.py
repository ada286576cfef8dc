"""Embedder node: frames and the persons in them in, faces with embeddings out."""

import math
from functools import partial
from typing import Callable

from sensor_msgs.msg import BatteryState, CompressedImage

from facetrack_ros import msg
from facetrack_ros.nodes import conversion
from facetrack_ros.nodes.member import RELIABLE, STREAM, RobotMember
from facetrack_ros.nodes.process import run_node
from facetrack_ros.nodes.waiting_images import WaitingImages
from facetrack_ros.nodes.worker import NewestPerCamera, Worker
from facetrack_ros.tracking.improving_faces import ImprovingFaces
from facetrack_ros.tracking.track import Track
from facetrack_ros.vision.battery_brake import BatteryBrake
from facetrack_ros.vision.detections import Detections
from facetrack_ros.vision.face import Face
from facetrack_ros.vision.frame import Frame
from facetrack_ros.vision.from_config import FACE_OPTIONS, face_settings
from facetrack_ros.vision.pipeline import VisionPipeline
from facetrack_ros.vision.shared_models import SharedModels


class EmbedderNode(RobotMember):
    """Finds, judges and embeds the face of each person.

    Where it cannot keep up, the newest frame of each camera wins; the tracker then follows the persons of the frames
    between without their faces. It rests while the battery is low: people are followed then, and nobody is recognised.

    :param models: where the process shares them; else they are those of the settings.
    :param subscribe: whether frames and detections come over topics, rather than through :meth:`on_detections`.
    """

    NAME = "embedder"
    USES = (*FACE_OPTIONS, "faces.embed", "face_tracking.enabled", "battery.")
    OWN = ("cameras",)
    WHILE_INACTIVE = "people are followed without faces, and its models are freed"

    def __init__(self, models: "SharedModels | None" = None, subscribe: bool = True, **member):
        super().__init__(**member)
        self._models = models or SharedModels(face_settings(self.settings))
        self._pipeline: "VisionPipeline | None" = None
        self.listeners: "list[Callable[[Frame, tuple[Face, ...]], None]]" = []
        self._outputs = {camera: self.create_publisher(msg.Faces, self.camera_topic(camera, "faces"), RELIABLE)
                            for camera in self.cameras}
        self._waiting = WaitingImages(self.cameras)
        improving = self.settings["faces.embed"] == "improving"
        self._improving = {camera: ImprovingFaces() for camera in self.cameras} if improving else {}
        self._brake = BatteryBrake(self.settings["battery.stop_faces_below"], self.settings["battery.resume_faces_at"])
        if self.settings["battery.topic"]:
            self.create_subscription(BatteryState, self.settings["battery.topic"], self._on_battery, STREAM)
        self._worker = Worker("embedder", NewestPerCamera(), self._find_faces, self.get_logger())
        if subscribe:
            for camera in self.cameras:
                self.create_subscription(CompressedImage, self.camera_topic(camera, "image/compressed"),
                                         lambda message, camera=camera: self._waiting.keep(camera, message), STREAM)
                self.create_subscription(msg.Detections, self.camera_topic(camera, "detections"),
                                         self._on_detections_message, RELIABLE)
                if improving:
                    self.create_subscription(msg.Tracks, self.camera_topic(camera, "tracks"), self._on_tracks_message,
                                             RELIABLE)

    def activate(self) -> None:
        """Load the models.

        :raises ModelError: one is missing or does not fit.
        """
        self._pipeline = self._models.take("embedder")

    def deactivate(self) -> None:
        """Finish the frames at hand and free the models."""
        self.drain()
        self._pipeline = None
        self._models.give_back("embedder")

    def settings_changed(self, names: "set[str]") -> None:
        """Look and rest with the new thresholds."""
        if "faces.min_width_px" in names:
            self._models.change(min_face_px=self.settings["faces.min_width_px"])
        if names & {"battery.stop_faces_below", "battery.resume_faces_at"}:
            self._brake.change(self.settings["battery.stop_faces_below"], self.settings["battery.resume_faces_at"])

    def on_detections(self, frame: Frame, detections: Detections) -> None:
        """Take the persons of a frame; an older frame of that camera that nobody looked at gives way."""
        if self.active:
            self._worker.put(frame.camera_id, (frame, detections))

    def _on_detections_message(self, message: msg.Detections) -> None:
        image = self._waiting.take(message.camera_id, conversion.to_ns(message.header.stamp))
        if image is not None:
            self.on_detections(conversion.frame_from_message(image, message.camera_id, message.frame_number),
                               conversion.detections_from_message(message))

    def on_tracks(self, frame: Frame, tracks: "tuple[Track, ...]") -> None:
        """Take everybody followed, so that only better faces than before are embedded where that is asked for."""
        if frame.camera_id in self._improving:
            self._improving[frame.camera_id].know(tracks)

    def _on_tracks_message(self, message: msg.Tracks) -> None:
        self.on_tracks(conversion.frame_of(message), conversion.tracks_from_message(message))

    def _on_battery(self, message: BatteryState) -> None:
        if not 0.0 <= message.percentage <= 1.0 and not math.isnan(message.percentage):
            self.get_logger().warning(f"{self.settings['battery.topic']} gives a charge of {message.percentage:g}, which is "
                                      "not within 0 to 1: not taken", throttle_duration_sec=60.0)
        elif self._brake.update(message.percentage):
            self.get_logger().warning(
                f"battery at {message.percentage:.0%}: face work stops, people are still followed"
                if self._brake.braking else f"battery at {message.percentage:.0%}: face work goes on")

    def _find_faces(self, work: "list[tuple[Frame, Detections]]") -> None:
        pipeline = self._pipeline
        if pipeline is None:
            return
        for frame, detections in work:
            faces = ()
            if self.settings["face_tracking.enabled"] and not self._brake.braking:
                improving = self._improving.get(frame.camera_id)
                faces = pipeline.faces(frame.image, detections, improving and partial(improving.choose, frame.stamp_ns))
            self._outputs[frame.camera_id].publish(
                conversion.faces_to_message(frame, pipeline.contract.id, faces))
            for listener in self.listeners:
                listener(frame, faces)

    def drain(self) -> None:
        """Wait until the frames at hand are through."""
        self._worker.drain()

    def close(self) -> None:
        """Finish the frames at hand and stop."""
        self._worker.close()


def main() -> None:
    """Run the node in a process of its own."""
    run_node(EmbedderNode)
