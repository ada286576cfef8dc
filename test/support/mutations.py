"""Seeded mutations of ROS messages and of bytes, made from a type's own fields."""

import array
import importlib
import os
import random
import re
from typing import Any

#: Mutated messages of a run; ``make hostile`` sends 10,000.
MESSAGES = int(os.environ.get("FACETRACK_HOSTILE_MESSAGES", "1500"))
#: Damaged files of each kind; ``make hostile`` makes 2,000.
FILES = int(os.environ.get("FACETRACK_HOSTILE_FILES", "100"))

_INF = float("inf")
#: Texts that have misled a parser, a path, a terminal or a table before.
TEXTS = (
    "",
    " ",
    "robot1",
    "robot2",
    "robot3",
    "p_robot1_1",
    "p_robot2_1",
    "g_robot1_1",
    "front",
    "door",
    "dlib_resnet_v1",
    "../../outside",
    "/etc/passwd",
    "..",
    ".",
    "a/b",
    "a\\b",
    "C:\\x",
    "~",
    "-rf",
    "%s%n",
    "${HOME}",
    "'; DROP TABLE sightings; --",
    "\x00",
    "a\x00b",
    "\x1b[2J\x1b[31mred",
    "\x07\x08\r\n",
    "two\nlines",
    "\u202eabc",
    "\u2028",
    "\ufeff",
    "e\u0301",
    "ﬀ",
    "Zoë",
    "山田",
    "👩‍🚀",
    "A" * 64,
    "A" * 65,
    "A" * 256,
    "A" * 5000,
    "nan",
    "null",
    "[]",
    "{}",
    "<script>",
    "__proto__",
    "CON",
)
#: Contents that stand in for a whole file.
REPLACEMENTS = (
    b"",
    b"\0" * 4096,
    b"[" * 100_000,
    b'{"a":' * 20_000,
    b"9" * 10_000,
    b"null\n",
    b"\xff\xfe" * 100,
    b"\n" * 9999,
)
_FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e-45, 1e30, -1e30, float("nan"), _INF, -_INF)
_LENGTHS = (0, 1, 2, 3, 5, 127, 128, 129, 512)
#: Elements of the longest array. A message of ten such arrays stays far below what DDS sends.
LONGEST = 20_000
_BOUNDS = {
    "boolean": (0, 1),
    "octet": (0, 255),
    "byte": (0, 255),
    "char": (0, 255),
    **{f"uint{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
    **{f"int{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
}
_SEQUENCE = re.compile(r"sequence<(.+?)(?:, (\d+))?>$")
_ARRAY = re.compile(r"(.+)\[(\d+)\]$")


class Mutator:
    """Makes messages and changes them; the same seed gives the same messages.

    :param texts: names of this fleet, which get further than random ones.
    """

    def __init__(self, seed: int, texts: tuple[str, ...] = ()):
        self.chance = random.Random(seed)
        self._texts = (*TEXTS, *texts * 4)

    def message(self, kind: type, depth: int = 0) -> Any:
        """A message of a type, every field by chance."""
        made = kind()
        for name, field_type in kind.get_fields_and_field_types().items():
            setattr(made, name, self.value(field_type, getattr(made, name), depth))
        return made

    def changed(self, message: Any, most: int = 3) -> Any:
        """The message itself with one to ``most`` of its fields changed, at any depth."""
        for _ in range(self.chance.randint(1, most)):
            self._change(message, 0)
        return message

    def value(self, field_type: str, now: Any, depth: int = 0) -> Any:
        """A value of a field's type.

        :param now: the field's value, of its class.
        """
        if match := _SEQUENCE.match(field_type):
            longest = int(match[2]) if match[2] else LONGEST
            return self._sequence(match[1], min(self._length(), longest), depth)
        if match := _ARRAY.match(field_type):
            return self._array(match[1], int(match[2]), now, depth)
        if field_type.startswith(("string", "wstring")):
            return self.text()
        if field_type in ("float", "double"):
            return self.number()
        if field_type in _BOUNDS:
            return self._whole(field_type)
        return self.message(type(now), depth + 1)

    def text(self) -> str:
        """A text that ROS can send."""
        if self.chance.random() < 0.8:
            return self.chance.choice(self._texts)
        letters = "".join(
            chr(self.chance.choice((self.chance.randrange(256), self.chance.randrange(0xD800))))
            for _ in range(self.chance.randrange(40))
        )
        return letters

    def number(self) -> float:
        """A number of single precision."""
        return self.chance.choice(_FLOATS) if self.chance.random() < 0.7 else self.chance.uniform(-2.0, 2.0)

    def damaged(self, data: bytes) -> bytes:
        """Bytes cut short, grown, or with bits, lengths and stretches changed; or none, or brackets without end."""
        if self.chance.random() < 0.05:
            return self.chance.choice(REPLACEMENTS)
        changed = bytearray(data)
        for _ in range(self.chance.randint(1, 4)):
            self._damage(changed)
        return bytes(changed)

    def _damage(self, data: bytearray) -> None:
        at = self.chance.randrange(len(data) + 1)
        kind = self.chance.randrange(6)
        if kind == 0:
            del data[at:]
        elif kind == 1:
            data[at:at] = self.chance.randbytes(self.chance.choice((1, 4, 100)))
        elif kind == 2 and data:
            data[at % len(data)] ^= 1 << self.chance.randrange(8)
        elif kind == 3:
            data[at : at + 4] = self.chance.choice(
                (b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\0\0\0\x80")
            )
        elif kind == 4:
            del data[at : at + self.chance.choice((1, 3, 50))]
        else:
            data[at : at + 16] = self.chance.randbytes(16)

    def _change(self, message: Any, depth: int) -> None:
        fields = list(message.get_fields_and_field_types().items())
        if not fields:
            return
        name, field_type = self.chance.choice(fields)
        now = getattr(message, name)
        inner = now[0] if isinstance(now, list) and now and hasattr(now[0], "get_fields_and_field_types") else now
        if hasattr(inner, "get_fields_and_field_types") and depth < 3 and self.chance.random() < 0.8:
            self._change(inner, depth + 1)
        else:
            setattr(message, name, self.value(field_type, now, depth))

    def _whole(self, kind: str) -> Any:
        low, high = _BOUNDS[kind]
        value = self.chance.choice((low, high, 0, 1, high // 2, self.chance.randint(low, high)))
        if kind == "boolean":
            return bool(value)
        return bytes([value]) if kind in ("octet", "byte") else value

    def _length(self) -> int:
        return LONGEST if self.chance.random() < 0.02 else self.chance.choice(_LENGTHS)

    def _sequence(self, element: str, length: int, depth: int) -> Any:
        if element in ("float", "double"):
            code = "f" if element == "float" else "d"
            same = self.number() if self.chance.random() < 0.5 else None
            return array.array(code, (self.number() if same is None else same for _ in range(length)))
        if element in _BOUNDS and element not in ("boolean", "octet", "byte"):
            return [self._whole(element) for _ in range(length)]
        if element in _BOUNDS or element.startswith(("string", "wstring")):
            return [self.value(element, None) for _ in range(min(length, 300))]
        kind = _message_type(element)
        return [self.message(kind, depth + 1) for _ in range(min(length, 3 if depth else 12))]

    def _array(self, element: str, length: int, now: Any, depth: int) -> Any:
        return [self.value(element, now[0] if len(now) else None, depth) for _ in range(length)]


def _message_type(name: str) -> type:
    """The class of a message named as in another's fields: ``package/Name``."""
    package, kind = name.split("/")[0], name.split("/")[-1]
    return getattr(importlib.import_module(f"{package}.msg"), kind)
