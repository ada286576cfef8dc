"""Starts several robots on one machine, each in its own processes."""

from pathlib import Path

from launch.actions import DeclareLaunchArgument, GroupAction, IncludeLaunchDescription, OpaqueFunction
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

from facetrack_ros.config import option_named
from facetrack_ros.launch_support import SETTINGS, WITH, config_path, declared, default_text, given_values, robots_of
from launch import LaunchContext, LaunchDescription

HERE = Path(__file__).resolve().parent
ARGUMENTS = (
    ("namespace", "", "Namespace above those of the robots."),
    ("config", config_path("default.yaml"), "Settings of all robots, a YAML file."),
    *((name, default_text(name), option_named(name).description) for name in SETTINGS),
    ("composed", "true", "All nodes of a robot in one process, or one process per node."),
    WITH,
    ("use_sim_time", "false", "Take the time from /clock."),
    ("log_level", "info", "debug, info, warn, error or fatal."),
    ("transports", "", "Value of FASTDDS_BUILTIN_TRANSPORTS for the nodes. Empty: from the environment."),
)


def robots(context: LaunchContext) -> list[GroupAction]:
    """Include robot.launch.py once per robot."""
    common = given_values(context, ARGUMENTS)
    source = PythonLaunchDescriptionSource(str(HERE / "robot.launch.py"))
    groups = []
    for robot, cameras in robots_of(LaunchConfiguration("robots").perform(context)).items():
        arguments = {**common, "robot": robot, "cameras": cameras}
        groups.append(GroupAction([IncludeLaunchDescription(source, launch_arguments=arguments.items())]))
    return groups


def generate_launch_description() -> LaunchDescription:
    """Entry point of ``ros2 launch``."""
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "robots",
                default_value="robot1/front robot2/front",
                description="ROBOT/CAMERA=SOURCE for each camera of each robot, separated by spaces; ROBOT/CAMERA "
                "alone where a driver publishes the images in that robot's namespace.",
            ),
            *declared(ARGUMENTS),
            OpaqueFunction(function=robots),
        ]
    )
