"""Declaration of a node's parameters from the settings' definition, with description, range and error messages."""

import itertools
import sys
from collections.abc import Callable, Iterable
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, ParameterType
from rclpy.node import Node
from rclpy.parameter import Parameter

from facetrack_ros.config import Option, flat, option_named, read_yaml
from facetrack_ros.errors import ConfigError

# Prefixes of parameters that rclpy declares on every node.
_OF_ROS = ("start_type_description_service", "qos_overrides.")
_TYPES = {
    bool: ParameterType.PARAMETER_BOOL,
    int: ParameterType.PARAMETER_INTEGER,
    float: ParameterType.PARAMETER_DOUBLE,
    str: ParameterType.PARAMETER_STRING,
    tuple: ParameterType.PARAMETER_STRING_ARRAY,
}


def descriptor_of(option: Option) -> ParameterDescriptor:
    """The descriptor that ``ros2 param describe`` shows."""
    descriptor = ParameterDescriptor(
        name=option.name, type=_TYPES[type(option.default)], description=option.description, read_only=not option.live
    )
    allowed = [f"one of {', '.join(option.choices)}"] if option.choices else []
    if option.live and not option.harmless:
        allowed.append("changes at run time need allow_remote_changes")
    descriptor.additional_constraints = "; ".join(allowed)
    if option.minimum is not None and option.maximum is not None:
        low, high = option.minimum, option.maximum
        if isinstance(option.default, int):
            descriptor.integer_range = [IntegerRange(from_value=int(low), to_value=int(high))]
        else:
            descriptor.floating_point_range = [FloatingPointRange(from_value=float(low), to_value=float(high))]
    return descriptor


def declare(node: Node, option: Option, default: Any, mask: Callable[[str], str] | None = None) -> Any:
    """Declare an option and return its value: from the command line or a parameter file, else ``default``.

    :param mask: removes passwords from a text; the parameter, which every node of the graph can read, holds the rest.
    :raises ConfigError: the given value is not allowed; names where it was given.
    """
    given = node._parameter_overrides.get(option.name)
    if given is not None:
        try:
            value = option.check(list(given.value) if isinstance(option.default, tuple) else given.value)
        except ConfigError as error:
            raise ConfigError(f"{where_given(option.name)}: {error}") from error
        if isinstance(value, float):
            # A file may give 3 for a float; rclpy alone would refuse the integer.
            node._parameter_overrides[option.name] = Parameter(option.name, Parameter.Type.DOUBLE, value)
    if mask is not None:
        return _declare_masked(node, option, default if given is None else value, mask)
    if isinstance(option.default, tuple):
        # ROS cannot infer the type of an empty list.
        values = node.declare_parameter(option.name, list(default) or [""], descriptor_of(option)).value
        return tuple(value for value in values if value)
    return node.declare_parameter(option.name, default, descriptor_of(option)).value


def _declare_masked(node: Node, option: Option, value: Any, mask: Callable[[str], str]) -> Any:
    shown = mask(value) if isinstance(value, str) else [mask(each) for each in value] or [""]
    node.declare_parameter(option.name, shown, descriptor_of(option), ignore_override=True)
    return value if isinstance(value, str) else tuple(each for each in value if each)


def check_names(node: Node) -> None:
    """Refuse given parameters that no node of this package declares; ROS ignores them silently.

    Options of other nodes are accepted, as one file serves all nodes.

    :raises ConfigError: names file, key and what is allowed.
    """
    for name in node._parameter_overrides:
        if not node.has_parameter(name) and not name.startswith(_OF_ROS):
            try:
                option_named(name)
            except ConfigError as error:
                raise ConfigError(f"{where_given(name)}: {error}") from error


def where_given(name: str, arguments: Iterable[str] | None = None) -> str:
    """The parameter file that gives a parameter, or its ``-p`` on the command line.

    :param arguments: the command line; None: this process's.
    """
    arguments = list(sys.argv if arguments is None else arguments)
    files = [value for flag, value in itertools.pairwise(arguments) if flag == "--params-file"]
    for file in reversed(files):
        try:
            tree = read_yaml(file)
        except ConfigError:
            continue  # ROS has read the file or has reported the error
        if name in _names(tree):
            return file
    return f"-p {name}"


def _names(tree: object) -> set[str]:
    """Dotted names of all parameters that a file gives to any node."""
    if not isinstance(tree, dict):
        return set()
    names = set()
    for head, below in tree.items():
        if head == "ros__parameters" and isinstance(below, dict):
            names |= set(flat(below))
        else:
            names |= _names(below)
    return names
