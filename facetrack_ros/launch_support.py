"""Arguments of the launch files: declaration, default values and parsing."""

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from facetrack_ros.config import Config, flat, option_named, read_yaml
from facetrack_ros.core.masking import mask_camera
from facetrack_ros.errors import ConfigError
from facetrack_ros.sources.camera_spec import check_name, parse_cameras
from facetrack_ros.sources.topic import split_topics, with_topics

#: The nodes of every robot, besides one camera node per source.
NODES = ("detector", "embedder", "tracker", "history", "search", "gallery", "overlay")
#: Nodes that are started on request.
OPTIONAL = ("markers", "detections_2d", "external_detector", "humans")
#: The launch argument that requests them: name, default and description.
WITH = ("with", "", f"Additional nodes, separated by commas: {', '.join(OPTIONAL)}.")
#: Settings that are launch arguments of the same name.
SETTINGS = ("mesh", "data_dir", "autostart", "camera.rotation")


def declared(arguments: Iterable[tuple[str, str, str]]) -> list:
    """The launch actions that declare arguments of name, default and description."""
    from launch.actions import DeclareLaunchArgument

    return [DeclareLaunchArgument(name, default_value=default, description=text) for name, default, text in arguments]


def given_values(context: Any, arguments: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """The values of declared arguments by name, in a ``launch.LaunchContext``."""
    return {name: context.launch_configurations[name] for name, _, _ in arguments}


def config_path(name: str) -> str:
    """Path of an installed configuration file."""
    from ament_index_python.packages import get_package_share_directory

    return str(Path(get_package_share_directory("facetrack_ros")) / "config" / name)


def default_text(name: str) -> str:
    """The default of an option as a launch argument."""
    default = option_named(name).default
    return str(default).lower() if isinstance(default, bool) else str(default)


def given_settings(arguments: dict[str, str]) -> dict[str, object]:
    """The settings that differ from their default; the others are left to the settings file.

    :raises ConfigError: a value that must be true or false is neither.
    """
    given = {name: arguments[name] for name in SETTINGS if arguments[name] != default_text(name)}
    return {
        name: parse_bool(name, text) if isinstance(option_named(name).default, bool) else text
        for name, text in given.items()
    }


def optional_nodes(text: str, composed: bool) -> list[str]:
    """The additional nodes, each once.

    :param text: their names, separated by commas or spaces.
    :param composed: whether the robot is one process.
    :raises ConfigError: an unknown node, or one that a composed robot cannot have.
    """
    names = list(dict.fromkeys(text.replace(",", " ").split()))
    for name in names:
        if name not in OPTIONAL:
            raise ConfigError(f"with:={text}: there is no additional node {name}; there are {', '.join(OPTIONAL)}")
    if composed and "external_detector" in names:
        raise ConfigError(
            "external_detector replaces the detector, which a composed robot cannot leave out: say composed:=false too"
        )
    return names


def nodes_apart(optional: list[str]) -> list[str]:
    """The nodes of a robot with one process per node, besides its camera nodes."""
    replaced = {"detector"} if "external_detector" in optional else set()
    return [*(name for name in NODES if name not in replaced), *optional]


def parse_bool(name: str, text: str) -> bool:
    """Parse an argument that is true or false.

    :raises ConfigError: it is neither.
    """
    if text.lower() not in ("true", "false"):
        raise ConfigError(f"{name} must be true or false, not {text!r}")
    return text.lower() == "true"


def cameras_of(text: str, config: Path | str) -> tuple[list[str], list[str]]:
    """Names of all cameras, and ``NAME=SOURCE`` of those with a source.

    :param text: ``NAME`` or ``NAME=SOURCE`` for each, separated by spaces, in quotes where one holds spaces; empty: the
        cameras of the settings file.
    :param config: the settings file.
    :raises ConfigError: an invalid or repeated name, or an invalid file.
    """
    words = _words(text)
    if not words:
        values = _settings(config)
        words = _texts("sources", values, []) or _texts("cameras", values, ["front"])
    names = [check_name("camera", word.partition("=")[0]) for word in words]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two cameras are called {name}: give each a name of its own")
    return names, [word for word in words if "=" in word]


def sources_and_topics(sources: list[str], config: Path | str) -> tuple[list[str], dict[str, str]]:
    """``NAME=SOURCE`` of the cameras whose source is opened, and the parameters for those whose source is a ROS topic.

    :param sources: as :func:`cameras_of` returns them.
    :param config: the settings file.
    :raises FacetrackError: an invalid source or file.
    """
    opened, topics = split_topics(parse_cameras(sources))
    if not topics:
        return sources, {}
    setting = option_named("camera.topics").check(_settings(config).get("camera.topics", ""))
    return [f"{name}={source}" for name, source in opened.items()], {"camera.topics": with_topics(str(setting), topics)}


def _words(text: str) -> list[str]:
    """The words of a list; one with spaces in it is in quotes.

    :raises ConfigError: a quote is not closed.
    """
    try:
        return shlex.split(text)
    except ValueError:
        raise ConfigError(
            f"{mask_camera(text)}: close the quote, or write it as \\' where it belongs to a name"
        ) from None


def _texts(name: str, values: dict[str, object], default: list[str]) -> list[str]:
    value = option_named(name).check(values.get(name, default))
    assert isinstance(value, tuple)  # the type of the option
    return list(value)


def _settings(config: Path | str) -> dict[str, object]:
    """The settings of a file for every node; those for single nodes are left to ROS."""
    try:
        tree = read_yaml(config)
    except ConfigError:
        tree = None
    if isinstance(tree, dict) and isinstance(tree.get("/**"), dict):
        return flat(tree["/**"].get("ros__parameters") or {})
    Config.load(config)  # raises what is wrong with it
    raise ConfigError(f"{config} has no /**: ros__parameters: put that above the settings, so that ROS reads them too")


def robots_of(text: str) -> dict[str, str]:
    """Robots, and the cameras of each in the format of :func:`cameras_of`.

    :param text: ``ROBOT/CAMERA=SOURCE`` or ``ROBOT/CAMERA`` for each camera, separated by spaces.
    :raises ConfigError: no robot, or an invalid name.
    """
    robots: dict[str, list[str]] = {}
    for word in _words(text):
        robot, slash, camera = word.partition("/")
        if not slash or not camera or "=" in robot:
            raise ConfigError(
                f"{mask_camera(word)}: say ROBOT/CAMERA=SOURCE, such as robot1/front=0, or ROBOT/CAMERA where a driver "
                "publishes"
            )
        robots.setdefault(check_name("robot", robot), []).append(camera)
    if not robots:
        raise ConfigError('which robots? Say robots:="robot1/front=0 robot2/front=clip.mp4"')
    return {robot: shlex.join(cameras) for robot, cameras in robots.items()}
