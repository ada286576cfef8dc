"""All nodes of a robot in one process: a frame is decoded once and handed on, not sent to itself."""

import sys
from collections.abc import Callable

from rclpy.node import Node

from facetrack_ros.config import Config
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
from facetrack_ros.sources.camera_spec import parse_cameras
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import VISION_OPTIONS, vision_settings

#: Which node takes changes of thresholds that the shared models have, for every node that declares them.
THRESHOLDS = {"detector.min_score": DetectorNode.NAME, "faces.min_width_px": DetectorNode.NAME}


class RobotNode(RobotMemberNode):
    """What the process is told to be, and the models its nodes share. Its state is that of all of them: what is asked of it
    happens to each.

    :param sources: ``NAME=SOURCE`` a camera, where the parameter is not given from outside.
    """

    NAME = "robot"
    USES = VISION_OPTIONS
    OWN = ("cameras", "sources")
    WHILE_INACTIVE = "so are all its nodes, and the models are freed"

    def __init__(self, sources: tuple[str, ...] = (), **member):
        super().__init__(set_on=THRESHOLDS, **member)
        self.sources = parse_cameras(self.own("sources", sources))
        #: Those it reads itself, and those whose driver publishes: where sources are given, only the ones that are named.
        named = (
            self.cameras if member.get("cameras") or "cameras" in self._parameter_overrides or not self.sources else ()
        )
        self.all_cameras = tuple(dict.fromkeys((*self.sources, *named)))
        self.models = PipelinePool(vision_settings(self.settings))
        #: The robot's other nodes, in the order the frames flow.
        self.members: list[RobotMemberNode] = []

    def activate(self) -> None:
        """Activate every node, those that frames come to last first.

        :raises FacetrackError: one of them cannot be; those that had been activated before it are inactive again.
        """
        if not self.models.loaded:
            self.models.acquire("robot")  # once, and before anybody opens anything
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
        """Deactivate every node, in the order the frames flow, so that each finishes what it was given."""
        self._transition_all("active", "deactivate")

    def cleanup(self) -> None:
        """Clean every node up."""
        self._transition_all("inactive", "cleanup")

    def close(self) -> None:
        """End every node, in the order the frames flow."""
        for member in self.members:
            member.end()

    def _transition_all(self, state: str, transition: str) -> None:
        for member in self.members:
            if member.state == state:
                member.transition(transition, quiet=True)


class RobotComposition:
    """The nodes of one robot, wired to each other so that values pass between them as they are.

    :param head: the node that holds the sources and the shared models.
    :param config: settings where the nodes are not configured from outside.
    """

    def __init__(self, head: RobotNode, config: Config | None = None):
        cameras = head.all_cameras
        member = {"robot_id": head.robot_id, "cameras": cameras, "config": config}
        models = head.models
        self.head = head
        self.history = HistoryNode(models=models, subscribe=False, set_on=THRESHOLDS, **member)
        self.tracker = TrackerNode(models=models, subscribe=False, **member)
        self.embedder = EmbedderNode(subscribe=False, set_on=THRESHOLDS, **member)
        self.detector = DetectorNode(
            models, self.embedder, tuple(camera for camera in cameras if camera not in head.sources), **member
        )
        self.search = SearchNode(models=models, set_on=THRESHOLDS, **member)
        self.gallery = GalleryNode(models=models, set_on=THRESHOLDS, **member)
        self.overlay = OverlayNode(subscribe=False, **member)
        self.cameras = [CameraNode(camera_id, source, **member) for camera_id, source in head.sources.items()]
        head.members = [
            *self.cameras,
            self.detector,
            self.embedder,
            self.tracker,
            self.history,
            self.search,
            self.gallery,
            self.overlay,
        ]
        self.nodes: list[Node] = [head, *head.members]
        self.detector.frame_listeners.append(self.history.on_frame)
        self.detector.listeners.append(self.tracker.on_seen)
        self.detector.between_listeners.append(self.tracker.on_between)
        self.tracker.track_listeners += [self.embedder.on_tracks, self.history.on_tracks, self.overlay.on_tracks]
        self.tracker.event_listeners.append(self.history.on_event)
        for camera in self.cameras:
            camera.listeners.append(self.detector.on_frame)
            camera.end_listeners.append(self._on_camera_end)

    def start(self) -> None:
        """Load the models, open the sources, let the frames come, and say what runs.

        :raises FacetrackError: what cannot be used; no frame has come then.
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

    def _on_camera_end(self, camera_id: str) -> None:
        """A clip is over: whoever was in view has left once its last frames are through."""
        self.detector.drain()
        self.tracker.on_camera_end(camera_id)

    def close(self) -> None:
        """End in the order the frames flow, so that each stage finishes what it was given."""
        self.head.end()


def run_robot(
    make_head: Callable[[], RobotNode], config: Config | None = None, arguments: list[str] | None = None
) -> None:
    """Run a robot until the process is told to stop.

    :raises FacetrackError: what could not be started; whatever was stored stays readable.
    """
    stop = StopSignal()
    with ros(arguments):
        robot = RobotComposition(make_head(), config)
        with spinning(robot.nodes):
            try:
                robot.start()
                stop.wait()
            finally:
                robot.close()
    ignore_signals()


def main() -> None:
    """Run a robot in a process of its own, set up by ROS parameters."""
    try:
        run_robot(RobotNode, arguments=sys.argv)
    except FacetrackError as error:
        print(f"facetrack: {error}", file=sys.stderr)
        sys.exit(2)
