"""All nodes of a robot in one process: a frame is decoded once and handed on, not sent to itself."""

import sys
from typing import Callable

from rcl_interfaces.msg import ParameterDescriptor, ParameterType
from rclpy.node import Node

from facetrack_ros.cli.cameras import parse_cameras
from facetrack_ros.config import Config
from facetrack_ros.errors import FacetrackError
from facetrack_ros.nodes.camera_node import CameraNode
from facetrack_ros.nodes.detector_node import DetectorNode
from facetrack_ros.nodes.embedder_node import EmbedderNode
from facetrack_ros.nodes.gallery_node import GalleryNode
from facetrack_ros.nodes.history_node import HistoryNode
from facetrack_ros.nodes.member import RobotMember
from facetrack_ros.nodes.overlay_node import OverlayNode
from facetrack_ros.nodes.process import StopSignal, leave_quietly, ros, spinning
from facetrack_ros.nodes.search_node import SearchNode
from facetrack_ros.nodes.tracker_node import TrackerNode
from facetrack_ros.vision.build import build_pipelines
from facetrack_ros.vision.description import description_lines
from facetrack_ros.vision.from_config import VISION_OPTIONS, vision_settings
from facetrack_ros.vision.thread_budget import ThreadBudget


class RobotNode(RobotMember):
    """What the process is told to be, and the models its nodes share.

    :param sources: ``NAME=SOURCE`` a camera, where the parameter is not given from outside.
    """

    def __init__(self, sources: "tuple[str, ...]" = (), **member):
        super().__init__("robot", VISION_OPTIONS, **member)
        descriptor = ParameterDescriptor(
            type=ParameterType.PARAMETER_STRING_ARRAY, read_only=True,
            description="NAME=SOURCE for each camera this process reads itself; other cameras have their own driver.")
        self.sources = parse_cameras([text for text in self.declare_parameter(
            "sources", list(sources) or [""], descriptor).value if text])
        self.pipelines = build_pipelines(vision_settings(self.settings), ThreadBudget.of_config(self.settings).workers)

    def close(self) -> None:
        """Nothing of its own to end."""


class Robot:
    """The nodes of one robot, wired to each other so that values pass between them as they are.

    :param head: the node that holds the sources and the shared models.
    :param config: settings where the nodes are not configured from outside.
    """

    def __init__(self, head: RobotNode, config: "Config | None" = None):
        cameras = tuple(dict.fromkeys((*head.sources, *(() if head.sources else head.cameras))))
        member = {"robot_id": head.robot_id, "cameras": cameras, "config": config}
        pipeline = head.pipelines[0]
        description = pipeline.describe()
        models = (description["person"]["model"], description["face"]["model"])
        external = not head.sources
        self.history = HistoryNode(contract=pipeline.contract, models=models, subscribe=False, **member)
        self.tracker = TrackerNode(contract=pipeline.contract, subscribe=False, **member)
        self.embedder = EmbedderNode(subscribe=False, **member)
        self.detector = DetectorNode(head.pipelines, self.embedder, subscribe=external, **member)
        self.search = SearchNode(pipeline=pipeline, **member)
        self.gallery = GalleryNode(pipeline=pipeline, **member)
        self.overlay = OverlayNode(subscribe=False, **member)
        self.cameras = [CameraNode(camera_id, source, **member) for camera_id, source in head.sources.items()]
        self.nodes: "list[Node]" = [head, *self.cameras, self.detector, self.embedder, self.tracker, self.history,
                                    self.search, self.gallery, self.overlay]
        self.detector.frame_listeners.append(self.history.on_frame)
        self.detector.listeners.append(self.tracker.on_seen)
        self.detector.between_listeners.append(self.tracker.on_between)
        self.tracker.track_listeners += [self.embedder.on_tracks, self.history.on_tracks, self.overlay.on_tracks]
        self.tracker.event_listeners.append(self.history.on_event)
        for camera in self.cameras:
            camera.listeners.append(self.detector.on_frame)
            camera.end_listeners.append(self._on_camera_end)

    def start(self) -> None:
        """Open the sources, let the frames come, and say what runs.

        :raises SourceError: a source that cannot be opened; nothing has started then.
        """
        for camera in self.cameras:
            camera.open()
        for camera in self.cameras:
            camera.start()
        log, head = self.history.get_logger(), self.nodes[0]
        for line in description_lines(head.pipelines[0].describe()):
            log.info(line)
        log.info(f"{head.robot_id} is up with {', '.join(self.history.cameras)}; its history is in "
                 f"{self.history.robot_folder() / head.robot_id}. Ctrl-C ends it.")

    def _on_camera_end(self, camera_id: str) -> None:
        """A clip is over: whoever was in view has left once its last frames are through."""
        self.detector.drain()
        self.tracker.on_camera_end(camera_id)

    def close(self) -> None:
        """End in the order the frames flow, so that each stage finishes what it was given."""
        for node in (*self.cameras, self.detector, self.embedder, self.tracker, self.history, self.search, self.gallery, self.overlay):
            node.close()


def run_robot(make_head: "Callable[[], RobotNode]", config: "Config | None" = None,
              arguments: "list[str] | None" = None) -> None:
    """Run a robot until the process is told to stop.

    :raises FacetrackError: what could not be started; whatever was stored stays readable.
    """
    stop = StopSignal()
    with ros(arguments):
        robot = Robot(make_head(), config)
        with spinning(robot.nodes):
            try:
                robot.start()
                stop.wait()
            finally:
                robot.close()
    leave_quietly()


def main() -> None:
    """Run a robot in a process of its own, set up by ROS parameters."""
    try:
        run_robot(RobotNode, arguments=sys.argv)
    except FacetrackError as error:
        print(f"facetrack: {error}", file=sys.stderr)
        sys.exit(2)
