"""A robot's search result, read from its CDR bytes by rosbags.

A requester that searches fifty robots reads a thousand matches while it waits. The 20 matches of a robot take 0.4 ms
this way, and 0.9 ms if rclpy makes messages of them first (benchmarks/cdr.py).
"""

import struct
from functools import lru_cache
from importlib import import_module
from typing import Any

from facetrack_ros.core import validation
from facetrack_ros.nodes.conversion.fields import MOST_MATCHES
from facetrack_ros.nodes.conversion.search import match_from_message, robot_response_from_message
from facetrack_ros.search.response import Match, RobotResponse

_RESULT = "facetrack_ros/msg/FaceSearchResult"
#: Primitive types that rclpy and ROS message definitions call differently.
_PRIMITIVES = {"boolean": "bool", "float": "float32", "double": "float64", "octet": "byte"}


def search_of(data: bytes) -> str:
    """The search that a serialized ``FaceSearchResult`` responds to: its first field, read without the rest.

    :raises ValueError: the message is damaged, or not little-endian.
    """
    size = struct.unpack_from("<I", data, 4)[0] if len(data) >= 8 else 0
    if data[:2] != b"\0\1" or not 0 < size <= len(data) - 8:
        raise ValueError("not in little-endian CDR, or cut short")
    return data[8 : 7 + size].decode()


def read_result(data: bytes) -> tuple[RobotResponse, tuple[Match, ...]]:
    """The robot's response and its matches.

    :param data: a serialized ``FaceSearchResult``.
    :raises ValueError: the message is damaged.
    """
    try:
        message = _typestore().deserialize_cdr(data, _RESULT)
    except Exception as error:  # rosbags lets struct, assertion and decoding errors through
        raise ValueError(f"not a search result: {error}") from error
    validation.at_most(message.matches, "matches", MOST_MATCHES)
    return robot_response_from_message(message.robot), tuple(map(match_from_message, message.matches))


@lru_cache(maxsize=1)
def _typestore() -> Any:
    """The rosbags typestore of the search result, from the fields of the generated classes."""
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.EMPTY)
    _register(store, "facetrack_ros/FaceSearchResult")
    return store


def _register(store: Any, name: str) -> None:
    from rosbags.typesys import get_types_from_msg

    package, _, message = name.partition("/")
    lines = []
    for field, type in getattr(import_module(f"{package}.msg"), message).get_fields_and_field_types().items():
        if type.startswith("sequence<"):
            item, size = type[len("sequence<") : -1], "[]"
        else:
            item, bracket, rest = type.partition("[")
            size = bracket + rest
        if "/" in item and item.replace("/", "/msg/") not in store.types:
            _register(store, item)
        lines.append(f"{_PRIMITIVES.get(item, item)}{size} {field}")
    store.register(get_types_from_msg("\n".join(lines), f"{package}/msg/{message}"))
