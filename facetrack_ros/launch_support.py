"""What the launch files share: arguments with the nodes' own defaults, and cameras and robots read from one line or one file."""

from pathlib import Path

import yaml

from facetrack_ros.config import Config, flat, option_named
from facetrack_ros.errors import ConfigError
from facetrack_ros.sources.camera_spec import check_name

#: A robot's nodes, but for one camera node a source.
NODES = ("detector", "embedder", "tracker", "history", "search", "gallery", "overlay")
#: Nodes that are started where somebody asks for them.
OPTIONAL = ("markers", "detections_2d", "external_detector", "humans")
#: The argument that asks for them: default and description.
WITH = ("with", "", f"Nodes to start beside the robot's own, separated by commas: {', '.join(OPTIONAL)}.")
#: Settings that launch files take as arguments of the same name.
SETTINGS = ("mesh", "data_dir", "autostart")


def default_text(name: str) -> str:
    """An option's default as a launch argument."""
    default = option_named(name).default
    return str(default).lower() if isinstance(default, bool) else str(default)


def given_settings(arguments: dict[str, str]) -> dict[str, object]:
    """Settings that differ from the nodes' default; the others stay as the settings file says.

    :raises ConfigError: one that should be true or false is neither.
    """
    given = {name: arguments[name] for name in SETTINGS if arguments[name] != default_text(name)}
    return {
        name: truth(name, text) if isinstance(option_named(name).default, bool) else text
        for name, text in given.items()
    }


def optional_nodes(text: str, composed: bool) -> list[str]:
    """The nodes that are asked for beside the robot's own, each once.

    :param text: their names, separated by commas or spaces.
    :param composed: whether the robot is one process.
    :raises ConfigError: a node that is none of them, or one that the robot has a place for only as a process a node.
    """
    names = list(dict.fromkeys(text.replace(",", " ").split()))
    for name in names:
        if name not in OPTIONAL:
            raise ConfigError(
                f"with:={text}: there is no node {name} to start beside the robot's own; there are {', '.join(OPTIONAL)}"
            )
    if composed and "external_detector" in names:
        raise ConfigError(
            "external_detector takes the place of the detector, which in one process cannot be left out: say "
            "composed:=false too"
        )
    return names


def nodes_apart(optional: list[str]) -> list[str]:
    """A robot's processes where each node is one, without those of its cameras."""
    replaced = {"detector"} if "external_detector" in optional else set()
    return [*(name for name in NODES if name not in replaced), *optional]


def truth(name: str, text: str) -> bool:
    """An argument that is true or false.

    :raises ConfigError: it is neither.
    """
    if text.lower() not in ("true", "false"):
        raise ConfigError(f"{name} must be true or false, not {text!r}")
    return text.lower() == "true"


def cameras_of(text: str, config: Path | str) -> tuple[list[str], list[str]]:
    """Names of all cameras, and ``NAME=SOURCE`` of those that are read here.

    :param text: ``NAME`` or ``NAME=SOURCE`` for each, separated by spaces; empty: what the settings file says.
    :param config: the settings file.
    :raises ConfigError: a name that cannot be one or comes twice, or a file that is none.
    """
    if text.split():
        words = text.split()
    else:
        values = _settings(config)
        sources = list(option_named("sources").check(values.get("sources", [])))
        words = sources or list(option_named("cameras").check(values.get("cameras", ["front"])))
    names = [check_name("camera", word.partition("=")[0]) for word in words]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"two cameras are called {name}: give each a name of its own")
    return names, [word for word in words if "=" in word]


def _settings(config: Path | str) -> dict[str, object]:
    """What a file says to every node. What it says to single ones is left to ROS."""
    try:
        tree = yaml.safe_load(Path(config).read_text())
    except (OSError, ValueError, yaml.YAMLError):
        tree = None
    if isinstance(tree, dict) and isinstance(tree.get("/**"), dict):
        return flat(tree["/**"].get("ros__parameters") or {})
    Config.load(config)  # says what is wrong with it
    raise ConfigError(f"{config} has no /**: ros__parameters: put that above the settings, so that ROS reads them too")


def robots_of(text: str) -> dict[str, str]:
    """Robots and the cameras of each, as :func:`cameras_of` takes them.

    :param text: ``ROBOT/CAMERA=SOURCE`` or ``ROBOT/CAMERA`` for each camera of each robot, separated by spaces.
    :raises ConfigError: no robot, or a name that cannot be one.
    """
    robots: dict[str, list[str]] = {}
    for word in text.split():
        robot, slash, camera = word.partition("/")
        if not slash or not camera or "=" in robot:
            raise ConfigError(
                f"{word}: say ROBOT/CAMERA=SOURCE, such as robot1/front=0, or ROBOT/CAMERA where a driver publishes"
            )
        robots.setdefault(check_name("robot", robot), []).append(camera)
    if not robots:
        raise ConfigError('which robots? Say robots:="robot1/front=0 robot2/front=clip.mp4"')
    return {robot: " ".join(cameras) for robot, cameras in robots.items()}
