"""The launch files: arguments, the nodes they start, and complete runs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from facetrack_ros.config import option_named
from facetrack_ros.errors import ConfigError

launch = pytest.importorskip("launch", reason="launch is not installed: no wheel carries it")
pytest.importorskip("launch_ros", reason="launch_ros is not installed: no wheel carries it")

FOLDER = Path(__file__).resolve().parents[2] / "launch"
FILES = ("robot", "fleet", "replay", "view")


def entities(name: str) -> list:
    from launch.launch_description_sources import get_launch_description_from_python_launch_file

    return get_launch_description_from_python_launch_file(str(FOLDER / f"{name}.launch.py")).entities


def declared(name: str) -> dict:
    from launch.actions import DeclareLaunchArgument

    from launch import LaunchContext

    found = [entity for entity in entities(name) if isinstance(entity, DeclareLaunchArgument)]
    context = LaunchContext()
    return {
        argument.name: (
            argument.description,
            None
            if argument.default_value is None
            else "".join(part.perform(context) for part in argument.default_value),
        )
        for argument in found
    }


def started(name: str, **given) -> list:
    """What a launch file starts, given these arguments."""
    from launch.actions import OpaqueFunction

    from launch import LaunchContext

    context, found = LaunchContext(), []
    context.launch_configurations.update(
        {key: default for key, (_, default) in declared(name).items() if default is not None}
    )
    context.launch_configurations.update(given)
    for entity in entities(name):
        if isinstance(entity, OpaqueFunction):
            found += entity.execute(context)
    return found


def executables(**given) -> list:
    return [node.node_executable for node in started("robot", **given)]


@pytest.mark.parametrize("name", FILES)
def test_every_argument_has_a_description_and_the_default_of_the_nodes(name):
    for argument, (description, default) in declared(name).items():
        assert len(description.split()) >= 3, argument
        assert default is not None or (name, argument) == ("replay", "bag")
        if argument in ("mesh", "data_dir", "autostart", "use_sim_time"):
            wanted = option_named(argument).default
            assert default == (str(wanted).lower() if isinstance(wanted, bool) else wanted)


def test_composed_is_one_process():
    assert executables(cameras="front=clip.mp4 rear=0") == ["robot"]


def test_not_composed_is_one_process_per_node_and_source():
    assert sorted(executables(cameras="front=clip.mp4 rear", composed="false")) == [
        "camera",
        "detector",
        "embedder",
        "gallery",
        "history",
        "overlay",
        "search",
        "tracker",
    ]


def test_optional_nodes_are_started_by_name_and_an_external_detector_replaces_the_detector():
    assert executables(cameras="front", **{"with": "markers,humans"}) == ["robot", "markers", "humans"]
    apart = executables(cameras="front", composed="false", **{"with": "external_detector"})
    assert "external_detector" in apart
    assert "detector" not in apart
    assert "embedder" in apart
    with pytest.raises(ConfigError, match="composed:=false"):
        executables(cameras="front", **{"with": "external_detector"})


def test_cameras_of_the_settings_file(tmp_path):
    file = tmp_path / "cameras.yaml"
    file.write_text("/**:\n  ros__parameters:\n    sources: [front=0, rear=clip.mp4]\n")
    assert executables(config=str(file), composed="false").count("camera") == 2
    assert executables(config=str(file), composed="false", cameras="front=1").count("camera") == 1


def test_a_wrong_argument_is_an_error():
    with pytest.raises(ConfigError, match="composed must be true or false"):
        executables(composed="perhaps")
    with pytest.raises(ConfigError, match="two cameras are called front"):
        executables(cameras="front=0 front=1")
    with pytest.raises(ConfigError, match="ROBOT/CAMERA"):
        started("fleet", robots="robot1=0")
    with pytest.raises(ConfigError, match="there is no bag"):
        started("replay", bag="nothing")


def test_a_fleet_is_one_group_per_robot():
    assert len(started("fleet", robots="robot1/front=0 robot1/rear=1 robot2/front=2")) == 2


def test_a_bag_is_played_with_its_clock_to_the_topics_of_the_robot(tmp_path):
    robot, play, _ = started(
        "replay", bag=str(tmp_path), player="ros2bag", cameras="front=/cam/compressed rear=/robot1/rear/image"
    )
    words = " ".join("".join(part.text for part in word) for word in play.cmd)
    assert words.startswith(f"ros2 bag play {tmp_path} --clock")
    assert "--topics /cam/compressed /robot1/rear/image" in words
    assert words.endswith("--remap /cam/compressed:=/robot1/front/image/compressed")
    assert dict(robot.launch_arguments)["use_sim_time"] == "true"
    assert dict(robot.launch_arguments)["cameras"] == "front rear"


def test_rviz_shows_the_given_robot_or_the_error_names_the_package():
    from ament_index_python.packages import get_packages_with_prefixes

    if "rviz2" not in get_packages_with_prefixes():
        with pytest.raises(ConfigError, match="apt install ros-jazzy-rviz2"):
            started("view", robot="robot7", camera="rear")
    else:
        (node,) = started("view", robot="robot7", camera="rear")
        assert node.node_executable == "rviz2"


class Launched:
    """``ros2 launch`` without the ``ros2`` command."""

    RUN = (
        "import sys; from launch import LaunchDescription, LaunchService\n"
        "from launch.actions import IncludeLaunchDescription\n"
        "from launch.launch_description_sources import PythonLaunchDescriptionSource\n"
        "words = [tuple(word.split(':=', 1)) for word in sys.argv[2:]]\n"
        "service = LaunchService()\n"
        "service.include_launch_description(LaunchDescription([IncludeLaunchDescription("
        "PythonLaunchDescriptionSource(sys.argv[1]), launch_arguments=words)]))\n"
        "sys.exit(service.run())"
    )

    def __init__(self, processes, name: str, **given):
        words = [f"{key}:={value}" for key, value in given.items()]
        self.process = processes.start([sys.executable, "-c", self.RUN, FOLDER / f"{name}.launch.py", *words], name)

    def end(self) -> int:
        self.process.popen.send_signal(signal.SIGINT)
        return self.process.popen.wait(40)


@pytest.mark.parametrize("composed", ["true", "false"])
def test_a_robot_runs_and_ends(processes, stage, tmp_path, composed):
    launched = Launched(
        processes,
        "robot",
        cameras=f"rear={stage.clips['robot1', 'rear']}",
        data_dir=tmp_path / "data",
        composed=composed,
    )
    launched.process.wait_until(lambda said: "is over, after 170 frames" in said, "the clip is over")
    assert launched.end() == 0, launched.process.said()
    assert "Traceback" not in launched.process.said()
    assert (tmp_path / "data" / "robot1" / "robot.json").is_file()


def test_a_fleet_runs_and_ends(processes, stage, tmp_path):
    cameras = " ".join(f"{robot}/{camera}={clip}" for (robot, camera), clip in stage.clips.items())
    launched = Launched(processes, "fleet", robots=cameras, data_dir=tmp_path / "data")
    launched.process.wait_until(lambda said: "robot1 is up" in said and "robot2 is up" in said, "both are up")
    assert launched.end() == 0, launched.process.said()


def test_a_replay_makes_a_history(processes, stage, tmp_path):
    settings = tmp_path / "all.yaml"
    settings.write_text("frame_history: {mode: continuous}\n")
    made = processes.run(
        *("ingest", "--robot", "robot9", "--camera"),
        f"rear={stage.clips['robot1', 'rear']}",
        "--data",
        tmp_path / "recorded",
        "--config",
        settings,
    )
    assert made.returncode == 0, made.stderr
    bag = next((tmp_path / "recorded" / "robot9" / "frames").glob("*.mcap"))
    launched = Launched(
        processes,
        "replay",
        bag=bag,
        cameras="rear=/robot9/rear/image/compressed",
        player="ingest",
        data_dir=tmp_path / "data",
        config=FOLDER.parent / "config" / "replay.yaml",
    )
    assert launched.process.popen.wait(90) == 0, launched.process.said()
    program = [sys.executable, "-c", "from facetrack_ros.cli.main import main; main()"]
    listed = subprocess.run(
        [*program, "events", "--data", str(tmp_path / "data"), "--json"], capture_output=True, text=True, env=os.environ
    )
    assert "PERSON_IN" in listed.stdout, listed.stderr
    assert '"robot_id": "robot1"' in listed.stdout
