"""Field values of messages: arrays that rclpy assigns without a check of each element, and fields of equal name."""

import array
from collections.abc import Iterable
from typing import Any

import numpy as np


def float_array(values: np.ndarray | Iterable[float]) -> array.array:
    """Numbers for a ``float32[]`` field."""
    return array.array("f", np.ascontiguousarray(values, np.float32).tobytes())


def byte_array(data: bytes) -> array.array:
    """Bytes for a ``uint8[]`` field."""
    return array.array("B", data)


def pick(source: object, names: Iterable[str]) -> dict[str, Any]:
    """Attributes by name, for a message or value that calls them the same."""
    return {name: getattr(source, name) for name in names}
