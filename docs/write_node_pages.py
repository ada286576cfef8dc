"""Write docs/reference/nodes/: a page a node, from the nodes themselves and the one definition of settings. Needs ROS 2.

    python docs/write_node_pages.py [--check]

Parameters come from `facetrack_ros/config.py`, topics, types, QoS and services from the nodes as they stand after they were
made; what each topic is for, and the examples, are below. `--check` writes nothing and says which pages are not as they would be.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from rclpy.qos import QoSDurabilityPolicy, QoSProfile, QoSReliabilityPolicy

from facetrack_ros.config import NODE_OPTIONS, Config, Option
from facetrack_ros.nodes.base.process import ros
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.camera_node import CameraNode
from facetrack_ros.nodes.detector_node import DetectorNode
from facetrack_ros.nodes.embedder_node import EmbedderNode
from facetrack_ros.nodes.gallery_node import GalleryNode
from facetrack_ros.nodes.history_node import HistoryNode
from facetrack_ros.nodes.markers_node import MarkersNode
from facetrack_ros.nodes.overlay_node import OverlayNode
from facetrack_ros.nodes.robot_node import RobotNode
from facetrack_ros.nodes.search_node import SearchNode
from facetrack_ros.nodes.tracker_node import TrackerNode

FOLDER = Path(__file__).resolve().parent / "reference" / "nodes"
NODES = (
    CameraNode,
    DetectorNode,
    EmbedderNode,
    TrackerNode,
    HistoryNode,
    SearchNode,
    GalleryNode,
    OverlayNode,
    MarkersNode,
    RobotNode,
)
#: Nodes that need messages of other packages, which may not be here: docs/reference/interoperability.md describes them.
NEIGHBOURS = ("detections_2d", "external_detector", "humans")
#: Topics every node has, which are ROS's own.
OF_ROS = ("parameter_events", "rosout", "clock", "transition_event", "diagnostics")
#: Services of every node: parameters, lifecycle, logging, type descriptions.
SERVICES_OF_ROS = ("rcl_interfaces/", "lifecycle_msgs/", "type_description_interfaces/")

ABOUT = {
    "camera": "Reads a device, an address, a file, a folder or a bag, and publishes each picture as JPEG, once. A live picture is "
    "stamped on arrival, a recorded one with the moment it is due, counted from the start of playing. Where a driver "
    "publishes already, this node is not needed.",
    "detector": "Finds the persons in the newest frame of each camera, all cameras of the robot in one batch. What it cannot keep up "
    "with it drops: the newest frame of each camera wins.",
    "embedder": "Finds, judges and embeds the face of each person. It rests while the battery is low.",
    "tracker": "Follows people in each camera, tells who they are over all of them, and says when they come and go.",
    "history": "Keeps frames, sightings and events, answers the mesh's searches over them, and stands in the roster once a second.",
    "search": "The robot's front door: takes a question, asks every robot, and merges what they answer.",
    "gallery": "Enrols people by name, from calls and from a folder of pictures, and shares them with every robot.",
    "overlay": "Draws frames with people, for people to look at. Without a subscriber it hears nothing and costs nothing; a second after "
    "somebody begins to look it hears `<camera>/image/compressed`, `<camera>/tracks` and `<mesh>/search/result`.",
    "markers": "Says where people stand, for rviz and Foxglove, of each camera whose CameraInfo is published. Nobody starts it but you; "
    "what it can know is in [other packages](../interoperability.md).",
    "robot": "All of the nodes above in one process: a frame is decoded once and handed on, not sent to itself, and the models are "
    "shared. Each of its nodes is there with its own name, parameters and state. This is what `facetrack run` starts.",
}

EXAMPLE = {
    "camera": "ros2 run facetrack_ros camera --ros-args -r __ns:=/robot1 -p camera:=front -p source:=rtsp://10.0.0.5/stream",
    "detector": "ros2 run facetrack_ros detector --ros-args -r __ns:=/robot1 -p cameras:=\"['front', 'rear']\" -p detector.min_score:=0.5\n"
    "ros2 param set /robot1/detector detector.min_score 0.6\n"
    "ros2 lifecycle set /robot1/detector deactivate",
    "embedder": "ros2 run facetrack_ros embedder --ros-args -r __ns:=/robot1 -p faces.embed:=improving\n"
    "ros2 param set /robot1/embedder face_tracking.enabled false",
    "tracker": "ros2 run facetrack_ros tracker --ros-args -r __ns:=/robot1 --params-file my.yaml\n"
    "ros2 topic echo /robot1/events",
    "history": "ros2 run facetrack_ros history --ros-args -r __ns:=/robot1 -p data_dir:=/data -p frame_history.memory_buffer_size:=150\n"
    'ros2 topic pub --once /robot1/alert std_msgs/msg/String "{data: door opened}"',
    "search": "ros2 run facetrack_ros search --ros-args -r __ns:=/robot1\n"
    'ros2 service call /robot1/face_search facetrack_ros/srv/FaceSearch "{person_id: p_robot1_1}"',
    "gallery": "ros2 run facetrack_ros gallery --ros-args -r __ns:=/robot1 -p gallery.folder:=/data/people",
    "overlay": "ros2 run facetrack_ros overlay --ros-args -r __ns:=/robot1\n"
    "ros2 run rqt_image_view rqt_image_view /robot1/front/overlay",
    "markers": "ros2 run facetrack_ros markers --ros-args -r __ns:=/robot1 -p cameras:=\"['front']\"\n"
    "ros2 param set /robot1/markers markers.person_height_m 1.2",
    "robot": "ros2 run facetrack_ros robot --ros-args -r __ns:=/robot1 -p sources:=\"['front=0', 'rear=clip.mp4']\"\n"
    "ros2 lifecycle set /robot1/robot deactivate",
}

TOPIC = {
    "<camera>/image/compressed": "Frames, JPEG.",
    "<camera>/image": "Frames of a driver that has raw pictures only.",
    "<camera>/detections": "Persons of a frame, with its header.",
    "<camera>/faces": "Faces of a frame's persons, with embeddings where they pass the quality gate.",
    "<camera>/tracks": "Everybody followed, frame by frame.",
    "<camera>/overlay/compressed": "Frames with boxes, ids and the last search's best matches drawn in.",
    "<camera>/camera_info": "The camera's calibration; the name is `markers.camera_info`.",
    "<camera>/markers": "People, their names and distances, and how far off they may be; matches of the last search.",
    "battery_state": "The robot's battery; the name is `battery.topic`.",
    "events": "PERSON_IN, PERSON_OUT, FACE_MATCHED.",
    "alert": "Keep the frames around now on disk; the text is the reason.",
    "face_search/parts": "The parts of an answer as they come, while somebody listens.",
    "<mesh>/persons": "What faces look like, from robot to robot.",
    "<mesh>/verdicts": "Which ids are one person.",
    "<mesh>/gallery": "Enrolled people.",
    "<mesh>/roster": "Each robot's line: cameras, time span, model, counts.",
    "<mesh>/search/request": "Questions, to every robot.",
    "<mesh>/search/result": "Answers, from each robot.",
}

SERVICE = {
    "face_search": "Which robot saw this face, when, and where.",
    "get_frames": "Frames of a camera, by time.",
    "save_clip": "Save what was seen as files below the robot's folder.",
    "enroll_face": "Enrol somebody on every robot.",
}


def words_of(qos: QoSProfile) -> str:
    """A profile in words."""
    reliability = "best effort" if qos.reliability == QoSReliabilityPolicy.BEST_EFFORT else "reliable"
    kept = ", transient local" if qos.durability == QoSDurabilityPolicy.TRANSIENT_LOCAL else ""
    return f"{reliability}{kept}, depth {qos.depth}"


def default_of(option: Option) -> str:
    """As YAML says it."""
    if isinstance(option.default, tuple):
        return f"`[{', '.join(option.default)}]`"
    if isinstance(option.default, bool):
        return f"`{str(option.default).lower()}`"
    return f"`{option.default}`" if option.default != "" else "empty"


def parameters(node: type[RobotMemberNode]) -> str:
    """The table of a node's parameters."""
    lines = ["| parameter | type | default | allowed | changes | |", "|---|---|---|---|---|---|"]
    own = [option for option in NODE_OPTIONS if option.name in node.OWN]
    for option in (*own, *node.options()):
        allowed = ", ".join(option.choices) or option.range_text() or ""
        changes = "at run time" if option.live else "at start"
        lines.append(
            f"| `{option.name}` | {option.type_name} | {default_of(option)} | {allowed} | {changes} | "
            f"{option.description.replace('|', '/')} |"
        )
    return "\n".join(lines)


