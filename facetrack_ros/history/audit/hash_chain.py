"""Append-only records in which each holds the hash of the one before: what is changed, cut out or swapped is found."""

import fcntl
import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facetrack_ros.bounded_file import read_bounded
from facetrack_ros.core.line_file import MAX_BYTES, read_log_file, truncate_partial_line, write_all_or_nothing
from facetrack_ros.core.sealed_files.sealed_lines import to_append
from facetrack_ros.core.utc import moment
from facetrack_ros.errors import StoreError, store_errors
from facetrack_ros.history.disk_room import DiskRoom

#: Kinds of the records that the chain appends itself: what a killed process left was cut off or is missing, and days
#: that were deleted for their age.
RECOVERED, DELETED = "recovered", "days_deleted"
#: Most bytes of one file, chosen by hand: 26,000 searches with 20 matches each. The day goes on in a further one.
MOST_OF_A_FILE = 100_000_000
#: Longest line, chosen by hand.
LONGEST_LINE = 65_536
_MOST_FILES_A_DAY = 9_999
_NAME = re.compile(r"[a-z][a-z_]*")
_DAY_NS = 86_400 * 10**9
_MOST_HEAD, _HEAD_LENGTH = 1000, 200
_HASH_PART = re.compile(rb',"hash":"([0-9a-f]{64})"}')
_HASH_PART_LENGTH = 75
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ChainHead:
    """The newest record of a chain.

    :param number: of the record, from 1; 0: the chain is empty.
    :param hash: its SHA-256, 64 hexadecimal digits; of an empty chain, the value that its first record builds on.
    """

    number: int
    hash: str


