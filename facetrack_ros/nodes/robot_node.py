"""Robot node: all nodes of a robot in one process, in which a frame is decoded once and no message crosses the wire."""

import sys
from collections.abc import Callable
from typing import Any

from rclpy.node import Node

from facetrack_ros.config import Config
from facetrack_ros.core.masking import mask_camera
from facetrack_ros.core.private_files import create_private_files
from facetrack_ros.errors import FacetrackError
from facetrack_ros.models.summary import description_lines
from facetrack_ros.nodes.base.process import StopSignal, ignore_signals, ros, spinning
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.base.timers import align_timers
from facetrack_ros.nodes.camera_node import CameraNode
from facetrack_ros.nodes.detector_node import DetectorNode
from facetrack_ros.nodes.embedder_node import EmbedderNode
from facetrack_ros.nodes.gallery_node import GalleryNode
from facetrack_ros.nodes.history_node import HistoryNode
from facetrack_ros.nodes.overlay_node import OverlayNode
from facetrack_ros.nodes.search_node import SearchNode
from facetrack_ros.nodes.tracker_node import TrackerNode
from facetrack_ros.pipeline.robot_pipeline import RobotPipeline
from facetrack_ros.sources.camera_spec import parse_cameras
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import VISION_OPTIONS, vision_settings

#: Node that applies changes of thresholds of the shared models, for every node that declares them.
THRESHOLDS = {"detector.min_score": DetectorNode.NAME, "faces.min_width_px": DetectorNode.NAME}


class RobotNode(RobotMemberNode):
    """Sources, shared models and lifecycle of a robot: its transitions apply to all nodes of the process.

    :param sources: ``NAME=SOURCE`` a camera, if the parameter is not set from outside.
    """

    NAME = "robot"
    USES = VISION_OPTIONS
    OWN = ("cameras", "sources")
    WHILE_INACTIVE = "so are all its nodes, and the models are freed"

    def __init__(self, sources: tuple[str, ...] = (), **member):
        super().__init__(set_on=THRESHOLDS, **member)
        self.sources = parse_cameras(self.own("sources", sources, mask_camera))
        named = member.get("cameras") or "cameras" in self._parameter_overrides or not self.sources
        #: Cameras with a source here, and cameras of a driver: all, or if there are sources only those that are named.
        self.all_cameras = tuple(dict.fromkeys((*self.sources, *(self.cameras if named else ()))))
        self.models = PipelinePool(vision_settings(self.settings))
        #: The robot's other nodes, in the order of the frames.
        self.members: list[RobotMemberNode] = []

    def activate(self) -> None:
        """Activate every node, against the order of the frames.

        :raises FacetrackError: one of them fails; those activated before it are inactive again.
        """
        if not self.models.loaded:
            self.models.acquire("robot")  # once, before a node opens anything
        activated = []
        try:
            for member in reversed(self.members):
                if member.state == "unconfigured":
                    member.transition("configure", quiet=True)
                if member.state == "inactive":
                    member.transition("activate", quiet=True)
                    activated.append(member)
        except FacetrackError:
            for member in reversed(activated):
                member.transition("deactivate", quiet=True)
            raise
        finally:
            self.models.release("robot")
        align_timers((self, *self.members))

    def deactivate(self) -> None:
        """Deactivate every node, in the order of the frames, so that each finishes what it has."""
        self._transition_all("active", "deactivate")

    def cleanup(self) -> None:
        """Clean up every node."""
        self._transition_all("inactive", "cleanup")

    def close(self) -> None:
        """End every node, in the order of the frames."""
        for member in self.members:
            member.end()

    def _transition_all(self, state: str, transition: str) -> None:
        for member in self.members:
            if member.state == state:
                member.transition(transition, quiet=True)


class RobotComposition:
    """The nodes of one robot; their stages are connected by a :class:`RobotPipeline`.

    :param head: holds the sources and the shared models.
    :param config: settings of nodes that are not configured from outside.
    """

    def __init__(self, head: RobotNode, config: Config | None = None):
        cameras, models = head.all_cameras, head.models
        member: dict[str, Any] = {"robot_id": head.robot_id, "cameras": cameras, "config": config}
        self.head = head
        self.history = HistoryNode(models=models, subscribe=False, set_on=THRESHOLDS, **member)
        self.search = SearchNode(models=models, set_on=THRESHOLDS, **member)
        self.history.requests.follow(self.search.roster)
        mesh = self.search.roster, self.history.instance_id
        self.search.roster.listeners.append(self.history.audit.on_heartbeat)
        self.tracker = TrackerNode(models, False, *mesh, **member)
        self.embedder = EmbedderNode(subscribe=False, set_on=THRESHOLDS, **member)
        driven = tuple(camera for camera in cameras if camera not in head.sources)
        self.detector = DetectorNode(models, self.embedder, driven, **member)
        self.gallery = GalleryNode(models=models, set_on=THRESHOLDS, **member)
        self.overlay = OverlayNode(subscribe=False, **member)
        self.cameras = [CameraNode(camera_id, source, **member) for camera_id, source in head.sources.items()]
        analysis = (self.detector, self.embedder, self.tracker)
        head.members = [*self.cameras, *analysis, self.history, self.search, self.gallery, self.overlay]
        self.nodes: list[Node] = [head, *head.members]
        self.pipeline = RobotPipeline(self.history, self.detector.stage, self.tracker, [self.overlay.on_tracks])
        for camera in self.cameras:
            camera.listeners.append(self.pipeline.add_frame)
            camera.end_listeners.append(self.pipeline.close_camera)

    def start(self) -> None:
        """Load the models, open the sources, start the cameras, and log what runs.

        :raises FacetrackError: something cannot be used; no frame has been read then.
        """
        self.head.start_up()
        if not self.head.active:
            return
        log = self.history.get_logger()
        for line in description_lines(self.head.models.describe()):
            log.info(line)
        log.info(
            f"{self.head.robot_id} is up with {', '.join(self.history.cameras)}; its history is in "
            f"{self.history.robot_folder() / self.head.robot_id}. Ctrl-C ends it."
        )

    def close(self) -> None:
        """End in the order of the frames, so that each stage finishes what it has."""
        self.head.end()


def run_robot(
    make_head: Callable[[], RobotNode],
    config: Config | None = None,
    arguments: list[str] | None = None,
    started: Callable[[RobotComposition], object] = lambda robot: None,
) -> None:
    """Run a robot until the process is signalled to stop.

    :param started: called once it runs.
    :raises FacetrackError: something could not be started; what was stored stays readable.
    """
    create_private_files()
    stop = StopSignal()
    with ros(arguments):
        robot = RobotComposition(make_head(), config)
        with spinning(robot.nodes):
            try:
                robot.start()
                started(robot)
                stop.wait()
            finally:
                robot.close()
    ignore_signals()


def main() -> None:
    """Run a robot in a process of its own, configured by ROS parameters."""
    try:
        run_robot(RobotNode, arguments=sys.argv)
    except FacetrackError as error:
        print(f"facetrack: {error}", file=sys.stderr)
        sys.exit(2)
