"""Detector node: frames of all cameras in, persons out."""

from typing import Callable

from sensor_msgs.msg import CompressedImage

from facetrack_ros import msg
from facetrack_ros.errors import FrameError
from facetrack_ros.nodes import conversion
from facetrack_ros.nodes.member import RELIABLE, STREAM, RobotMember
from facetrack_ros.nodes.process import run_node
from facetrack_ros.nodes.worker import NewestPerCamera, Worker
from facetrack_ros.vision.detections import Detections
from facetrack_ros.vision.frame import Frame
from facetrack_ros.vision.from_config import VISION_OPTIONS, body_embedder, vision_settings, with_appearance
from facetrack_ros.vision.pipeline import VisionPipeline
from facetrack_ros.vision.protocols import BodyEmbedder
from facetrack_ros.vision.shared_models import SharedModels


class DetectorNode(RobotMember):
    """Finds the persons in the newest frame of each camera, all cameras of the robot in one batch.

    :param models: where the process shares them; else they are those of the settings.
    :param subscribe: cameras whose frames come over topics, rather than through :meth:`on_frame`; None: all.
    """

    NAME = "detector"
    USES = (*VISION_OPTIONS, "tracking.appearance")
    OWN = ("cameras",)
    WHILE_INACTIVE = "frames pass by unlooked at, and its models are freed"

    def __init__(self, models: "SharedModels | None" = None, subscribe: "tuple[str, ...] | None" = None, **member):
        super().__init__(**member)
        self._models = models or SharedModels(vision_settings(self.settings))
        self._pipeline: "VisionPipeline | None" = None
        self._bodies: "BodyEmbedder | None" = None
        self.frame_listeners: "list[Callable[[Frame], None]]" = []
        self.listeners: "list[Callable[[Frame, Detections], None]]" = []
        self._outputs = {camera: self.create_publisher(msg.Detections, self.camera_topic(camera, "detections"), RELIABLE)
                            for camera in self.cameras}
        self._numbers = dict.fromkeys(self.cameras, 0)
        self._worker = Worker("detector", NewestPerCamera(), self._detect, self.get_logger())
        for camera in self.cameras if subscribe is None else subscribe:
            self.create_subscription(CompressedImage, self.camera_topic(camera, "image/compressed"),
                                     lambda message, camera=camera: self._on_image(camera, message), STREAM)

    def activate(self) -> None:
        """Load the models.

        :raises ModelError: one is missing or does not fit.
        """
        self._bodies = body_embedder(self.settings)
        self._pipeline = self._models.take("detector")

    def deactivate(self) -> None:
        """Finish the frames at hand and free the models."""
        self.drain()
        self._pipeline = self._bodies = None
        self._models.give_back("detector")

    def settings_changed(self, names: "set[str]") -> None:
        """Look with the new thresholds."""
        if "detector.min_score" in names:
            self._models.change(person_score=self.settings["detector.min_score"])
        if "faces.min_width_px" in names:
            self._models.change(min_face_px=self.settings["faces.min_width_px"])

    def on_frame(self, frame: Frame) -> None:
        """Take a frame; an older one of that camera that nobody looked at gives way."""
        for listener in self.frame_listeners:
            listener(frame)
        if self.active:
            self._worker.put(frame.camera_id, frame)

    def _on_image(self, camera_id: str, message: CompressedImage) -> None:
        self.on_frame(conversion.frame_from_message(message, camera_id, self._numbers[camera_id]))
        self._numbers[camera_id] += 1

    def _detect(self, frames: "list[Frame]") -> None:
        pipeline, bodies = self._pipeline, self._bodies
        if pipeline is None:
            return
        readable = []
        for frame in frames:
            try:
                frame.image
                readable.append(frame)
            except FrameError as error:
                self.get_logger().warning(str(error), throttle_duration_sec=60.0)
        for frame, detections in zip(readable, pipeline.detect([frame.image for frame in readable])):
            detections = with_appearance(detections, frame.image, bodies)
            self._outputs[frame.camera_id].publish(conversion.detections_to_message(frame, detections))
            for listener in self.listeners:
                listener(frame, detections)

    def drain(self) -> None:
        """Wait until the frames at hand are through."""
        self._worker.drain()

    def close(self) -> None:
        """Finish the frames at hand and stop."""
        self._worker.close()


def main() -> None:
    """Run the node in a process of its own."""
    run_node(DetectorNode)