class HashChain:
    """Records of one robot, a file a day: ``NAME-2026-11-23.jsonl``, and where that is full
    ``NAME-2026-11-23_0002.jsonl`` and so on. Several processes may append to one chain.

    Each line is a JSON object with sorted keys, without spaces, in ASCII, then its hash::

        {"kind":"stop","n":7,"prev":"5e1f…","timestamp":1795392000.25,"hash":"90ab…"}

    ``n`` counts from 1, ``prev`` is the hash of the record before, ``hash`` is the SHA-256 of the line's object without
    ``hash``. The first record builds on the SHA-256 of ``NAME:OWNER``. ``NAME-head.json`` holds the newest record's
    number and hash, so that records cut off at the end are missed. :mod:`.verification` checks all this.

    A line that a killed process left incomplete is cut off at the next append, which a record of kind ``recovered``
    tells, as it does where the head knows records that the files do not have.

    Days follow the clock, and never go back: where it was set back, records go on in the newest day's file.

    :param folder: of the files, which must exist; they are readable by their owner only.
    :param name: of the chain: lower-case letters and underscores.
    :param owner: whose records these are, such as the robot.
    :param room: the space that stays free; None: none.
    """

    def __init__(self, folder: Path | str, name: str, owner: str, room: DiskRoom | None = None) -> None:
        if not _NAME.fullmatch(name):
            raise StoreError(f"{name!r} cannot name a chain of records: lower-case letters and _ are allowed")
        self.folder, self.name, self.owner = Path(folder), name, owner
        self.empty_head = ChainHead(0, hashlib.sha256(f"{name}:{owner}".encode()).hexdigest())
        self.head_path = self.folder / f"{name}-head.json"
        self._room = room or DiskRoom()
        # Paths as texts: an append takes a third longer with path objects.
        self._folder, self._head = str(self.folder), str(self.head_path)

    def append(self, kind: str, fields: Mapping[str, Any], now_ns: int) -> ChainHead:
        """Append a record. It is not synced to the medium.

        :param fields: JSON values besides ``n``, ``prev``, ``hash``, ``kind`` and ``timestamp``.
        :param now_ns: the time, which names the day and gives ``timestamp``, in seconds.
        :returns: the new head.
        :raises StoreError: the record is too large or cannot be written.
        """
        with self._errors("write"), self._locked() as head_file:
            return self._append(head_file, kind, fields, now_ns)

    def head(self) -> ChainHead:
        """The newest record, as far as the head file or the files tell.

        :raises StoreError: they cannot be read.
        """
        with self._errors("read"):
            if not self.head_path.exists() and not self.files():
                return self.empty_head
            stored = None
            with suppress(ValueError):
                stored = self.stored_head()
            return self._newest(stored)[0]

    def stored_head(self) -> tuple[ChainHead, str, int] | None:
        """What the head file says: newest record, its file, and that file's size behind it; None: there is none.

        :raises ValueError: it is damaged.
        :raises OSError: it cannot be read.
        """
        if not os.path.lexists(self.head_path):
            return None
        with self._locked(os.O_RDONLY, fcntl.LOCK_SH) as file:
            return _parse_head(os.pread(file, _MOST_HEAD + 1, 0))

    def files(self) -> list[Path]:
        """The files, in the order of their records; names sort like this too."""
        day = re.compile(re.escape(self.name) + r"-\d{4,}-\d\d-\d\d(_\d{4})?\.jsonl")
        return sorted(path for path in self.folder.glob(f"{self.name}-*.jsonl") if day.fullmatch(path.name))

    def read(self) -> Iterator[dict[str, Any]]:
        """All records, oldest first, as they stand; damaged lines are logged and left out.

        :raises StoreError: a file cannot be read.
        """
        for path in self.files():
            for number, line in enumerate(self.lines(path)[0], 1):
                try:
                    yield parse_line(line)
                except ValueError as error:
                    logger.warning("line %d of %s is damaged and left out: %s", number, path, error)

    def lines(self, path: Path) -> tuple[list[bytes], int]:
        """The complete lines of one of :meth:`files`, without their newlines, and the bytes of an incomplete last one.

        :raises StoreError: it cannot be read.
        """
        with self._errors("read"):
            data = read_log_file(path)
        *lines, left = data.split(b"\n")
        return lines, len(left)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """No process appends within the block."""
        with (
            self._errors("read"),
            self._locked(os.O_RDONLY, fcntl.LOCK_SH) if self.head_path.exists() else nullcontext(),
        ):
            yield

    def delete_older(self, max_age_ns: int, now_ns: int) -> int:
        """Delete the files of days that ended longer ago, except the newest, after a record of kind ``days_deleted``
        that says so.

        :returns: number of files deleted.
        :raises StoreError: they cannot be read or deleted, or the record cannot be written.
        """
        before = f"{self.name}-{moment(now_ns - max_age_ns - _DAY_NS):%Y-%m-%d}.jsonl"
        old = [path for path in self.files()[:-1] if path.name < before]
        if not old:
            return 0
        with self._errors("delete files of"), self._locked() as head_file:
            through = self._before(self.files()[len(old)]) or self._last_record(old[-1])
            fields = {"through": through.number, "through_hash": through.hash, "deleted": len(old)}
            self._append(head_file, DELETED, {**fields, "first": old[0].name, "last": old[-1].name}, now_ns)
            for path in old:
                path.unlink(missing_ok=True)
        return len(old)

    def _append(self, head_file: int, kind: str, fields: Mapping[str, Any], now_ns: int) -> ChainHead:
        try:
            known, damaged = _parse_head(os.pread(head_file, _MOST_HEAD + 1, 0)), False
        except ValueError:
            known, damaged = None, True
        head, last, size, wrong = self._newest(known, damaged)
        if "bytes_cut" in wrong:
            size = self._cut(self.folder / last)
        name = f"{self.name}-{moment(now_ns):%Y-%m-%d}.jsonl"
        name = max(name, last)
        data = b""
        for each, values in ((RECOVERED, wrong), (kind, fields)):
            if each == RECOVERED and not wrong:
                continue
            line, head = _line(head, each, values, now_ns)
            data += line
        if name == last and size + len(data) > MOST_OF_A_FILE:
            name = _next_file(name)
        path = f"{self._folder}/{name}"
        self._room.check(self.folder, small=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
        try:
            if name != last:
                size = truncate_partial_line(file)
            if wrong:
                logger.warning("%s was not whole: %s", path, ", ".join(f"{key} {wrong[key]}" for key in wrong))
            data = to_append(path, file, data)
            write_all_or_nothing(file, data)
        finally:
            os.close(file)
        self._store_head(head_file, head, name, size + len(data))
        return head

    def _newest(
        self, known: tuple[ChainHead, str, int] | None, damaged: bool = False
    ) -> tuple[ChainHead, str, int, dict[str, Any]]:
        """The newest record, its file, the size behind it, and what is not as it should be.

        :param known: what the head file says, and ``damaged`` whether it cannot be read.
        """
        if known is not None and _size(f"{self._folder}/{known[1]}") == known[2]:
            return *known, {}
        # A process was killed between the two writes, or someone changed the files: they are read.
        files, wrong = self.files(), dict[str, Any]()
        if damaged:
            wrong["head_file"] = "damaged"
        elif known is None and files:
            wrong["head_file"] = "missing"
        head, last, size = self.empty_head, "", 0
        if files:
            head, last, size = self._last_record(files[-1]), files[-1].name, _size(files[-1])
            complete = _complete_size(files[-1])
            if complete != size:
                wrong["bytes_cut"] = size - complete
        if known is not None and known[0].number > head.number:
            wrong |= {"missing_after": head.number, "missing_through": known[0].number}
            head = known[0]
        return head, last, size, wrong

    @staticmethod
    def _cut(path: Path) -> int:
        """Cut off an incomplete last line; the size left."""
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            return truncate_partial_line(file)
        finally:
            os.close(file)

    def _before(self, path: Path) -> ChainHead | None:
        """The record before the first one of a file, as that one tells; None: it cannot be read."""
        with suppress(ValueError, IndexError):
            first = parse_line(self.lines(path)[0][0])
            return ChainHead(first["n"] - 1, first["prev"])
        return None

    def _last_record(self, path: Path) -> ChainHead:
        """The last record of a file that can be read; where none can, that of the file before."""
        for line in reversed(self.lines(path)[0]):
            try:
                record = parse_line(line)
                return ChainHead(int(record["n"]), str(record["hash"]))
            except ValueError:
                continue
        before = [each for each in self.files() if each.name < path.name]
        return self._last_record(before[-1]) if before else self.empty_head

    @staticmethod
    def _store_head(head_file: int, head: ChainHead, file: str, size: int) -> None:
        # Always of one length, so that it is replaced by one write.
        values = f'{{"n":{head.number:>12},"hash":"{head.hash}","size":{size:>12},"file":"{file}"}}'.encode()
        values = values.ljust(_HEAD_LENGTH) + b"\n"
        os.pwrite(head_file, values, 0)
        if os.fstat(head_file).st_size != len(values):
            os.ftruncate(head_file, len(values))

    @contextmanager
    def _locked(self, flags: int = os.O_RDWR | os.O_CREAT, lock: int = fcntl.LOCK_EX) -> Iterator[int]:
        """The head file, open and locked against other processes and threads."""
        file = os.open(self._head, flags | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, lock)
            yield file
        finally:
            os.close(file)

    @contextmanager
    def _errors(self, verb: str) -> Iterator[None]:
        advice = "make room or check the permissions" if verb == "write" else "check the permissions"
        with store_errors(f"cannot {verb} {self._folder}/{self.name}-*.jsonl", advice):
            yield


def fit_head(path: Path) -> None:
    """Note in a head file the size that the file of the newest record has now, after it was encrypted.

    :raises OSError: it cannot be read or written.
    """
    data = read_bounded(path, _MOST_HEAD)
    try:
        known = _parse_head(data)
    except ValueError:
        return  # damaged before
    if known is not None:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            HashChain._store_head(file, known[0], known[1], _size(path.with_name(known[1])))
        finally:
            os.close(file)


def canonical(values: Mapping[str, Any]) -> bytes:
    """An object as JSON in the one form that is hashed: sorted keys, no spaces, ASCII.

    :raises StoreError: a value is not JSON, such as NaN.
    """
    try:
        return _ENCODER.encode(values).encode("ascii")
    except (TypeError, ValueError) as error:
        raise StoreError(f"a record cannot be written as JSON: {error}") from error


def parse_line(line: bytes) -> dict[str, Any]:
    """The record of a line, whose own hash and form are right; what it builds on is not checked.

    :raises ValueError: it is changed, with what is wrong.
    """
    end = _HASH_PART.fullmatch(line[-_HASH_PART_LENGTH:])
    if end is None or len(line) > LONGEST_LINE:
        raise ValueError("it is no record with a hash")
    body = line[:-_HASH_PART_LENGTH] + b"}"
    given = end.group(1).decode()
    if hashlib.sha256(body).hexdigest() != given:
        raise ValueError("its hash is not that of its content")
    try:
        record = json.loads(body)
        if not isinstance(record, dict) or type(record.get("n")) is not int or not isinstance(record.get("prev"), str):
            raise ValueError("it has no number")
        if canonical(record) != body:
            raise ValueError("its form is not that of a record")
    except (RecursionError, StoreError) as error:
        raise ValueError("it is no record") from error
    return {**record, "hash": given}


def _line(head: ChainHead, kind: str, fields: Mapping[str, Any], now_ns: int) -> tuple[bytes, ChainHead]:
    number = head.number + 1
    own = {"n": number, "prev": head.hash, "kind": kind, "timestamp": round(now_ns / 1e9, 6)}
    if taken := (own.keys() | {"hash"}) & fields.keys():
        raise StoreError(f"a record's {', '.join(sorted(taken))} cannot be given")
    body = canonical({**fields, **own})
    if len(body) + _HASH_PART_LENGTH > LONGEST_LINE:
        raise StoreError(f"a record of {len(body)} bytes is too large; at most {LONGEST_LINE}")
    digest = hashlib.sha256(body).hexdigest()
    return body[:-1] + f',"hash":"{digest}"}}\n'.encode(), ChainHead(number, digest)


def _next_file(name: str) -> str:
    """The file of a day that follows a full one: ``audit-2026-11-23_0002.jsonl`` after ``audit-2026-11-23.jsonl``.

    :raises StoreError: the day has as many as it may have.
    """
    day, part = name.removesuffix(".jsonl"), ""
    if day[-5] == "_":
        day, part = day[:-5], day[-4:]
    number = int(part or 1) + 1
    if number > _MOST_FILES_A_DAY:
        raise StoreError(f"{name} is full, and the day has no more than {_MOST_FILES_A_DAY} files")
    return f"{day}_{number:04}.jsonl"


def _parse_head(data: bytes) -> tuple[ChainHead, str, int] | None:
    """The content of a head file; None: it is empty.

    :raises ValueError: it is damaged.
    """
    if not data:
        return None
    try:
        values = json.loads(data)
        number, digest, size, file = (values[key] for key in ("n", "hash", "size", "file"))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("it is no head of a chain") from error
    right = type(number) is int and number > 0 and type(size) is int and isinstance(file, str)
    if not right or not isinstance(digest, str) or not re.fullmatch("[0-9a-f]{64}", digest) or "/" in file:
        raise ValueError("it is no head of a chain")
    return ChainHead(number, digest), file, size


def _size(path: Path | str) -> int:
    try:
        return os.stat(path).st_size
    except FileNotFoundError:
        return -1


def _complete_size(path: Path) -> int:
    """Bytes of a file up to its last newline."""
    return read_bounded(path, MAX_BYTES).rfind(b"\n") + 1
