"""Unique numbers and names for ids."""

import json
import os
import re
import zlib
from collections.abc import Mapping
from pathlib import Path

from facetrack_ros.bounded_file import read_bounded_text
from facetrack_ros.errors import ConfigError, DamagedStoreError, StoreError

_PERSON_ID = re.compile(r"p_([A-Za-z0-9_]+)_[0-9]+")


class IdAllocator:
    """Allocates numbers from 1 for each kind of id, and continues after a restart.

    The file is replaced before a number is returned, so no number is returned twice; a damaged file is an error,
    because starting again would repeat numbers: see :func:`facetrack_ros.history.stored_ids.open_ids`. For one process
    at a time.

    :param path: file of the last numbers; None: memory only.
    :param last: last numbers by kind where there is no file.
    :raises StoreError: the file cannot be read; :class:`DamagedStoreError`: it is damaged.
    """

    def __init__(self, path: Path | str | None = None, last: Mapping[str, int] | None = None):
        self._path = None if path is None else Path(path)
        self._last: dict[str, int] = dict(last or {})
        if self._path is not None and self._path.exists():
            self._last = _read(self._path)

    def next(self, kind: str) -> int:
        """Allocate the next number of a kind.

        :raises StoreError: it cannot be stored; the number is not allocated.
        """
        last = {**self._last, kind: self._last.get(kind, 0) + 1}
        if self._path is not None:
            _write(self._path, last)
        self._last = last
        return last[kind]


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
        raise StoreError(f"{path} cannot be read: check its permissions, ids go on from it") from error
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
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(draft, "w", encoding="utf-8") as file:
            json.dump(last, file)
            file.flush()
            # Without it a power failure may leave an empty file under the new name.
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written: check disk space and permissions, ids are kept in it") from error
