"""Checks of values from outside: messages, requests, files. Each returns the checked value or raises InvalidInput.

``what`` names the value in the sentence of the error ("the person id of a template").
"""

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from facetrack_ros.core.names import nfc
from facetrack_ros.core.printable import LONGEST_TEXT, escaped, printable
from facetrack_ros.core.vectors import WIRE_TOLERANCE, is_unit
from facetrack_ros.errors import InvalidInput

#: Longest name of a robot, a camera, a person, a model, a search, in characters.
LONGEST_NAME = 64
#: Longest id made here: two names, a number of 20 digits and separators (``t_robot1_front_12``).
LONGEST_ID = 160
#: Largest dimension of an embedding of a model that is not known here.
MOST_DIMENSIONS = 4096
#: First stamp that no ROS time holds: its seconds are 32 bits with a sign.
END_OF_TIME_NS = 2**31 * 1_000_000_000

_ROS_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_TOKEN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]*")
_MODEL = re.compile(r"[^\s/\\=:]+")
# Joiners within words of Persian, Hindi and other scripts; they have no shape of their own.
_JOINERS = "\u200c\u200d"


def ros_name(text: str, what: str) -> str:
    """A robot's or camera's name, which becomes part of ROS names: letters, digits and underscores, a letter first.

    :raises InvalidInput: it is none, or longer than :data:`LONGEST_NAME`.
    """
    if not isinstance(text, str) or len(text) > LONGEST_NAME or not _ROS_NAME.fullmatch(text):
        raise InvalidInput(
            f"{what} {_shown(text)} is not valid: a name is at most {LONGEST_NAME} letters, digits and underscores, a "
            "letter first",
            "name",
        )
    return text


def identifier(text: str, what: str, empty: bool = False) -> str:
    """An id: letters, digits, ``_``, ``.`` and ``-``, a letter or underscore first.

    :param empty: whether it may be empty.
    :raises InvalidInput: it is none, or longer than :data:`LONGEST_ID`.
    """
    return _matching(_ID, text, what, LONGEST_ID, empty, "id")


def token(text: str, what: str, empty: bool = False) -> str:
    """An id of a search, a query or a process: letters, digits, ``_``, ``.``, ``:`` and ``-``.

    :raises InvalidInput: it is none, or longer than :data:`LONGEST_ID`.
    """
    return _matching(_TOKEN, text, what, LONGEST_ID, empty, "id")


def model_name(text: str, what: str, empty: bool = False) -> str:
    """A model's id, as contracts allow it: printable, without blanks, slashes, colons and equals signs.

    :raises InvalidInput: it is none, or longer than :data:`LONGEST_ID`.
    """
    if isinstance(text, str) and not text.isprintable():
        raise InvalidInput(f"{what} {_shown(text)} has unprintable characters", "id")
    return _matching(_MODEL, text, what, LONGEST_ID, empty, "id")


def person_name(text: str, what: str, empty: bool = False) -> str:
    """A person's name in NFC: printable, without blanks at its ends, letters of any script.

    :raises InvalidInput: it is none, or longer than :data:`LONGEST_NAME`.
    """
    if empty and text == "":
        return text
    name = nfc(text) if isinstance(text, str) and len(text) <= 4 * LONGEST_NAME else ""
    inner = name.translate(dict.fromkeys(map(ord, _JOINERS)))
    if not inner or name[0] in _JOINERS or name[-1] in _JOINERS or name != name.strip() or not inner.isprintable():
        raise InvalidInput(
            f"{what} {_shown(text)} is not valid: give a name of printable characters without blanks at its ends",
            "name",
        )
    if len(name) > LONGEST_NAME:
        raise InvalidInput(f"{what} has {len(name)} characters; give at most {LONGEST_NAME}", "name")
    return name


def plain_text(text: str, what: str, longest: int = LONGEST_TEXT, empty: bool = True) -> str:
    """Free text of a request, printable and bounded.

    :raises InvalidInput: it has control characters, or is longer, or is empty and must not be.
    """
    if not isinstance(text, str) or len(text) > longest:
        raise InvalidInput(f"{what} has more than {longest} characters", "text")
    if escaped(text) != text:
        raise InvalidInput(f"{what} {_shown(text)} has unprintable characters", "text")
    if not text and not empty:
        raise InvalidInput(f"{what} is empty", "text")
    return text


def number(value: Any, what: str, low: float, high: float, nan: bool = False) -> float:
    """A finite number from ``low`` to ``high``, both included.

    :param nan: whether NaN, for an unknown value, is allowed too.
    :raises InvalidInput: it is none.
    """
    try:
        checked = float(value)
    except (TypeError, ValueError, OverflowError):
        checked = math.inf
    if nan and math.isnan(checked):
        return checked
    if not low <= checked <= high:  # NaN too
        raise InvalidInput(f"{what} is {_shown(value)}, and not a number from {low:g} to {high:g}", "number")
    return checked


