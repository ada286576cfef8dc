"""Starts one robot: all nodes in one process, or one process per node (composed:=false)."""

from launch.actions import OpaqueFunction
from launch_ros.actions import Node

from facetrack_ros import launch_support as support
from facetrack_ros.config import option_named
from launch import LaunchContext, LaunchDescription

ARGUMENTS = (
    ("robot", "robot1", "The robot's name, and its namespace."),
    (
        "namespace",
        "",
        "Namespace above the robot's; with fleet, its topics are /fleet/robot1/... and its name is fleet_robot1.",
    ),
    (
        "cameras",
        "",
        "NAME=SOURCE for each camera, separated by spaces; a SOURCE may be the absolute name of a topic; NAME alone "
        "where a driver publishes the images in the robot's namespace. Empty: sources or cameras of the settings file, "
        "else front.",
    ),
    ("config", support.config_path("default.yaml"), "Settings, a YAML file."),
    *((name, support.default_text(name), option_named(name).description) for name in support.SETTINGS),
    ("composed", "true", "All nodes in one process, or one process per node."),
    support.WITH,
    ("use_sim_time", "false", "Take the time from /clock."),
    ("log_level", "info", "debug, info, warn, error or fatal."),
    (
        "transports",
        "",
        "Value of FASTDDS_BUILTIN_TRANSPORTS for the nodes: LARGE_DATA where a driver publishes raw images. Empty: "
        "from the environment.",
    ),
)


def nodes(context: LaunchContext) -> list[Node]:
    """The processes of the robot."""
    given = support.given_values(context, ARGUMENTS)
    cameras, sources = support.cameras_of(given["cameras"], given["config"])
    sources, topics = support.sources_and_topics(sources, given["config"])
    common = {"cameras": cameras, **topics, **support.given_settings(given)}
    if support.parse_bool("use_sim_time", given["use_sim_time"]):
        common["use_sim_time"] = True
    environment = {"FASTDDS_BUILTIN_TRANSPORTS": given["transports"]} if given["transports"] else None
    namespace = f"{given['namespace'].strip('/')}/{given['robot']}".lstrip("/")

    def node(executable: str, name: str | None = None, **parameters) -> Node:
        return Node(
            package="facetrack_ros",
            executable=executable,
            name=name,
            namespace=namespace,
            output="screen",
            parameters=[given["config"], {**common, **parameters}],
            additional_env=environment,
            ros_arguments=["--log-level", given["log_level"]],
        )

    composed = support.parse_bool("composed", given["composed"])
    optional = support.optional_nodes(given["with"], composed)
    if composed:
        return [node("robot", sources=sources or [""]), *map(node, optional)]
    pairs = [text.partition("=")[::2] for text in sources]
    camera_nodes = [node("camera", f"{camera}_camera", camera=camera, source=source) for camera, source in pairs]
    return [*camera_nodes, *map(node, support.nodes_apart(optional))]


def generate_launch_description() -> LaunchDescription:
    """Entry point of ``ros2 launch``."""
    return LaunchDescription([*support.declared(ARGUMENTS), OpaqueFunction(function=nodes)])
