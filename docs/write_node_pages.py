"""Write docs/reference/nodes/: one page per node, from the nodes and the settings. Needs ROS 2.

    python docs/write_node_pages.py [--check]

Parameters come from `facetrack_ros/config.py`; topics, types, QoS and services from constructed nodes; descriptions and
examples from the tables below. `--check` writes nothing and lists the outdated pages.
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
#: Nodes that need messages of other packages; docs/reference/interoperability.md describes them.
NEIGHBOURS = ("detections_2d", "external_detector", "humans")
#: Topics of every ROS node.
OF_ROS = ("parameter_events", "rosout", "clock", "transition_event", "diagnostics")
#: Packages of the services of every ROS node: parameters, lifecycle, logging, type descriptions.
SERVICES_OF_ROS = ("rcl_interfaces/", "lifecycle_msgs/", "type_description_interfaces/")

ABOUT = {
    "camera": "Reads a device, a stream address, a file, a folder or a bag, and publishes each image as JPEG, "
    "encoded once. Live images are stamped on arrival, recorded ones with their time since the start of "
    "playback. Where a driver publishes the images, this node is not needed.",
    "detector": "Detects persons in the newest frame of each camera, all cameras of the robot in one batch. Older "
    "frames are dropped.",
    "embedder": "Detects, assesses and embeds the face of each person. It pauses while the battery is low.",
    "tracker": "Tracks persons in each camera, identifies them across all cameras, and publishes events when they "
    "come and go.",
    "history": "Stores frames, sightings and events, answers searches of the mesh, and publishes its status once a "
    "second.",
    "search": "Serves `face_search`: sends a request to every robot and merges the responses.",
    "gallery": "Enrols people by name, from service calls and a folder of pictures, and shares them with every robot.",
    "overlay": "Draws boxes and names into frames. Without a subscriber it receives nothing; a second after one "
    "appears it subscribes to `<camera>/image/compressed`, `<camera>/tracks` and "
    "`<mesh>/search/result`.",
    "markers": "Publishes positions of persons for rviz and Foxglove, for each camera with a CameraInfo. It is "
    "started on request only; its accuracy is described in [other packages](../interoperability.md).",
    "robot": "All of the nodes above in one process: a frame is decoded once and passed on in memory, and the "
    "models are shared. Each node keeps its own name, parameters and lifecycle state. `facetrack run` "
    "starts this node.",
}

EXAMPLE = {
    "camera": "ros2 run facetrack_ros camera --ros-args -r __ns:=/robot1 -p camera:=front -p "
    "source:=rtsp://10.0.0.5/stream",
    "detector": "ros2 run facetrack_ros detector --ros-args -r __ns:=/robot1 -p cameras:=\"['front', 'rear']\" -p "
    "detector.min_score:=0.5\n"
    "ros2 param set /robot1/detector detector.min_score 0.6\n"
    "ros2 lifecycle set /robot1/detector deactivate",
    "embedder": "ros2 run facetrack_ros embedder --ros-args -r __ns:=/robot1 -p faces.embed:=improving\n"
    "ros2 param set /robot1/embedder face_tracking.enabled false",
    "tracker": "ros2 run facetrack_ros tracker --ros-args -r __ns:=/robot1 --params-file my.yaml\n"
    "ros2 topic echo /robot1/events",
    "history": "ros2 run facetrack_ros history --ros-args -r __ns:=/robot1 -p data_dir:=/data -p "
    "frame_history.memory_buffer_size:=150\n"
    'ros2 topic pub --once /robot1/alert std_msgs/msg/String "{data: door opened}"',
    "search": "ros2 run facetrack_ros search --ros-args -r __ns:=/robot1\n"
    'ros2 service call /robot1/face_search facetrack_ros/srv/FaceSearch "{person_id: p_robot1_1}"',
    "gallery": "ros2 run facetrack_ros gallery --ros-args -r __ns:=/robot1 -p gallery.folder:=/data/people",
    "overlay": "ros2 run facetrack_ros overlay --ros-args -r __ns:=/robot1\n"
    "ros2 run rqt_image_view rqt_image_view /robot1/front/overlay",
    "markers": "ros2 run facetrack_ros markers --ros-args -r __ns:=/robot1 -p cameras:=\"['front']\"\n"
    "ros2 param set /robot1/markers markers.person_height_m 1.2",
    "robot": "ros2 run facetrack_ros robot --ros-args -r __ns:=/robot1 -p sources:=\"['front=0', "
    "'rear=clip.mp4']\"\n"
    "ros2 lifecycle set /robot1/robot deactivate",
}

TOPIC = {
    "<camera>/image/compressed": "Frames, JPEG.",
    "<camera>/image": "Frames of a driver without JPEG.",
    "<camera>/detections": "Person detections of a frame, with its header.",
    "<camera>/rotation": "Degrees clockwise by which images are turned, latched; sent when `camera.rotation: auto` "
    "finds another angle.",
    "<camera>/faces": "Faces of a frame, with embeddings of those that pass the quality gate.",
    "<camera>/tracks": "Tracks of each frame.",
    "<camera>/overlay/compressed": "Frames with boxes, ids and the best matches of the latest search.",
    "<camera>/camera_info": "The camera's calibration; the name is `markers.camera_info`.",
    "<camera>/markers": "Persons with name, distance and its uncertainty; matches of the latest search.",
    "battery_state": "The robot's battery; the name is `battery.topic`.",
    "events": "PERSON_IN, PERSON_OUT, FACE_MATCHED.",
    "alert": "Stores the frames around this moment; the text is the reason.",
    "face_search/parts": "Partial responses as they arrive, while there is a subscriber.",
    "<mesh>/persons": "Face templates of persons, shared by the robots.",
    "<mesh>/verdicts": "Identity merges and splits.",
    "<mesh>/gallery": "Enrolled people.",
    "<mesh>/roster": "Status of each robot: cameras, time span, model, counts.",
    "<mesh>/known_robots": "The robots that a robot knows, and which of them left or are silent; sent when it changes.",
    "<mesh>/fleet/request": "Requests to every robot: list people, and the like.",
    "<mesh>/fleet/receipt": "What each robot did, or why not.",
    "<mesh>/search/request": "Search requests, to every robot.",
    "<mesh>/search/result": "Search responses, from each robot.",
}

SERVICE = {
    "face_search": "Which robot saw this face, when, and where.",
    "list_people": "Persons, decisions and enrolled people of every robot, and which robot did not list them.",
    "get_frames": "Frames of a camera, by time.",
    "verify_match": "Records that a person confirms or rejects a match of a search.",
    "save_clip": "Saves a clip as files below the robot's folder.",
    "forget_person": "Forgets a person or a stretch of time on this robot, where it allows remote changes.",
    "enroll_face": "Enrols a person on every robot.",
}


def qos_text(qos: QoSProfile) -> str:
    """A QoS profile in words."""
    reliability = "best effort" if qos.reliability == QoSReliabilityPolicy.BEST_EFFORT else "reliable"
    kept = ", transient local" if qos.durability == QoSDurabilityPolicy.TRANSIENT_LOCAL else ""
    return f"{reliability}{kept}, depth {qos.depth}"


def default_text(option: Option) -> str:
    """The default in YAML."""
    if isinstance(option.default, tuple):
        return f"`[{', '.join(option.default)}]`"
    if isinstance(option.default, bool):
        return f"`{str(option.default).lower()}`"
    return f"`{option.default}`" if option.default != "" else "empty"


def parameters(node: type[RobotMemberNode]) -> str:
    """Table of a node's parameters."""
    lines = ["| parameter | type | default | allowed | changes | |", "|---|---|---|---|---|---|"]
    own = [option for option in NODE_OPTIONS if option.name in node.OWN]
    for option in (*own, *node.options()):
        allowed = ", ".join(option.choices) or option.range_text() or ""
        remote = "at run time" if option.harmless else "at run time with `allow_remote_changes`"
        changes = remote if option.live else "at start"
        lines.append(
            f"| `{option.name}` | {option.type_name} | {default_text(option)} | {allowed} | {changes} | "
            f"{option.description.replace('|', '/')} |"
        )
    return "\n".join(lines)