def named(topic: str) -> str:
    """A topic as the pages call it."""
    return topic.replace("/facetrack/", "<mesh>/").replace("/robot1/CAMERA/", "<camera>/").replace("/robot1/", "")


def said(words: dict[str, str], name: str) -> str:
    """What is written above of a topic or service."""
    if name not in words:
        sys.exit(f"docs/write_node_pages.py does not say yet what {name} is for: write a line of it there")
    return words[name]


def type_of(kind: type) -> str:
    """``package/msg/Name``."""
    package, group = kind.__module__.split(".")[:2]
    return f"{package}/{group}/{kind.__name__}"


def topics(endpoints: list) -> str:
    """A table of topics, or that there are none."""
    found = {}
    for endpoint in endpoints:
        name = named(endpoint.topic_name if hasattr(endpoint, "topic_name") else endpoint.topic)
        if name.rpartition("/")[2] not in OF_ROS:
            found[name] = (
                f"| `{name}` | `{type_of(endpoint.msg_type)}` | {words_of(endpoint.qos_profile)} | {said(TOPIC, name)} |"
            )
    if not found:
        return "None."
    return "\n".join(["| topic | type | QoS | |", "|---|---|---|---|", *(found[name] for name in sorted(found))])


def services(node: RobotMemberNode) -> str:
    """A table of services, or that there are none."""
    found = {}
    for service in node.services:
        kind = type_of(service.srv_type)
        if not kind.startswith(SERVICES_OF_ROS):
            name = named(service.srv_name)
            found[name] = f"| `{name}` | `{kind}` | {said(SERVICE, name)} |"
    if not found:
        return "None but those of every node."
    return "\n".join(["| service | type | |", "|---|---|---|", *(found[name] for name in sorted(found))])


