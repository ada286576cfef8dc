"""The nodes of one robot with messages between them: ``split_robot.py ROBOT DATA CAMERA …``.

They share a process, so that a test starts them in a few seconds.
"""

import contextlib
import sys

from facetrack_ros.config import Config
from facetrack_ros.nodes.base.process import StopSignal, ignore_signals, ros, spinning
from facetrack_ros.nodes.detector_node import DetectorNode
from facetrack_ros.nodes.embedder_node import EmbedderNode
from facetrack_ros.nodes.gallery_node import GalleryNode
from facetrack_ros.nodes.history_node import HistoryNode
from facetrack_ros.nodes.search_node import SearchNode
from facetrack_ros.nodes.tracker_node import TrackerNode

ORDER = (HistoryNode, SearchNode, GalleryNode, TrackerNode, EmbedderNode, DetectorNode)


def main(robot: str, data: str, *cameras: str) -> None:
    """Run the nodes until a signal."""
    stop = StopSignal()
    with ros([]), contextlib.ExitStack() as stack:
        config = Config({"data_dir": data, "sightings.max_age_h": 24.0})
        nodes = [kind(robot_id=robot, cameras=cameras, config=config) for kind in ORDER]
        stack.enter_context(spinning(nodes))
        for node in nodes:
            node.start_up()
        print(f"{robot} is up with {', '.join(cameras)}", flush=True)
        stop.wait()
        for node in reversed(nodes):
            node.end()
    ignore_signals()


if __name__ == "__main__":
    main(*sys.argv[1:])
