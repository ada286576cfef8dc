"""``facetrack run``: runs one robot in this process, until Ctrl-C."""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from facetrack_ros.cli.arguments import add_rotation_argument, with_rotation
from facetrack_ros.cli.console.robot_console import RobotConsole
from facetrack_ros.cli.mesh_option import add_mesh_argument, mesh_prefix
from facetrack_ros.config import Config
from facetrack_ros.errors import ConfigError
from facetrack_ros.sources.camera_spec import check_name, parse_cameras
from facetrack_ros.sources.topic import split_topics, with_topics

if TYPE_CHECKING:
    from facetrack_ros.cli.console.overlay_window import OverlayWindow
    from facetrack_ros.nodes.robot_node import RobotComposition


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    add = parser.add_argument
    add("--robot", required=True, metavar="NAME", help="this robot's name on the mesh")
    add(
        "--camera",
        action="append",
        metavar="NAME=SOURCE",
        help="a camera: device index, RTSP/HTTP address, video file, folder, bag:PATH:TOPIC, or the absolute name of a "
        "ROS topic with raw or compressed images; @FILE is the first line of a file, ${NAME} an environment variable; "
        "default: those that the settings name under sources",
    )
    add_rotation_argument(parser)
    add("--config", metavar="FILE", help="settings, a YAML file")
    add_mesh_argument(parser)
    add("--data", metavar="DIR", help="folder for histories, one folder per robot")
    add("--view", action="store_true", help="open a window with the overlay of each camera")
    add("--quiet", action="store_true", help="do not print who comes and goes, nor the state")


def run(arguments: argparse.Namespace) -> int:
    """Run the robot."""
    check_name("robot", arguments.robot)
    config = with_rotation(Config.load(arguments.config), arguments)
    cameras = parse_cameras(arguments.camera or list(config.sources))
    if not cameras:
        raise ConfigError("a robot needs a camera: --camera NAME=SOURCE, or sources: [NAME=SOURCE, …] in the settings")
    sources, topics = split_topics(cameras)
    config = config.changed(
        {"mesh": mesh_prefix(arguments), "camera.topics": with_topics(config.camera.topics, topics)}
    )
    if arguments.data:
        config = config.changed({"data_dir": arguments.data})
    try:
        from facetrack_ros.nodes.robot_node import RobotComposition, RobotNode, run_robot
    except ImportError as error:
        raise ConfigError(
            f"ROS 2 is not here ({error}): source a native ROS 2, or pip install facetrack_ros[ros]"
        ) from error

    def make_node() -> RobotNode:
        texts = tuple(f"{name}={source}" for name, source in sources.items())
        return RobotNode(sources=texts, robot_id=arguments.robot, cameras=tuple(cameras), config=config)

    windows: list[OverlayWindow] = []

    def show(robot: RobotComposition) -> None:
        say = partial(print, file=sys.stderr, flush=True) if arguments.quiet else _show(robot).say
        if arguments.view:
            windows.append(_open_window(robot, say))

    # ROS's own parameter, for every node of the process.
    simulated = ["--ros-args", "-p", "use_sim_time:=true"] if config.use_sim_time else None
    try:
        run_robot(make_node, config, simulated, show)
    finally:
        for window in windows:
            window.close()
    return 0


def _show(robot: "RobotComposition") -> RobotConsole:
    """Print what to do next, and from now on who comes and goes."""
    head, people = robot.head, robot.tracker.stage.people

    def kept() -> int:
        history = robot.history.history
        return history.sightings.count if history is not None else 0

    console = RobotConsole(
        head.robot_id,
        head.all_cameras,
        robot.detector.health.figures,
        people.persons() if people else (),
        kept,
        lambda: robot.embedder.battery.charge,
    )
    robot.tracker.event_listeners.append(console.on_events)
    robot.tracker.track_listeners.append(console.on_tracks)
    for camera in head.all_cameras:
        topic = robot.overlay.camera_topic(camera, "overlay/compressed")
        print(f"overlay of {camera}: topic {topic} (rqt_image_view, rviz2)")
    print("search: facetrack search --image FILE", flush=True)
    return console


def _open_window(robot: "RobotComposition", say: Callable[[str], object]) -> "OverlayWindow":
    """Open a window with the overlays; where it cannot, or is closed, the robot runs on."""
    from facetrack_ros.cli.console.overlay_window import OverlayWindow

    overlay, cameras = robot.overlay, robot.head.all_cameras

    def on_end(sentence: str) -> None:
        overlay.viewers.clear()
        topic = overlay.camera_topic(cameras[0], "overlay/compressed")
        say(
            f"{sentence}; the robot runs on. The overlay is on the topic {topic}: "
            f"ros2 run rqt_image_view rqt_image_view {topic}, or rviz2, also on another machine of the network"
        )

    window = OverlayWindow(f"facetrack {robot.head.robot_id}", cameras, on_end)
    overlay.viewers.append(window.show)
    return window