def numbers(values: Any, what: str, shape: tuple[int, ...], low: float, high: float, nan: bool = False) -> np.ndarray:
    """Finite numbers from ``low`` to ``high`` as float32 of that shape.

    :param nan: whether NaN is allowed too.
    :raises InvalidInput: there are more or fewer, or one is out of range.
    """
    array = np.asarray(values, np.float32)
    if array.size != math.prod(shape):
        raise InvalidInput(f"{what} has {array.size} numbers instead of {math.prod(shape)}", "number")
    least, most = (np.fmin, np.fmax) if nan else (np.minimum, np.maximum)
    # A NaN is neither, so it is refused unless it is allowed: then it counts only where all are.
    if array.size and not (low <= least.reduce(array, None) and most.reduce(array, None) <= high):
        if nan and np.isnan(array).all():
            return array.reshape(shape)
        raise InvalidInput(f"{what} has a number that is not from {low:g} to {high:g}", "number")
    return array.reshape(shape)


def count(value: Any, what: str, most: int, least: int = 0) -> int:
    """A whole number from ``least`` to ``most``.

    :raises InvalidInput: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value <= most:
        raise InvalidInput(f"{what} is {_shown(value)}, and not a whole number from {least} to {most}", "count")
    return int(value)


def at_most(items: Sequence[Any], what: str, most: int) -> Sequence[Any]:
    """A list of at most so many items.

    :raises InvalidInput: there are more.
    """
    if len(items) > most:
        raise InvalidInput(f"there are {len(items)} {what}; at most {most} are allowed", "count")
    return items


def content(data: Any, what: str, most_bytes: int) -> bytes:
    """Bytes of a bounded length.

    :raises InvalidInput: there are more.
    """
    if len(data) > most_bytes:
        raise InvalidInput(f"{what} has {len(data)} bytes; at most {most_bytes} are allowed", "bytes")
    return bytes(data)


def stamp(value_ns: int, what: str, zero: bool = True) -> int:
    """A stamp, nanoseconds since the epoch, that a ROS time holds.

    :param zero: whether 0, for an unknown stamp, is allowed.
    :raises InvalidInput: it is before 1970 or after 2038.
    """
    if not (0 if zero else 1) <= value_ns < END_OF_TIME_NS:
        raise InvalidInput(f"{what} is {value_ns / 1e9:g} s, and no time from 1970 to 2038", "time")
    return int(value_ns)


def span(value_ns: int, what: str, longest_ns: int = END_OF_TIME_NS - 1) -> int:
    """A length of time in nanoseconds, not negative.

    :raises InvalidInput: it is negative, or longer than ``longest_ns``.
    """
    if not 0 <= value_ns <= longest_ns:
        raise InvalidInput(f"{what} is {value_ns / 1e9:g} s, and not from 0 to {longest_ns / 1e9:g} s", "time")
    return int(value_ns)


def embedding(values: Any, what: str, dimension: int | None = None) -> np.ndarray:
    """A unit vector as float32, ``(dimension,)``.

    :param dimension: of the model; None: any up to :data:`MOST_DIMENSIONS`.
    :raises InvalidInput: it has another length, or its length as a vector is not 1.
    """
    vector = np.array(values, np.float32)
    if vector.ndim != 1 or not 0 < vector.size <= MOST_DIMENSIONS or dimension not in (None, vector.size):
        wanted = f"1 to {MOST_DIMENSIONS}" if dimension is None else str(dimension)
        raise InvalidInput(f"{what} has {vector.size} numbers instead of {wanted}", "embedding")
    if not is_unit(vector):
        raise InvalidInput(f"{what} is no finite unit vector", "embedding")
    return vector


def embeddings(values: Any, what: str, dimension: int, most: int, least: int = 0) -> np.ndarray:
    """Unit vectors as float32, ``(n, dimension)``.

    :param values: the rows one after the other.
    :param most: largest ``n``; ``least``: the lowest.
    :raises InvalidInput: they are no rows of that dimension, too many or too few, or one is no unit vector.
    """
    if not 0 < dimension <= MOST_DIMENSIONS:
        raise InvalidInput(f"{what} has {dimension} numbers; an embedding has 1 to {MOST_DIMENSIONS}", "embedding")
    if len(values) % dimension or not least * dimension <= len(values) <= most * dimension:
        raise InvalidInput(
            f"{what} has {len(values)} numbers, which are no {least} to {most} rows of {dimension}", "embedding"
        )
    rows = np.array(values, np.float32).reshape(-1, dimension)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows, dtype=np.float64))
    if not (np.abs(lengths - 1) < WIRE_TOLERANCE).all():  # NaN too
        raise InvalidInput(f"{what} is no finite unit vector", "embedding")
    return rows


def names(texts: Iterable[str], what: str, most: int) -> tuple[str, ...]:
    """Names of robots or cameras that a request lists, each as :func:`ros_name`.

    :raises InvalidInput: there are more than ``most``, or one is no name.
    """
    return tuple(ros_name(each, f"one of the {what},") for each in at_most(list(texts), what, most))


def _matching(pattern: re.Pattern, text: str, what: str, longest: int, empty: bool, kind: str) -> str:
    if empty and text == "":
        return text
    if not isinstance(text, str) or len(text) > longest or not pattern.fullmatch(text):
        raise InvalidInput(
            f"{what} {_shown(text)} is not valid: an id is at most {longest} letters, digits and _ . - without blanks",
            kind,
        )
    return text


def _shown(value: object) -> str:
    """A value of others within a sentence: printable and short."""
    said = "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in printable(value, 60))
    return f"'{said}'" if isinstance(value, str) else said
