"""Check of serialized messages before rclpy makes objects of them.

A message says how many elements each of its lists has, and the middleware makes room for all of them before it reads
the first: a message of 1 MB that claims a million :class:`~facetrack_ros.msg.GalleryEntry` costs 300 MB, one of 40 MB
the whole memory.
"""

import inspect
import re
import struct
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any

from rclpy.serialization import deserialize_message

from facetrack_ros.errors import InvalidInput, first_line

#: Largest message that is not checked: its lists cost at most 35 MB.
UNCHECKED_BYTES = 64_000
#: Largest message with lists of messages or texts: the faces of a crowd, the robots that a search names.
MOST_BYTES = 1_000_000
#: Likewise of search results, with thumbnails of a thousand matches.
MOST_BYTES_OF_ANSWERS = 16_000_000
_ANSWERS = ("FaceSearchResult",)

_SIZES = {
    "boolean": 1,
    "octet": 1,
    "byte": 1,
    "char": 1,
    "float": 4,
    "double": 8,
    **{f"{sign}int{bits}": bits // 8 for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
_LIST = re.compile(r"sequence<(.+?)(?:, \d+)?>$")
_ARRAY = re.compile(r"(.+)\[(\d+)\]$")

#: Takes bytes, order of bytes and offset, and returns the offset after a value.
_Skip = Callable[[bytes, str, int], int]


def needs_check(kind: type) -> bool:
    """Whether messages of a type have lists of messages or texts, at any depth."""
    for field in kind.get_fields_and_field_types().values():  # type: ignore[attr-defined]  # of generated classes
        match = _LIST.match(field)
        element = match[1] if match else _ARRAY.sub(r"\1", field)
        if (match and element not in _SIZES) or ("/" in element and needs_check(_class_of(element))):
            return True
    return False


def check_size(data: bytes, kind: type, most: int = 0) -> bytes:
    """The message, if its lists can have as many elements as it says.

    :param data: in CDR, as the middleware passes it.
    :param most: largest size; 0: :data:`MOST_BYTES`, or that of answers.
    :raises InvalidInput: they cannot, or it is larger than ``most``.
    """
    most = most or (MOST_BYTES_OF_ANSWERS if kind.__name__ in _ANSWERS else MOST_BYTES)
    if len(data) > most:
        raise InvalidInput(f"it has {len(data)} bytes; at most {most} are allowed", "bytes")
    if len(data) > UNCHECKED_BYTES:
        order = "<" if data[1] & 1 else ">"
        try:
            _skip_message(kind)(data[4:], order, 0)
        except (struct.error, IndexError) as error:
            raise InvalidInput("it is cut short", "bytes") from error
    return data


def deserialized(data: bytes, kind: type, most: int = 0) -> Any:
    """The message of its bytes.

    :param most: as for :func:`check_size`.
    :raises InvalidInput: it claims more than it holds, or cannot be read.
    """
    check_size(data, kind, most)
    try:
        return deserialize_message(data, kind)
    except Exception as error:  # of the middleware: classes without a public base
        raise InvalidInput(f"it cannot be read: {first_line(error)}", "bytes") from error


def size_checked(node: Any, kind: type, callback: Callable[..., None]) -> Callable[[bytes, dict], None]:
    """The callback of a raw subscription that checks each message and passes it on as rclpy would.

    :param node: whose inbox counts what is refused.
    :param callback: takes the message, or the message and its info.
    """
    parameters = inspect.signature(callback).parameters.values()
    with_info = sum(each.default is each.empty and each.kind is not each.VAR_KEYWORD for each in parameters) > 1

    def check(data: bytes, info: dict) -> None:
        try:
            message = deserialized(data, kind)
        except InvalidInput as error:
            node.inbox.refuse(kind.__name__, "", str(error), error.kind)
        else:
            callback(*((message, info) if with_info else (message,)))

    return check


@lru_cache
def _skip_message(kind: type) -> _Skip:
    parts = [_skip_field(field) for field in kind.get_fields_and_field_types().values()]  # type: ignore[attr-defined]

    def skip(data: bytes, order: str, at: int) -> int:
        for part in parts:
            at = part(data, order, at)
        return at

    return skip


def _skip_field(field: str) -> _Skip:
    if match := _LIST.match(field):
        return _skip_list(match[1])
    if match := _ARRAY.match(field):
        return _skip_array(match[1], int(match[2]))
    return _skip_one(field)


def _skip_one(element: str) -> _Skip:
    if element.startswith("string"):
        return _skip_text
    return _skip_array(element, 1) if element in _SIZES else _skip_message(_class_of(element))


def _skip_array(element: str, length: int) -> _Skip:
    if element not in _SIZES:
        one = _skip_one(element)
        return lambda data, order, at: _repeat(one, data, order, at, length)
    size = _SIZES[element]
    return lambda data, order, at: at + -at % size + size * length


def _skip_list(element: str) -> _Skip:
    if element in _SIZES:
        size = _SIZES[element]

        def skip_numbers(data: bytes, order: str, at: int) -> int:
            length, at = _length(data, order, at)
            return at + (-at % size + size * length if length else 0)

        return skip_numbers
    one, least = _skip_one(element), _least_bytes(element)

    def skip(data: bytes, order: str, at: int) -> int:
        length, at = _length(data, order, at)
        if length * least > len(data) - at:
            raise InvalidInput(f"it says that a list has {length} elements, and has no room for them", "count")
        return _repeat(one, data, order, at, length)

    return skip


def _repeat(one: _Skip, data: bytes, order: str, at: int, length: int) -> int:
    for _ in range(length):
        at = one(data, order, at)
    return at


def _skip_text(data: bytes, order: str, at: int) -> int:
    length, at = _length(data, order, at)
    return at + length


def _length(data: bytes, order: str, at: int) -> tuple[int, int]:
    at += -at % 4
    return struct.unpack_from(f"{order}I", data, at)[0], at + 4


@lru_cache
def _least_bytes(element: str) -> int:
    """Least bytes of a value, without those that align it."""
    if match := _ARRAY.match(element):
        return int(match[2]) * _least_bytes(match[1])
    if element in _SIZES:
        return _SIZES[element]
    if element.startswith(("string", "sequence")):
        return 4
    fields = _class_of(element).get_fields_and_field_types().values()  # type: ignore[attr-defined]
    return sum(map(_least_bytes, fields))


def _class_of(name: str) -> Any:
    """The class of a message named ``package/Name`` in the fields of another."""
    package, kind = name.split("/")[0], name.split("/")[-1]
    return getattr(import_module(f"{package}.msg"), kind)
