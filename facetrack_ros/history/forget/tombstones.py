"""What a robot has forgotten, by ids and salted hashes, so that it goes again wherever it comes back from."""

import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from facetrack_ros.core import validation
from facetrack_ros.core.line_file import append_lines, read_lines
from facetrack_ros.errors import InvalidInput, store_errors
from facetrack_ros.history.forget.order import ForgetOrder
from facetrack_ros.history.forget.salted_hashes import MOST_HASHES, salted_hash

NAME = "forgotten.jsonl"
_MOST_IDS = 10_000
_HEX = frozenset("0123456789abcdef")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tombstone:
    """One thing that was forgotten. It holds no name and no face.

    :param order_id: of the order, the same on every robot.
    :param person_ids: ids of the person, which are never given again.
    :param entry_ids: gallery entries of the person.
    :param start_ns: and ``end_ns``: of a stretch of time that was forgotten.
    :param salt: of ``hashes``, hexadecimal; see :mod:`.salted_hashes`.
    :param stamp_ns: when; a face that is enrolled again later stays.
    """

    order_id: str
    person_ids: tuple[str, ...] = ()
    entry_ids: tuple[str, ...] = ()
    start_ns: int | None = None
    end_ns: int | None = None
    salt: str = ""
    hashes: tuple[str, ...] = ()
    stamp_ns: int = 0

    @classmethod
    def of(cls, order: ForgetOrder) -> "Tombstone":
        """That of an order."""
        span = order.start_ns, order.end_ns
        return cls(order.order_id, order.person_ids, order.entry_ids, *span, order.salt, order.hashes, order.stamp_ns)

    def order(self, robot_id: str, now_ns: int) -> ForgetOrder:
        """The order to forget again what has come back."""
        span = self.start_ns, self.end_ns
        reason = f"it came back after it was forgotten ({self.order_id})"
        return ForgetOrder(
            self.order_id, robot_id, self.person_ids, (), (), self.entry_ids, {}, *span, False, "", reason, now_ns
        )


class Tombstones:
    """``forgotten.jsonl`` in a robot's folder, and a copy of it beside the folder, ``forgotten-ROBOT.jsonl``: a robot's
    folder that is restored from a backup has an old one, or none. Both are read.

    Thread-safe as far as its files are; :meth:`read` reads them again where they have changed.

    :param folder: the robot's folder.
    """

    def __init__(self, folder: Path) -> None:
        self.paths = folder / NAME, folder.parent / f"forgotten-{folder.name}.jsonl"
        self._seen: tuple[Any, ...] = ()
        self._known: dict[str, Tombstone] = {}
        self._person_ids: frozenset[str] = frozenset()
        self._entry_ids: frozenset[str] = frozenset()

    def add(self, tombstone: Tombstone) -> None:
        """Keep one, in both files; one that is known is kept once.

        :raises StoreError: neither file can be written, or that of the folder cannot.
        """
        line = json.dumps(asdict(tombstone)).encode() + b"\n"
        for path in self.paths:
            if tombstone not in _read(path):
                with store_errors(f"cannot keep what is forgotten in {path}", "make room or check the permissions"):
                    append_lines(path, line)

    def read(self) -> tuple[Tombstone, ...]:
        """All of both files, the oldest first; damaged lines are logged and left out.

        :raises StoreError: a file cannot be read.
        """
        state = tuple((_mtime_and_size(path)) for path in self.paths)
        if state != self._seen:
            known: dict[Tombstone, None] = {}
            for path in self.paths:
                known.update(dict.fromkeys(_read(path)))
            self._known = {f"{number}": each for number, each in enumerate(known)}
            self._person_ids = frozenset(person for each in known for person in each.person_ids)
            self._entry_ids = frozenset(entry for each in known for entry in each.entry_ids)
            self._seen = state
        return tuple(sorted(self._known.values(), key=lambda each: each.stamp_ns))

    @property
    def person_ids(self) -> frozenset[str]:
        """Every person id that was forgotten, as of the last :meth:`read`."""
        return self._person_ids

    @property
    def entry_ids(self) -> frozenset[str]:
        """Every gallery entry that was forgotten, as of the last :meth:`read`."""
        return self._entry_ids

    def forgot_person(self, *person_ids: str) -> bool:
        """Whether one of some ids was forgotten.

        :raises StoreError: a file cannot be read.
        """
        self.read()
        return not self._person_ids.isdisjoint(person_ids)

    def forgot_entry(self, entry_id: str, model_id: str, embedding: np.ndarray, stamp_ns: int) -> bool:
        """Whether a gallery entry was forgotten: by its id, or by its face where it was made before.

        :raises StoreError: a file cannot be read.
        """
        found = self.read()
        return entry_id in self._entry_ids or any(
            stamp_ns <= each.stamp_ns for each in having_face(found, model_id, embedding)
        )


def having_face(tombstones: Iterable[Tombstone], model_id: str, embedding: np.ndarray) -> list[Tombstone]:
    """The tombstones of exactly this embedding."""
    hashes: dict[str, str] = {}
    found = []
    for each in tombstones:
        if each.hashes:
            if each.salt not in hashes:
                hashes[each.salt] = salted_hash(each.salt, model_id, embedding)
            if hashes[each.salt] in each.hashes:
                found.append(each)
    return found


def _mtime_and_size(path: Path) -> tuple[int, int] | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size


def _read(path: Path) -> list[Tombstone]:
    with store_errors(f"cannot read {path}", "check its permissions"):
        lines = read_lines(path)
    found = []
    for line in lines:
        try:
            found.append(checked_tombstone(json.loads(line)))
        except (ValueError, RecursionError):
            logger.warning("a line of %s is damaged and left out: what it says may come back", path)
    return found


def checked_tombstone(values: Any) -> Tombstone:
    """The tombstone of a JSON object.

    :raises InvalidInput: it is none.
    """
    try:
        named: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        found = Tombstone(**named)
    except (TypeError, AttributeError) as error:
        raise InvalidInput("no tombstone", "field") from error
    validation.token(found.order_id, "the order of a tombstone")
    for ids, what in ((found.person_ids, "a person id"), (found.entry_ids, "an entry id")):
        for each in validation.at_most(ids, "ids of a tombstone", _MOST_IDS):
            validation.identifier(each, what)
    _check_hashes(found)
    validation.stamp(found.stamp_ns, "the stamp of a tombstone")
    if (found.start_ns is None) != (found.end_ns is None):
        raise InvalidInput("the stretch of time of a tombstone has one end", "stamp")
    for stamp in (found.start_ns, found.end_ns):
        if stamp is not None:
            validation.stamp(stamp, "the stretch of time of a tombstone")
    return found


def _check_hashes(found: Tombstone) -> None:
    texts = [*validation.at_most(found.hashes, "hashes", MOST_HASHES)]
    lengths = [(each, (64,)) for each in texts] + [(found.salt, (32,) if texts else (0, 32))]
    for text, allowed in lengths:
        if not isinstance(text, str) or len(text) not in allowed or set(text) - _HEX:
            raise InvalidInput("no salt or hash of a tombstone", "hash")
