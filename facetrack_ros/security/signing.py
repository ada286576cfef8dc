"""Signed messages: the bytes that are signed, signatures, and the guard against messages sent again.

**The bytes.** A message is a kind and named fields. Its canonical bytes are ``facetrack signed 1``, a line feed, the
kind, then each field by the order of its name's UTF-8 bytes: its name, then its value. Every text, number and list is
preceded by a letter for its type and its length, eight bytes, most significant first, so no two messages share their
bytes. Fields that are empty, zero or false are left out, also inside of lists of messages: a message signed by an
earlier version, which had fewer fields, stays valid.

=========  ====  ==============================================================
value      type  what follows the length
=========  ====  ==============================================================
text       s     UTF-8
bytes      b     as they are
number     i     decimal digits in ASCII, with a minus where negative; ``true`` is 1
number     f     eight bytes, IEEE 754 double, most significant first
list       l     each element; the length is the number of elements
message    m     name and value of each field by name; the length is their number
=========  ====  ==============================================================
"""

import struct
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from facetrack_ros.errors import InvalidInput
from facetrack_ros.security.keys import Identity, PublicKeys

#: Bytes of the number that makes a message unique.
NONCE_BYTES = 16
#: How old a request may be, and how far clocks may differ, seconds. Chosen by hand: robots on NTP agree within a tenth
#: of a second; a minute lets in a machine whose clock was set once.
WINDOW_S = 60
WINDOW_NS = WINDOW_S * 10**9
#: Messages remembered of each signer; at most, so many of one signer are admitted in twice the window. Ten times what a
#: robot sends that asks for lists all the time.
MOST_REMEMBERED = 20_000

_HEAD = b"facetrack signed 1\n"
_MOST_SIGNERS = 1000


def canonical(kind: str, fields: Mapping[str, Any]) -> bytes:
    """The bytes of a message that are signed; see the module.

    :param kind: of the message, so that the signature of one kind is none of another.
    :param fields: by name: texts, bytes, numbers, booleans, and lists and mappings of them; None is left out.
    :raises TypeError: a value of another type.
    """
    parts = [_HEAD]
    _add(parts, kind)
    _add_fields(parts, fields)
    return b"".join(parts)


def sign(identity: Identity, kind: str, fields: Mapping[str, Any]) -> bytes:
    """The signature of a message, 64 bytes."""
    return identity.sign(canonical(kind, fields))


def verify(keys: PublicKeys, kind: str, fields: Mapping[str, Any], signature: bytes) -> bool:
    """Whether the owner of the keys signed a message."""
    return keys.verify(signature, canonical(kind, fields))


def _add(parts: list[bytes], value: Any) -> None:
    if isinstance(value, str):
        _add_bytes(parts, b"s", value.encode("utf-8", "surrogatepass"))
    elif isinstance(value, (bytes, bytearray, memoryview)):
        _add_bytes(parts, b"b", bytes(value))
    elif isinstance(value, int):
        _add_bytes(parts, b"i", str(int(value)).encode())
    elif isinstance(value, float):
        _add_bytes(parts, b"f", struct.pack(">d", value))
    elif isinstance(value, Mapping):
        parts.append(b"m")
        _add_fields(parts, value)
    elif isinstance(value, Sequence):
        parts.append(b"l" + struct.pack(">Q", len(value)))
        for each in value:
            _add(parts, each)
    else:
        raise TypeError(f"a {type(value).__name__} cannot be signed")


def _add_fields(parts: list[bytes], fields: Mapping[str, Any]) -> None:
    named = sorted((name.encode(), value) for name, value in fields.items() if not _is_default(value))
    parts.append(struct.pack(">Q", len(named)))
    for name, value in named:
        _add_bytes(parts, b"s", name)
        _add(parts, value)


def _is_default(value: Any) -> bool:
    """Whether a value says nothing: None, zero, false, empty, or a message of nothing else."""
    if isinstance(value, Mapping):
        return all(map(_is_default, value.values()))
    return (
        value is None or (isinstance(value, (int, float)) and value == 0) or (hasattr(value, "__len__") and not value)
    )


def _add_bytes(parts: list[bytes], letter: bytes, data: bytes) -> None:
    parts += (letter + struct.pack(">Q", len(data)), data)


@dataclass
class _Seen:
    """What one signer sent: nonces with the time they are forgotten, and the last of issue among those forgotten."""

    nonces: set[bytes] = field(default_factory=set)
    order: deque[tuple[int, int, bytes]] = field(default_factory=deque)
    floor_ns: int = 0


class ReplayGuard:
    """Admits each signed message once, and only within a time window. Thread-safe; its memory is bounded.

    Ask it only about messages whose signature holds: a stranger then cannot fill it. Refused are messages older than
    the window or of the future, those whose nonce was admitted before, and those of a signer that sends more than can
    be remembered: what cannot be checked is not admitted.

    :param window_ns: how old a message may be, and how far ahead its sender's clock.
    :param most: messages remembered of each signer.
    :param floor_ns: messages signed before are refused.
    """

    def __init__(self, window_ns: int = WINDOW_NS, most: int = MOST_REMEMBERED, floor_ns: int = 0):
        self._window_ns, self._most, self._floor_ns = window_ns, most, floor_ns
        self._seen: dict[str, _Seen] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Number of messages remembered."""
        with self._lock:
            return sum(len(seen.order) for seen in self._seen.values())

    def admit(self, signer: str, nonce: bytes, issued_ns: int, now_ns: int) -> None:
        """Admit a message.

        :param signer: whose signature was checked.
        :param issued_ns: when it was signed, by the signer's clock.
        :param now_ns: by this machine's clock.
        :raises InvalidInput: the message is refused; says why.
        """
        if len(nonce) != NONCE_BYTES or not any(nonce):
            raise InvalidInput("it has no number of its own", "nonce")
        check_window(issued_ns, now_ns, self._window_ns)
        with self._lock:
            seen = self._seen.get(signer)
            if seen is None:
                if len(self._seen) >= _MOST_SIGNERS:
                    raise InvalidInput("too many signers", "rate")
                seen = self._seen[signer] = _Seen(floor_ns=self._floor_ns)
            self._forget(seen, now_ns)
            if nonce in seen.nonces or issued_ns <= seen.floor_ns:
                raise InvalidInput("it was sent before", "replay")
            if len(seen.order) >= self._most:
                raise InvalidInput(f"{signer} signs more than can be checked for repeats", "rate")
            seen.nonces.add(nonce)
            seen.order.append((now_ns + 2 * self._window_ns, issued_ns, nonce))

    @staticmethod
    def _forget(seen: _Seen, now_ns: int) -> None:
        while seen.order and seen.order[0][0] < now_ns:
            _, issued_ns, nonce = seen.order.popleft()
            seen.nonces.discard(nonce)
            # Should the clock be set back, what is forgotten would be within the window again.
            seen.floor_ns = max(seen.floor_ns, issued_ns)


def check_window(issued_ns: int, now_ns: int, window_ns: int = WINDOW_NS) -> None:
    """Check when a message was signed.

    :raises InvalidInput: longer ago than the window, or in the future.
    """
    age_s = (now_ns - issued_ns) / 1e9
    if age_s > window_ns / 1e9:
        raise InvalidInput(f"it was signed {age_s:.0f} s ago; clocks must agree within {window_ns / 1e9:.0f} s", "old")
    if age_s < -window_ns / 1e9:
        raise InvalidInput(
            f"it was signed {-age_s:.0f} s ahead of this clock; clocks must agree within {window_ns / 1e9:.0f} s", "old"
        )
