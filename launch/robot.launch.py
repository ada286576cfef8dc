"""One robot: all its nodes in one process, or (composed:=false) a process a node."""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from launch import LaunchContext, LaunchDescription

ARGUMENTS = (
    ("robot", "robot1", "The robot's name, its namespace."),
    ("cameras", "front=0", "NAME=SOURCE for each camera, separated by spaces; NAME alone where a driver publishes "
                           "NAME/image/compressed in the robot's namespace."),
    ("config", str(Path(get_package_share_directory("facetrack_ros")) / "config" / "default.yaml"), "Settings, a YAML file."),
    ("data_dir", "", "Folder that holds one folder a robot; empty: ~/.local/share/facetrack."),
    ("composed", "true", "All nodes in one process, or a process a node."),
    ("use_sim_time", "false", "Take the time from /clock."),
    ("log_level", "info", "debug, info, warn, error or fatal."),
)


def nodes(context: LaunchContext) -> "list[Node]":
    """The robot's processes, from the arguments."""
    given = {name: LaunchConfiguration(name).perform(context) for name, _, _ in ARGUMENTS}
    words = given["cameras"].split()
    cameras = [word.partition("=")[0] for word in words]
    sources = [word for word in words if "=" in word]
    common = {"cameras": cameras, "use_sim_time": given["use_sim_time"] == "true"}
    if given["data_dir"]:
        common["data_dir"] = given["data_dir"]

    def node(executable: str, name: "str | None" = None, **parameters) -> Node:
        return Node(package="facetrack_ros", executable=executable, name=name, namespace=given["robot"], output="screen",
                    parameters=[given["config"], {**common, **parameters}],
                    ros_arguments=["--log-level", given["log_level"]])

    if given["composed"] == "true":
        return [node("robot", sources=sources or [""])]
    return [
        *(node("camera", f"{source.partition('=')[0]}_camera", camera=source.partition("=")[0],
               source=source.partition("=")[2]) for source in sources),
        *(node(executable) for executable in ("detector", "embedder", "tracker", "history", "search", "gallery", "overlay"))]


def generate_launch_description() -> LaunchDescription:
    """What ``ros2 launch`` runs."""
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=description)
          for name, default, description in ARGUMENTS),
        OpaqueFunction(function=nodes)])
