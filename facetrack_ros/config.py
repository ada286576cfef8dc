"""Configuration, defined once: the YAML, the ROS parameters and the command line all come from ``OPTIONS``."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from operator import attrgetter
from pathlib import Path
from typing import Any, Union

import yaml

from facetrack_ros.errors import ConfigError
from facetrack_ros.settings import Settings

Value = Union[bool, int, float, str, "tuple[str, ...]"]


@dataclass(frozen=True)
class Option:
    """One setting.

    :param name: dotted, as in the YAML's nesting and as ROS parameter.
    :param default: its type is the option's type.
    :param minimum: smallest value of a number, None: no bound.
    :param maximum: largest value of a number, None: no bound.
    :param choices: the allowed words of a text, empty: any.
    :param live: whether it may change while a node that uses it runs.
    """

    name: str
    default: Value
    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False

    def check(self, value: object) -> Value:
        """The value in the option's own type.

        :raises ConfigError: wrong type, out of range or not among the choices.
        """
        wanted = type(self.default)
        if wanted is float and type(value) is int:
            value = float(value)
        if wanted is tuple and isinstance(value, list) and all(isinstance(word, str) for word in value):
            value = tuple(value)
        if type(value) is not wanted:
            quotes = (
                " (YAML reads off, on, yes and no so: put the word in quotes)"
                if (wanted, type(value)) == (str, bool)
                else ""
            )
            raise ConfigError(
                f"{self.name} must be a {_TYPE_NAMES[wanted]}{self._allowed_text()}, not {value!r}{quotes}"
            )
        if (self.minimum is not None and not value >= self.minimum) or (
            self.maximum is not None and not value <= self.maximum
        ):
            raise ConfigError(f"{self.name} must be {self.range_text()}, not {value!r}")
        if self.choices and value not in self.choices:
            raise ConfigError(f"{self.name} must be one of {', '.join(self.choices)}, not {value!r}")
        return value

    def _allowed_text(self) -> str:
        if self.choices:
            return f", one of {', '.join(self.choices)}"
        return f" {self.range_text()}" if self.range_text() else ""

    @property
    def type_name(self) -> str:
        """Its type in words."""
        return _TYPE_NAMES[type(self.default)]

    def range_text(self) -> str:
        """The range in words, empty where there is none."""
        if self.minimum is not None and self.maximum is not None:
            return f"from {self.minimum:g} to {self.maximum:g}"
        if self.minimum is not None:
            return f"at least {self.minimum:g}"
        return f"at most {self.maximum:g}" if self.maximum is not None else ""


_TYPE_NAMES = {bool: "true or false", int: "whole number", float: "number", str: "text", tuple: "list of texts"}


def _options(group: type, prefix: str = "") -> Iterator[Option]:
    for field in fields(group):
        if field.metadata:
            yield Option(f"{prefix}{field.name}", field.default, **field.metadata)
        else:
            yield from _options(field.type, f"{field.name}.")


#: Every setting of a robot, in the order of the YAML.
OPTIONS = tuple(_options(Settings))
_BY_NAME = {option.name: option for option in OPTIONS}

#: What says of a robot which cameras it has, and of one node what it does. Not in the default file: every robot differs.
NODE_OPTIONS = (
    Option("cameras", ("front",), "Camera ids of this robot."),
    Option("sources", (), "NAME=SOURCE for each camera this robot reads itself; other cameras have their own driver."),
    Option("camera", "front", "The camera's id."),
    Option("use_sim_time", False, "Take the time from /clock. ROS gives every node this one."),
    Option("source", "", "Device index, address, video file, folder or bag:PATH:TOPIC."),
)
_NODE_BY_NAME = {option.name: option for option in NODE_OPTIONS}


def option_named(name: str) -> Option:
    """The option of a dotted name, of all robots or of one node.

    :raises ConfigError: there is none; names what may be meant, and what is allowed beside it.
    """
    option = _BY_NAME.get(name) or _NODE_BY_NAME.get(name)
    if option is None:
        raise ConfigError(f"unknown setting {name}; {_allowed_instead(name)}")
    return option


def _allowed_instead(name: str) -> str:
    known = (*_BY_NAME, *_NODE_BY_NAME)
    close = get_close_matches(name, known, 1)
    group = name.rpartition(".")[0]
    beside = [other for other in known if other.rpartition(".")[0] == group]
    meant = f"is {close[0]} meant? " if close else ""
    if group and beside:
        return f"{meant}allowed below {group} are {', '.join(other.rpartition('.')[2] for other in beside)}"
    return f"{meant}allowed are {', '.join(dict.fromkeys(other.partition('.')[0] for other in known))}"


class Config(Settings):
    """Settings: the defaults, overlaid with what a file or a caller gave.

    :ivar sources: ``NAME=SOURCE`` of the cameras that a file named, empty where it named none.
    :ivar use_sim_time: whether a file asks for the time of ``/clock``.
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
        types = {field.name: field.type for field in fields(Settings)}
        super().__init__(**own, **{group: types[group](**given) for group, given in groups.items()})
        object.__setattr__(self, "sources", checked.get("sources", ()))
        object.__setattr__(self, "use_sim_time", checked.get("use_sim_time", False))

    def value(self, name: str) -> Value:
        """A setting by its dotted name, where the name is known only at run time.

        :raises AttributeError: there is none.
        """
        return attrgetter(name)(self)

    def changed(self, values: Mapping[str, object]) -> "Config":
        """These settings with some others.

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
        :raises ConfigError: no such file, no YAML, or a key or value that is not allowed; names the file.
        """
        if path is None:
            return cls()
        try:
            tree = yaml.safe_load(Path(path).read_text()) or {}
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read the configuration {path}: {error}") from error
        except yaml.YAMLError as error:
            raise ConfigError(f"{path} is no YAML: {error}") from error
        try:
            return cls(flat(_for_every_node(tree)))
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error


def optional_path(path: str) -> Path | None:
    """A setting that is a folder; None where it is empty."""
    return Path(path).expanduser() if path else None


def _for_every_node(tree: object) -> dict:
    """The settings of a ROS parameter file that are meant for every node, or those of a file without that head."""
    if isinstance(tree, dict) and "/**" in tree:
        others = [str(head) for head in tree if head != "/**"]
        if others:
            raise ConfigError(
                f"beside /** it speaks to {', '.join(others)}; only ROS can tell nodes apart: give it as "
                "--params-file to the nodes, or put the settings below /**"
            )
        tree = tree["/**"]
    if isinstance(tree, dict) and "ros__parameters" in tree:
        tree = tree["ros__parameters"]
    if not isinstance(tree, dict):
        raise ConfigError("it must hold settings by name, such as `detector: {model: auto}`")
    return tree


def flat(tree: dict, prefix: str = "") -> dict[str, object]:
    """Nested settings by dotted name."""
    values = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            values.update(flat(value, f"{name}."))
        else:
            values[name] = value
    return values
