"""Configuration: ``OPTIONS``, the basis of YAML files, ROS parameters and command line, and ``Config``, its values."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from operator import attrgetter
from pathlib import Path
from typing import Any, Union

from facetrack_ros.bounded_file import read_bounded_text
from facetrack_ros.errors import ConfigError
from facetrack_ros.plain_yaml import load_yaml
from facetrack_ros.settings import Settings

#: Environment variable with the mesh of robots and commands that are not given one.
MESH_VARIABLE = "FACETRACK_MESH"

# Levels of names in a file that is still taken for settings.
_DEEPEST = 10

Value = Union[bool, int, float, str, "tuple[str, ...]"]


@dataclass(frozen=True)
class Option:
    """One setting.

    :param name: dotted name: the nesting in YAML, and the ROS parameter.
    :param default: determines the option's type.
    :param minimum: lowest number, and ``maximum`` the highest; None: no limit.
    :param choices: allowed texts; empty: any.
    :param live: whether it may change while a node runs.
    :param harmless: whether any peer may change it then; if not, only where ``allow_remote_changes`` is set.
    """

    name: str
    default: Value
    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False
    harmless: bool = False

    def check(self, value: object) -> Value:
        """Convert a value to the option's type.

        :raises ConfigError: wrong type, out of range or not among the choices.
        """
        kind = type(self.default)
        if kind is float and type(value) is int:
            value = float(value)
        if kind is tuple and isinstance(value, list) and all(isinstance(item, str) for item in value):
            value = tuple(value)
        allowed = f"one of {', '.join(self.choices)}" if self.choices else self.range_text()
        if not isinstance(value, (bool, int, float, str, tuple)) or type(value) is not kind:
            separator = ", " if self.choices else " " if allowed else ""
            hint = " (YAML reads off, on, yes and no so: put the word in quotes)" if type(value) is bool else ""
            raise ConfigError(
                f"{self.name} must be a {self.type_name}{separator}{allowed}, not {value!r}"
                + (hint if kind is str else "")
            )
        in_range = not isinstance(value, (int, float)) or self._in_range(value)
        if not in_range or (self.choices and value not in self.choices):
            raise ConfigError(f"{self.name} must be {allowed}, not {value!r}")
        return value

    def _in_range(self, value: float) -> bool:
        """Whether a number is within the limits; NaN is not."""
        return (self.minimum is None or value >= self.minimum) and (self.maximum is None or value <= self.maximum)

    @property
    def type_name(self) -> str:
        """The type in words."""
        return _TYPE_NAMES[type(self.default)]

    def range_text(self) -> str:
        """The range in words; empty: none."""
        if self.minimum is not None and self.maximum is not None:
            return f"from {self.minimum:g} to {self.maximum:g}"
        if self.minimum is not None:
            return f"at least {self.minimum:g}"
        return f"at most {self.maximum:g}" if self.maximum is not None else ""


_TYPE_NAMES = {bool: "true or false", int: "whole number", float: "number", str: "text", tuple: "list of texts"}


def _options(group: Any, prefix: str = "") -> Iterator[Option]:
    for field in fields(group):
        if field.metadata:
            default: Any = field.default
            yield Option(f"{prefix}{field.name}", default, **field.metadata)
        else:
            yield from _options(field.type, f"{field.name}.")


#: All settings of a robot, in the order of the YAML files.
OPTIONS = tuple(_options(Settings))
_BY_NAME = {option.name: option for option in OPTIONS}

#: Settings that differ between robots or nodes, and are therefore not in the default file.
NODE_OPTIONS = (
    Option("cameras", ("front",), "Ids of this robot's cameras."),
    Option(
        "sources", (), "NAME=SOURCE for each camera that this robot reads itself; the others have their own drivers."
    ),
    Option("camera", "front", "Id of the camera."),
    Option("use_sim_time", False, "Take the time from /clock; a parameter of every ROS node."),
    Option(
        "source",
        "",
        "Device index, stream address, video file, folder or bag:PATH:TOPIC; @FILE: the first line of a file; ${NAME}: "
        "an environment variable. Shown without passwords.",
    ),
)
_NODE_BY_NAME = {option.name: option for option in NODE_OPTIONS}


def option_named(name: str) -> Option:
    """The option of a dotted name.

    :raises ConfigError: there is none; names the closest one and the others of its group.
    """
    option = _BY_NAME.get(name) or _NODE_BY_NAME.get(name)
    if option is None:
        raise ConfigError(f"unknown setting {name}; {_allowed_instead(name)}")
    return option


def _allowed_instead(name: str) -> str:
    known = (*_BY_NAME, *_NODE_BY_NAME)
    close = get_close_matches(name, known, 1)
    group = name.rpartition(".")[0]
    siblings = [other for other in known if other.rpartition(".")[0] == group]
    meant = f"is {close[0]} meant? " if close else ""
    if group and siblings:
        return f"{meant}allowed below {group} are {', '.join(other.rpartition('.')[2] for other in siblings)}"
    return f"{meant}allowed are {', '.join(dict.fromkeys(other.partition('.')[0] for other in known))}"


class Config(Settings):
    """Settings: the defaults, overridden by the values of a file or a caller.

    :ivar sources: ``NAME=SOURCE`` of the cameras named in a file.
    :ivar use_sim_time: whether the time of ``/clock`` is used.
    """

    sources: tuple[str, ...]
    use_sim_time: bool

    def __init__(self, values: Mapping[str, object] | None = None):
        """
        :param values: by dotted name.
        :raises ConfigError: an unknown name or a value that is not allowed.
        """
        checked = {name: option_named(name).check(value) for name, value in (values or {}).items()}
        groups: dict[str, dict[str, Any]] = {}
        for name, value in checked.items():
            if name in _BY_NAME:
                group, _, key = name.rpartition(".")
                groups.setdefault(group, {})[key] = value
        own: dict[str, Any] = groups.pop("", {})
        types: dict[str, Any] = {field.name: field.type for field in fields(Settings)}
        super().__init__(**own, **{group: types[group](**given) for group, given in groups.items()})
        object.__setattr__(self, "sources", checked.get("sources", ()))
        object.__setattr__(self, "use_sim_time", checked.get("use_sim_time", False))

    def value(self, name: str) -> Value:
        """A setting by its dotted name, where the name is known only at run time.

        :raises AttributeError: there is none.
        """
        return attrgetter(name)(self)

    def changed(self, values: Mapping[str, object]) -> "Config":
        """A copy with some values replaced.

        :raises ConfigError: an unknown name or a value that is not allowed.
        """
        own = {"sources": self.sources, "use_sim_time": self.use_sim_time}
        return Config({**dict(self.items()), **own, **values})

    def items(self) -> Iterator[tuple[str, Value]]:
        """Pairs of dotted name and value, in the order of ``OPTIONS``."""
        return ((option.name, self.value(option.name)) for option in OPTIONS)

    @classmethod
    def load(cls, path: str | Path | None) -> "Config":
        """Read a ROS parameter file (``/**: ros__parameters:``) or the same keys without that head.

        :param path: None: the defaults.
        :raises ConfigError: the file is missing or not YAML, or has a key or value that is not allowed; names the file.
        """
        if path is None:
            return cls()
        tree = read_yaml(path) or {}
        try:
            return cls(flat(_for_every_node(tree)))
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error


def read_yaml(path: str | Path) -> object:
    """The content of a YAML file of settings.

    :raises ConfigError: it cannot be read, is no regular file, too large, not YAML, or nested too deeply.
    """
    try:
        return load_yaml(read_bounded_text(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read the configuration {path}: {error}") from error
    except ValueError as error:
        raise ConfigError(f"{path} is no YAML of settings: {error}") from error


def mesh_name(prefix: str) -> str:
    """A mesh prefix without its last slash.

    :raises ConfigError: it is not the absolute name of a ROS topic.
    """
    name = prefix.rstrip("/")
    if not re.fullmatch(r"(/[A-Za-z_][A-Za-z0-9_]*)+", name):
        raise ConfigError(
            f"{prefix!r} is no mesh: give the absolute name of a topic, such as /facetrack or /site/floor2"
        )
    return name


def default_mesh(configured: str = Settings.mesh) -> str:
    """The mesh of the environment variable :data:`MESH_VARIABLE`, else the given one.

    :raises ConfigError: it is not the absolute name of a ROS topic.
    """
    return mesh_name(os.environ.get(MESH_VARIABLE) or configured)


def optional_path(path: str) -> Path | None:
    """The folder of a setting; None: it is empty."""
    return Path(path).expanduser() if path else None


def data_folder(setting: str = "") -> Path:
    """The folder that holds the folders of all robots.

    :param setting: ``data_dir``.
    """
    return optional_path(setting) or Path.home() / ".local/share/facetrack"


def _for_every_node(tree: object) -> dict:
    """The settings below ``/**: ros__parameters:``, or all where the file lacks these keys."""
    if isinstance(tree, dict) and "/**" in tree:
        others = [str(head) for head in tree if head != "/**"]
        if others:
            raise ConfigError(
                f"it has settings for {', '.join(others)} beside /**; only ROS can tell nodes apart: give it as "
                "--params-file to the nodes, or put the settings below /**"
            )
        tree = tree["/**"]
    if isinstance(tree, dict) and "ros__parameters" in tree:
        tree = tree["ros__parameters"]
    if not isinstance(tree, dict):
        raise ConfigError("it must hold settings by name, such as `detector: {model: auto}`")
    return tree


def flat(tree: dict, prefix: str = "") -> dict[str, object]:
    """Flatten nested settings to dotted names.

    :raises ConfigError: they are nested deeper than any setting, such as by an anchor that refers to itself.
    """
    values: dict[str, object] = {}
    if prefix.count(".") > _DEEPEST:
        raise ConfigError(f"{prefix.rstrip('.')} is nested too deeply for settings")
    for key, value in tree.items():
        name = f"{prefix}{key}"
        values |= flat(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return values
