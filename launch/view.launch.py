"""Starts rviz with overlay images and markers of a robot."""

import tempfile
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from launch.actions import OpaqueFunction
from launch_ros.actions import Node

from facetrack_ros.errors import ConfigError
from facetrack_ros.launch_support import config_path, declared, given_values, parse_bool
from facetrack_ros.sources.camera_spec import check_name
from launch import LaunchContext, LaunchDescription

ARGUMENTS = (
    ("robot", "robot1", "Robot to show."),
    ("camera", "front", "Camera to show; add more in rviz."),
    (
        "rviz_config",
        config_path("facetrack.rviz"),
        "The rviz configuration; /robot1/front in it is replaced by robot and camera.",
    ),
    ("use_sim_time", "false", "Take the time from /clock."),
)


def view(context: LaunchContext) -> list[Node]:
    """rviz for the robot and camera."""
    given = given_values(context, ARGUMENTS)
    robot, camera = given["robot"].strip("/"), check_name("camera", given["camera"])
    try:
        get_package_prefix("rviz2")
    except PackageNotFoundError as error:
        raise ConfigError(
            "rviz2 is not installed: apt install ros-jazzy-rviz2 ros-jazzy-image-transport-plugins"
        ) from error
    text = Path(given["rviz_config"]).read_text()
    text = text.replace("/robot1/front", f"/{robot}/{camera}").replace("/robot1/", f"/{robot}/")
    # rviz saves changes to the file it reads: give it a copy.
    file = Path(tempfile.mkdtemp(prefix="facetrack_rviz_")) / "facetrack.rviz"
    file.write_text(text)
    parameters = [{"use_sim_time": parse_bool("use_sim_time", given["use_sim_time"])}]
    rviz = {"package": "rviz2", "executable": "rviz2", "name": "rviz2", "arguments": ["-d", str(file)]}
    return [Node(**rviz, output="screen", parameters=parameters)]


def generate_launch_description() -> LaunchDescription:
    """Entry point of ``ros2 launch``."""
    return LaunchDescription([*declared(ARGUMENTS), OpaqueFunction(function=view)])