def named(topic: str) -> str:
    """A topic or service name with placeholders."""
    return topic.replace("/facetrack/", "<mesh>/").replace("/robot1/CAMERA/", "<camera>/").replace("/robot1/", "")


def described(descriptions: dict[str, str], name: str) -> str:
    """The description of a topic or service."""
    if name not in descriptions:
        sys.exit(f"docs/write_node_pages.py has no description of {name}: add one")
    return descriptions[name]


def type_of(kind: type) -> str:
    """``package/msg/Name``."""
    package, group = kind.__module__.split(".")[:2]
    return f"{package}/{group}/{kind.__name__}"


def topics(endpoints: list) -> str:
    """Table of topics."""
    found = {}
    for endpoint in endpoints:
        name = named(endpoint.topic_name if hasattr(endpoint, "topic_name") else endpoint.topic)
        if name.rpartition("/")[2] not in OF_ROS:
            kind, qos = type_of(endpoint.msg_type), qos_text(endpoint.qos_profile)
            found[name] = f"| `{name}` | `{kind}` | {qos} | {described(TOPIC, name)} |"
    if not found:
        return "None."
    return "\n".join(["| topic | type | QoS | |", "|---|---|---|---|", *(found[name] for name in sorted(found))])


def services(node: RobotMemberNode) -> str:
    """Table of services."""
    found = {}
    for service in node.services:
        kind = type_of(service.srv_type)
        if not kind.startswith(SERVICES_OF_ROS):
            name = named(service.srv_name)
            found[name] = f"| `{name}` | `{kind}` | {described(SERVICE, name)} |"
    if not found:
        return "None but those of every node."
    return "\n".join(["| service | type | |", "|---|---|---|", *(found[name] for name in sorted(found))])


def page(node: RobotMemberNode) -> str:
    """The page of a node."""
    kind = type(node)
    inside = (
        "Those of its nodes. Its own are for its state and parameters only.\n"
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
    """All pages, by file name."""
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
    """Write or check the pages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 where a page is outdated")
    arguments = parser.parse_args()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    outdated = []
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        file = FOLDER / name
        if not file.is_file() or file.read_text() != text:
            outdated.append(name)
            if not arguments.check:
                file.write_text(text)
    print(
        "\n".join(
            f"docs/reference/nodes/{name} {'is outdated' if arguments.check else 'is written'}" for name in outdated
        )
        or "all pages are up to date"
    )
    sys.exit(1 if arguments.check and outdated else 0)


if __name__ == "__main__":
    main()
