"""Turns a bag into a history.

Where `ros2 bag` is installed, it plays the bag with its clock to live nodes, which drop the frames they are too slow
for: choose the rate accordingly. Otherwise, and with player:=ingest, `facetrack ingest` reads the bag without ROS: it
drops nothing, every run gives the same result, and no topics are published.
"""

import sys
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    RegisterEventHandler,
    TimerAction,
)
from launch.event_handlers import OnProcessExit
from launch.events import Shutdown
from launch.launch_description_sources import PythonLaunchDescriptionSource

from facetrack_ros.config import option_named
from facetrack_ros.errors import ConfigError
from facetrack_ros.launch_support import (
    WITH,
    config_path,
    declared,
    default_text,
    given_values,
    optional_nodes,
    parse_bool,
)
from launch import LaunchContext, LaunchDescription

HERE = Path(__file__).resolve().parent
ARGUMENTS = (
    ("robot", "robot1", "The robot of the history."),
    (
        "cameras",
        "front=/robot1/front/image/compressed",
        "NAME=TOPIC for each camera, separated by spaces: its name, and the topic in the bag.",
    ),
    ("config", config_path("replay.yaml"), "Settings, a YAML file."),
    ("data_dir", default_text("data_dir"), option_named("data_dir").description),
    ("composed", "true", "All nodes in one process, or one process per node."),
    WITH,
    ("log_level", "info", "debug, info, warn, error or fatal."),
    ("player", "auto", "ros2bag: `ros2 bag play`; ingest: read without ROS; auto: ros2bag where it is installed."),
    ("rate", "1.0", "Rate of ros2bag; 1.0: as recorded."),
    ("delay", "5.0", "Seconds before ros2bag plays, for the nodes to start."),
    ("end", "true", "Shut down after the bag."),
)
# Time to process the last frames, chosen by hand.
LAST_S = 2.0


def topics(text: str) -> dict[str, str]:
    """Parse ``NAME=TOPIC`` for each camera.

    :raises ConfigError: another format.
    """
    pairs = [word.partition("=") for word in text.split()]
    if not pairs or not all(name and topic for name, _, topic in pairs):
        raise ConfigError(f"cameras:={text!r}: say NAME=TOPIC, such as front=/camera/image/compressed")
    return {name: topic for name, _, topic in pairs}


def player(wanted: str) -> str:
    """The reader of the bag: ``ros2bag`` or ``ingest``.

    :raises ConfigError: an unknown one.
    """
    if wanted not in ("auto", "ros2bag", "ingest"):
        raise ConfigError(f"player must be one of auto, ros2bag, ingest, not {wanted!r}")
    if wanted != "auto":
        return wanted
    try:
        get_package_prefix("ros2bag")
    except PackageNotFoundError:
        return "ingest"
    return "ros2bag"


def replay(context: LaunchContext) -> list:
    """The player and, with ros2bag, the robot."""
    given = given_values(context, (*ARGUMENTS, ("bag", "", "")))
    cameras, namespace = topics(given["cameras"]), f"/{given['robot']}"
    if not Path(given["bag"]).exists():
        raise ConfigError(f"there is no bag {given['bag']}: give bag:=FOLDER, or the file in it")
    optional = optional_nodes(given["with"], parse_bool("composed", given["composed"]))
    if player(given["player"]) == "ingest":
        if optional:
            raise ConfigError(
                f"with:={given['with']}: `facetrack ingest` publishes no topics for other nodes; say "
                "player:=ros2bag, which needs `ros2 bag`"
            )
        data_dir = given["data_dir"] or str(Path.home() / ".local/share/facetrack")
        sources = [
            word for name, topic in cameras.items() for word in ("--camera", f"{name}=bag:{given['bag']}:{topic}")
        ]
        command = [sys.executable, "-c", "from facetrack_ros.cli.main import main; main()", "ingest"]
        command += ["--robot", given["robot"], *sources, "--data", data_dir, "--config", given["config"]]
        return [ExecuteProcess(cmd=command, output="screen")]
    # Nodes subscribe below the camera's name, to different topics for compressed and raw images.
    names = {
        topic: f"{namespace}/{name}/{'image/compressed' if topic.endswith('compressed') else 'image'}"
        for name, topic in cameras.items()
    }
    remaps = [f"{topic}:={name}" for topic, name in names.items() if topic != name]
    command = ["ros2", "bag", "play", given["bag"], "--clock", "--rate", given["rate"], "--delay", given["delay"]]
    command += ["--topics", *names, *(["--remap", *remaps] if remaps else [])]
    play = ExecuteProcess(cmd=command, output="screen")
    robot = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(HERE / "robot.launch.py")),
        launch_arguments={
            **{name: given[name] for name in ("robot", "config", "data_dir", "composed", "with", "log_level")},
            "cameras": " ".join(cameras),
            "use_sim_time": "true",
        }.items(),
    )
    if not parse_bool("end", given["end"]):
        return [robot, play]
    over = TimerAction(period=LAST_S, actions=[EmitEvent(event=Shutdown(reason="the bag is over"))])
    return [robot, play, RegisterEventHandler(OnProcessExit(target_action=play, on_exit=[over]))]


def generate_launch_description() -> LaunchDescription:
    """Entry point of ``ros2 launch``."""
    return LaunchDescription(
        [
            DeclareLaunchArgument("bag", description="The bag: its folder, or a file of it (mcap, sqlite3)."),
            *declared(ARGUMENTS),
            OpaqueFunction(function=replay),
        ]
    )
