"""``facetrack run``: one robot in this process, until Ctrl-C."""

import argparse

from facetrack_ros.cli.cameras import check_name, parse_cameras
from facetrack_ros.config import Config
from facetrack_ros.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommand's arguments."""
    parser.add_argument("--robot", required=True, metavar="NAME", help="this robot's name on the mesh")
    parser.add_argument("--camera", action="append", required=True, metavar="NAME=SOURCE",
                        help="a camera: device index, RTSP/HTTP address, video file, folder or bag:PATH:TOPIC")
    parser.add_argument("--config", metavar="FILE", help="settings, a YAML file")
    parser.add_argument("--data", metavar="DIR", help="where the history goes, one folder a robot")


def run(arguments: argparse.Namespace) -> int:
    """Run the robot."""
    check_name("robot", arguments.robot)
    cameras = parse_cameras(arguments.camera)
    config = Config.load(arguments.config) if arguments.config else Config()
    if arguments.data:
        config = Config({**dict(config.items()), "data_dir": arguments.data})
    try:
        from facetrack_ros.nodes.robot_node import RobotNode, run_robot
    except ImportError as error:
        raise ConfigError(f"ROS 2 is not here ({error}): source a native ROS 2, or pip install facetrack_ros[ros]") from error

    def make_head() -> RobotNode:
        return RobotNode(sources=tuple(f"{name}={source}" for name, source in cameras.items()), robot_id=arguments.robot,
                         cameras=tuple(cameras), config=config)

    run_robot(make_head, config)
    return 0
