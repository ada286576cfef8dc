"""Detector node: frames of all cameras in, persons out."""

from typing import Callable, Sequence

from sensor_msgs.msg import CompressedImage

from facetrack_ros import msg
from facetrack_ros.errors import FrameError
from facetrack_ros.nodes import conversion
from facetrack_ros.nodes.embedder_node import EmbedderNode
from facetrack_ros.nodes.member import RELIABLE, STREAM, RobotMember
from facetrack_ros.nodes.process import run_node
from facetrack_ros.nodes.vision_workers import FrameCounts, VisionWorkers
from facetrack_ros.vision.attention import Attention, Worth
from facetrack_ros.vision.build import build_pipelines
from facetrack_ros.vision.frame import Frame
from facetrack_ros.vision.from_config import VISION_OPTIONS, body_embedder, vision_settings, with_appearance
from facetrack_ros.vision.look import Seen
from facetrack_ros.vision.pipeline import VisionPipeline
from facetrack_ros.vision.thread_budget import ThreadBudget

# How often it is told that frames were dropped.
REPORT_S = 60.0


class DetectorNode(RobotMember):
    """Finds the persons in the newest frame of each camera, several frames side by side; all cameras of the robot in one
    batch where the model gains by that.

    :param pipelines: a set of models a worker, where the process shares them; else they are loaded from the settings.
    :param embedder: whose part is done in the same go, where it lives in the same process: a frame is then decoded once.
    :param subscribe: whether frames come over topics, rather than through :meth:`on_frame`.
    """

    def __init__(self, pipelines: "Sequence[VisionPipeline]" = (), embedder: "EmbedderNode | None" = None,
                 subscribe: bool = True, **member):
        super().__init__("detector", (*VISION_OPTIONS, "tracking.appearance"), **member)
        pipelines = pipelines or build_pipelines(vision_settings(self.settings), ThreadBudget.of_config(self.settings).workers)
        self._bodies = body_embedder(self.settings)
        self._embedder = embedder
        self.frame_listeners: "list[Callable[[Frame], None]]" = []
        self.listeners: "list[Callable[[Frame, Seen], None]]" = []
        self.between_listeners: "list[Callable[[Frame], None]]" = []
        self._attention = {camera: Attention.of_config(self.settings) for camera in self.cameras}
        self._last_seen: "dict[str, Seen]" = {}
        self._outputs = {camera: self.create_publisher(msg.Detections, self.camera_topic(camera, "detections"), RELIABLE)
                         for camera in self.cameras}
        self._numbers = dict.fromkeys(self.cameras, 0)
        self._workers = VisionWorkers("vision", pipelines, self._look, self._deliver, self.get_logger())
        self._reported: "dict[str, FrameCounts]" = {}
        self.create_timer(REPORT_S, self._report_drops)
        if subscribe:
            for camera in self.cameras:
                self.create_subscription(CompressedImage, self.camera_topic(camera, "image/compressed"),
                                         lambda message, camera=camera: self._on_image(camera, message), STREAM)

    def on_frame(self, frame: Frame) -> None:
        """Take a frame; an older one of that camera that nobody looked at gives way."""
        for listener in self.frame_listeners:
            listener(frame)
        worth = self._attention[frame.camera_id].judge(frame)
        if worth is Worth.LOOK:
            self._workers.put(frame.camera_id, frame)
        else:
            self._workers.put_seen(frame.camera_id, frame, worth)

    def counts(self) -> "dict[str, FrameCounts]":
        """What became of each camera's frames since the start; safe to ask from any thread."""
        return self._workers.counts()

    def _on_image(self, camera_id: str, message: CompressedImage) -> None:
        self.on_frame(conversion.frame_from_message(message, camera_id, self._numbers[camera_id]))
        self._numbers[camera_id] += 1

    def _look(self, pipeline: VisionPipeline, frames: "list[Frame]") -> "list[Seen | None]":
        seen = dict.fromkeys(range(len(frames)))
        readable = [row for row, frame in enumerate(frames) if self._readable(frame)]
        for row, detections in zip(readable, pipeline.detect([frames[row].image for row in readable])):
            detections = with_appearance(detections, frames[row].image, self._bodies)
            faces = () if self._embedder is None else self._embedder.find(pipeline, frames[row], detections)
            seen[row] = Seen(detections, faces, pipeline.contract.id)
        return list(seen.values())

    def _readable(self, frame: Frame) -> bool:
        try:
            return frame.image is not None
        except FrameError as error:
            self.get_logger().warning(str(error), throttle_duration_sec=60.0)
            return False

    def _deliver(self, camera_id: str, frame: Frame, seen: "Seen | Worth") -> None:
        if seen is Worth.BETWEEN:
            for listener in self.between_listeners:
                listener(frame)
            return
        if seen is Worth.STILL:
            if camera_id not in self._last_seen:
                return  # the frame it is like could not be read
            seen = self._last_seen[camera_id].still()
        else:
            self._last_seen[camera_id] = seen
        if self._outputs[camera_id].get_subscription_count():
            self._outputs[camera_id].publish(conversion.detections_to_message(frame, seen.detections))
        if self._embedder is not None:
            self._embedder.tell(frame, seen.model_id, seen.faces)
        for listener in self.listeners:
            listener(frame, seen)

    def _report_drops(self) -> None:
        for camera_id, counts in self.counts().items():
            before = self._reported.get(camera_id, FrameCounts())
            if counts.dropped > before.dropped:
                self.get_logger().warning(
                    f"camera {camera_id}: {counts.dropped - before.dropped} of its last {counts.arrived - before.arrived} "
                    "frames gave way to newer ones: they come faster than the models are")
            self._reported[camera_id] = counts

    def drain(self) -> None:
        """Wait until the frames at hand are through."""
        self._workers.drain()

    def close(self) -> None:
        """Finish the frames at hand and stop."""
        self._workers.close()


def main() -> None:
    """Run the node in a process of its own."""
    run_node(DetectorNode)
