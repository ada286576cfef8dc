"""Unique numbers and names for ids."""

import json
import logging
import os
import re
import zlib
from collections.abc import Mapping
from pathlib import Path

from facetrack_ros.bounded_file import is_unfit, read_bounded_text
from facetrack_ros.errors import ConfigError, DamagedStoreError, DiskError, StoreError, store_errors

#: Key of the file beside the kinds: how many processes have had a reserve.
_RESERVE = "reserve"
# Numbers of the reserves, a million a process, far beyond those that are counted up.
_RESERVES, _RESERVE_SIZE = 10**12, 10**6
logger = logging.getLogger(__name__)

_PERSON_ID = re.compile(r"p_([A-Za-z0-9_]+)_[0-9]+")


class IdAllocator:
    """Allocates numbers from 1 for each kind of id, and continues after a restart.

    The file is replaced before a number is returned, so no number is returned twice. Where the disk takes nothing,
    numbers come from a reserve that the file's last write set apart for this process: a robot with a full disk tracks
    on. A damaged file is an error, because starting again would repeat numbers: see
    :func:`facetrack_ros.history.stored_ids.open_ids`. For one process at a time.

    :param path: file of the last numbers; None: memory only.
    :param last: last numbers by kind where there is no file.
    :raises StoreError: the file cannot be read; :class:`DamagedStoreError`: it is damaged.
    """

    def __init__(self, path: Path | str | None = None, last: Mapping[str, int] | None = None):
        self._path = None if path is None else Path(path)
        self._last: dict[str, int] = dict(last or {})
        if self._path is not None and self._path.exists():
            self._last = _read(self._path)
        # Counted up in the file with the first number that is stored. One that was never counted begins beyond those of
        # a file that is lost.
        self._reserve = self._last.get(_RESERVE, sum(self._last.values())) + 1
        self._from_reserve: dict[str, int] = {}

    def next(self, kind: str) -> int:
        """Allocate the next number of a kind.

        :raises StoreError: it cannot be stored, and the reserve is not set apart or used up; it is not allocated then.
        """
        last = {**self._last, kind: self._last.get(kind, 0) + 1}
        if self._path is None:
            self._last = last
            return last[kind]
        last[_RESERVE] = self._reserve
        try:
            _write(self._path, last)
        except DiskError:
            return self._next_of_reserve(kind)
        self._last = last
        return last[kind]

    def _next_of_reserve(self, kind: str) -> int:
        number = self._from_reserve.get(kind, 0) + 1
        if self._last.get(_RESERVE) != self._reserve or number >= _RESERVE_SIZE:
            raise DiskError(f"{self._path} cannot be written: make room on that disk, ids are kept in it")
        if not self._from_reserve:
            logger.info("%s cannot be written: until it can, ids come from a reserve", self._path)
        self._from_reserve[kind] = number
        return _RESERVES + self._reserve * _RESERVE_SIZE + number


def safe_name(name: str) -> str:
    """Turn a robot's or camera's name into part of an id: letters, digits and underscores.

    A name that has to be changed gets a checksum, so that ``robot-1`` and ``robot 1`` differ.

    :raises ConfigError: the name is empty.
    """
    if not name:
        raise ConfigError("a robot or camera has an empty name: give it one of letters, digits and underscores")
    plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return plain if plain == name else f"{plain}_{zlib.crc32(name.encode('utf-8', 'surrogateescape')):08x}"


def person_id(robot: str, number: int) -> str:
    """The id of a robot's person.

    :param robot: :func:`safe_name` of the robot's name.
    """
    return f"p_{robot}_{number}"


def robot_of_person(person: str) -> str:
    """The robot that gave a person id, as :func:`safe_name`; empty: it is none that a robot gives."""
    found = _PERSON_ID.fullmatch(person)
    return found[1] if found else ""


def _read(path: Path) -> dict[str, int]:
    try:
        last = json.loads(read_bounded_text(path))
    except OSError as error:
        kind = DamagedStoreError if is_unfit(error) else StoreError
        raise kind(f"{path} cannot be read: check its permissions, ids go on from it") from error
    except (ValueError, RecursionError):
        last = None
    if not isinstance(last, dict) or not all(type(number) is int and 0 <= number < 2**63 for number in last.values()):
        raise DamagedStoreError(
            f"{path} is damaged: restore it from a copy, or remove it together with this robot's history, "
            "for otherwise ids would be given out twice"
        )
    return last


def _write(path: Path, last: dict[str, int]) -> None:
    draft = path.with_name(path.name + ".part")
    with store_errors(f"{path} cannot be written", "check disk space and permissions, ids are kept in it"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(draft, "w", encoding="utf-8") as file:
            json.dump(last, file)
            file.flush()
            # Without it a power failure may leave an empty file under the new name.
            os.fsync(file.fileno())
        os.replace(draft, path)