def page(node: RobotMemberNode) -> str:
    """A node's page."""
    kind = type(node)
    inside = (
        "Those of its nodes; its own only for its state and parameters.\n"
        if kind is RobotNode
        else f"### In\n\n{topics(list(node.subscriptions))}\n\n### Out\n\n{topics(list(node.publishers))}\n\n"
        "## Services\n\n" + services(node) + "\n"
    )
    return f"""# {kind.NAME}

<!-- Written by docs/write_node_pages.py. -->

{ABOUT[kind.NAME]}

Inactive: {kind.WHILE_INACTIVE}.

    {EXAMPLE[kind.NAME].replace(chr(10), chr(10) + "    ")}

## Topics

{inside}
## Parameters

{parameters(kind)}
"""


def pages() -> dict[str, str]:
    """All pages by file name."""
    with tempfile.TemporaryDirectory() as folder, ros([]):
        config = Config({"data_dir": folder, "autostart": False})
        made = {}
        for kind in NODES:
            own = {"camera_id": "CAMERA", "source": "0"} if kind is CameraNode else {}
            node = kind(robot_id="robot1", cameras=("CAMERA",), config=config, **own)
            made[f"{kind.NAME}.md"] = page(node)
            node.end()
            node.destroy_node()
        return made


def main() -> None:
    """Write, or check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 where a page differs")
    arguments = parser.parse_args()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    wrong = []
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        file = FOLDER / name
        if not file.is_file() or file.read_text() != text:
            wrong.append(name)
            if not arguments.check:
                file.write_text(text)
    print(
        "\n".join(f"docs/reference/nodes/{name} {'differs' if arguments.check else 'is written'}" for name in wrong)
        or "all pages are as they should be"
    )
    sys.exit(1 if arguments.check and wrong else 0)


if __name__ == "__main__":
    main()
