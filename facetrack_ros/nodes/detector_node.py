"""Detector node: frames of all cameras in, persons out."""

import time
from typing import Callable

from facetrack_ros import msg
from facetrack_ros.errors import FrameError
from facetrack_ros.nodes import conversion
from facetrack_ros.nodes.diagnostics import Diagnostics
from facetrack_ros.nodes.image_input import ImageInput
from facetrack_ros.nodes.member import RELIABLE, RobotMember
from facetrack_ros.nodes.process import run_node
from facetrack_ros.nodes.stage_health import StageHealth
from facetrack_ros.nodes.worker import NewestPerCamera, Worker
from facetrack_ros.vision.build import build_pipeline
from facetrack_ros.vision.detections import Detections
from facetrack_ros.vision.frame import Frame
from facetrack_ros.vision.from_config import VISION_OPTIONS, body_embedder, vision_settings, with_appearance
from facetrack_ros.vision.pipeline import VisionPipeline


class DetectorNode(RobotMember):
    """Finds the persons in the newest frame of each camera, all cameras of the robot in one batch.

    :param pipeline: the models, where the process shares them; else they are loaded from the settings.
    :param subscribe: whether frames come over topics, rather than through :meth:`on_frame`.
    """

    def __init__(self, pipeline: "VisionPipeline | None" = None, subscribe: bool = True, **member):
        super().__init__("detector", (*VISION_OPTIONS, "camera.", "tracking.appearance"), **member)
        self._pipeline = pipeline or build_pipeline(vision_settings(self.settings))
        self._bodies = body_embedder(self.settings)
        self.frame_listeners: "list[Callable[[Frame], None]]" = []
        self.listeners: "list[Callable[[Frame, Detections], None]]" = []
        self._outputs = {camera: self.create_publisher(msg.Detections, self.camera_topic(camera, "detections"), RELIABLE)
                            for camera in self.cameras}
        self._worker = Worker("detector", NewestPerCamera(), self._detect, self.get_logger())
        self._health = StageHealth(self, self.cameras, "detector", "detection",
                                   lambda camera: self._images.problem(camera) if self._images is not None else "", clocks=True)
        self._images = ImageInput(self, self.cameras, self.settings, self.on_frame, encode=True,
                                  refused=self._health.failed, lost=self._health.lost) if subscribe else None
        self._diagnostics = Diagnostics(self, self.robot_id, self._health.look)

    def on_frame(self, frame: Frame) -> None:
        """Take a frame; an older one of that camera that nobody looked at gives way."""
        for listener in self.frame_listeners:
            listener(frame)
        self._health.came(frame)
        self._worker.put(frame.camera_id, frame)

    def _detect(self, frames: "list[Frame]") -> None:
        readable = []
        for frame in frames:
            try:
                frame.image
                readable.append(frame)
            except FrameError as error:
                self._health.failed(frame.camera_id, str(error), frame.stamp_ns)
                self.get_logger().warning(str(error), throttle_duration_sec=60.0)
        started = time.perf_counter()
        found = self._pipeline.detect([frame.image for frame in readable])
        took_s = (time.perf_counter() - started) / max(1, len(readable))
        for frame, detections in zip(readable, found):
            detections = with_appearance(detections, frame.image, self._bodies)
            self._outputs[frame.camera_id].publish(conversion.detections_to_message(frame, detections))
            for listener in self.listeners:
                listener(frame, detections)
            self._health.done(frame, took_s)

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
    run_node(DetectorNode)
