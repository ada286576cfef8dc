"""Embedder node: frames and the persons in them in, faces with embeddings out."""

import math
import time
from dataclasses import replace
from functools import partial
from typing import Callable

from sensor_msgs.msg import BatteryState

from facetrack_ros import msg
from facetrack_ros.nodes import conversion
from facetrack_ros.nodes.diagnostics import Diagnostics
from facetrack_ros.nodes.image_input import ImageInput
from facetrack_ros.nodes.member import RELIABLE, STREAM, RobotMember
from facetrack_ros.nodes.process import run_node
from facetrack_ros.nodes.stage_health import StageHealth
from facetrack_ros.nodes.waiting_images import WaitingImages
from facetrack_ros.nodes.worker import NewestPerCamera, Worker
from facetrack_ros.tracking.improving_faces import ImprovingFaces
from facetrack_ros.tracking.track import Track
from facetrack_ros.vision.battery_brake import BatteryBrake
from facetrack_ros.vision.build import build_pipeline
from facetrack_ros.vision.detections import Detections
from facetrack_ros.vision.face import Face
from facetrack_ros.vision.frame import Frame
from facetrack_ros.vision.from_config import VISION_OPTIONS, vision_settings
from facetrack_ros.vision.pipeline import VisionPipeline


class EmbedderNode(RobotMember):
    """Finds, judges and embeds the face of each person.

    Where it cannot keep up, the newest frame of each camera wins; the tracker then follows the persons of the frames
    between without their faces. It rests while the battery is low: people are followed then, and nobody is recognised.

    :param pipeline: the models, where the process shares them; else they are loaded from the settings.
    :param subscribe: whether frames and detections come over topics, rather than through :meth:`on_detections`.
    """

    def __init__(self, pipeline: "VisionPipeline | None" = None, subscribe: bool = True, **member):
        super().__init__("embedder", (*VISION_OPTIONS, "camera.", "battery."), **member)
        self._pipeline = pipeline or build_pipeline(vision_settings(self.settings))
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
        self._images = ImageInput(self, self.cameras, self.settings, self._waiting.keep) if subscribe else None
        self._health = StageHealth(self, self.cameras, "embedder", "finding faces")
        self._diagnostics = Diagnostics(self, self.robot_id, self._health.look)
        if subscribe:
            for camera in self.cameras:
                self.create_subscription(msg.Detections, self.camera_topic(camera, "detections"),
                                         self._on_detections_message, RELIABLE)
                if improving:
                    self.create_subscription(msg.Tracks, self.camera_topic(camera, "tracks"), self._on_tracks_message,
                                             RELIABLE)

    def on_detections(self, frame: Frame, detections: Detections) -> None:
        """Take the persons of a frame; an older frame of that camera that nobody looked at gives way."""
        self._health.came(frame)
        self._worker.put(frame.camera_id, (frame, detections))

    def _on_detections_message(self, message: msg.Detections) -> None:
        frame = self._waiting.take(message.camera_id, conversion.to_ns(message.header.stamp))
        if frame is not None:
            self.on_detections(replace(frame, number=message.frame_number),
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
        for frame, detections in work:
            faces, started = (), time.perf_counter()
            if self.settings["face_tracking.enabled"] and not self._brake.braking:
                improving = self._improving.get(frame.camera_id)
                faces = self._pipeline.faces(frame.image, detections, improving and partial(improving.choose, frame.stamp_ns))
            self._outputs[frame.camera_id].publish(
                conversion.faces_to_message(frame, self._pipeline.contract.id, faces))
            for listener in self.listeners:
                listener(frame, faces)
            self._health.done(frame, time.perf_counter() - started)

    def drain(self) -> None:
        """Wait until the frames at hand are through."""
        self._worker.drain()

    def close(self) -> None:
        """Finish the frames at hand and stop."""
        if self._images is not None:
            self._images.close()
        self._worker.close()


def main() -> None:
    """Run the node in a process of its own."""
    run_node(EmbedderNode)
