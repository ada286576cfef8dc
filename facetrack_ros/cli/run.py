"""``facetrack run``: one robot in this process, until Ctrl-C."""

import argparse

from facetrack_ros.config import Config
from facetrack_ros.errors import ConfigError
from facetrack_ros.sources.camera_spec import check_name, parse_cameras


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommand's arguments."""
    parser.add_argument("--robot", required=True, metavar="NAME", help="this robot's name on the mesh")
    parser.add_argument(
        "--camera",
        action="append",
        metavar="NAME=SOURCE",
        help="a camera: device index, RTSP/HTTP address, video file, folder or bag:PATH:TOPIC; without one, "
        "those that the settings name under sources",
    )
    parser.add_argument("--config", metavar="FILE", help="settings, a YAML file")
    parser.add_argument("--data", metavar="DIR", help="where the history goes, one folder a robot")


def run(arguments: argparse.Namespace) -> int:
    """Run the robot."""
    check_name("robot", arguments.robot)
    config = Config.load(arguments.config) if arguments.config else Config()
    cameras = parse_cameras(arguments.camera or config.sources)
    if not cameras:
        raise ConfigError("a robot needs a camera: --camera NAME=SOURCE, or sources: [NAME=SOURCE, …] in the settings")
    if arguments.data:
        config = config.changed({"data_dir": arguments.data})
    try:
        from facetrack_ros.nodes.robot_node import RobotNode, run_robot
    except ImportError as error:
        raise ConfigError(
            f"ROS 2 is not here ({error}): source a native ROS 2, or pip install facetrack_ros[ros]"
        ) from error

    def make_head() -> RobotNode:
        return RobotNode(
            sources=tuple(f"{name}={source}" for name, source in cameras.items()),
            robot_id=arguments.robot,
            cameras=tuple(cameras),
            config=config,
        )

    # The name of ROS's own parameter; every node of the process takes it from here.
    run_robot(make_head, config, ["--ros-args", "-p", "use_sim_time:=true"] if config.use_sim_time else None)
    return 0
