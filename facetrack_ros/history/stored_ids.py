"""Numbers of a robot's ids, continued after a damage from the ids that its folder holds."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

from facetrack_ros.bounded_file import open_regular
from facetrack_ros.core.line_file import MAX_BYTES, read_log_file
from facetrack_ros.core.sealed_files.folder_keys import key_of
from facetrack_ros.core.sealed_files.whole_file import read_stored
from facetrack_ros.errors import DamagedStoreError, store_errors
from facetrack_ros.history.people.gallery_store import FOLDER
from facetrack_ros.history.set_aside import is_foreign, set_aside
from facetrack_ros.history.sightings.database import stored_texts
from facetrack_ros.tracking.id_allocator import IdAllocator, safe_name

# Kinds of :class:`IdAllocator` by the first letter of their ids.
_KINDS = {"p": "person", "t": "track", "a": "alias", "g": "entry"}
# Files that hold ids.
_HOLDERS = ("*.sqlite*", "events-*", "aliases.jsonl*", "gallery/*")
# Left out after the highest number found: what the folder held last may be deleted, or known to other robots only.
_SPARE = 1000
_NUMBER = re.compile(rb"_([0-9]{1,9})")
_CHUNK, _OVERLAP = 1 << 24, 256

logger = logging.getLogger(__name__)


def open_ids(path: Path, robot_id: str) -> IdAllocator:
    """The id numbers of a robot. A damaged file is set aside, and numbers go on above those found in the folder.

    :param path: in the robot's folder.
    :raises StoreError: the folder cannot be read.
    """
    try:
        if not is_foreign(path):
            return IdAllocator(path)
        reason = "it is no file"
    except DamagedStoreError as error:
        reason = str(error)
    set_aside(path, reason)
    last = {kind: number + _SPARE for kind, number in highest_numbers(path.parent, safe_name(robot_id)).items()}
    logger.warning("ids go on above those in %s: %s", path.parent, last)
    return IdAllocator(path, last)


def highest_numbers(folder: Path, robot: str) -> dict[str, int]:
    """The highest number of each kind of id that a robot's folder holds, 0 where there is none. Reads every byte.

    :param robot: :func:`safe_name` of the robot.
    :raises StoreError: a file cannot be read.
    """
    found = dict.fromkeys(_KINDS.values(), 0)
    # Columns of a database lie side by side without anything between them, so that ids overlap what follows. The name
    # of a camera may hold numbers: the largest is taken, for a number too high does no harm.
    pattern = re.compile(rb"(?=([ptag])_%s_([A-Za-z0-9_]{1,200}))" % robot.encode())
    for text in _texts(folder):
        for letter, rest in pattern.findall(text):
            kind, numbers = _KINDS[letter.decode()], _NUMBER.findall(b"_" + rest)
            if letter != b"t":
                numbers = numbers[:1] if rest[:1].isdigit() else []
            found[kind] = max(found[kind], *map(int, numbers)) if numbers else found[kind]
    return found


def _texts(folder: Path) -> Iterator[bytes]:
    """Names and contents of the files that hold ids, in parts that overlap."""
    for path in sorted(path for pattern in _HOLDERS for path in folder.glob(pattern) if path.is_file()):
        yield path.stem.encode()
        with store_errors(f"cannot read {path}", "check its permissions"):
            if key_of(path) is not None:
                yield _decrypted(path)
                continue
            with open_regular(path) as file:
                rest = b""
                while part := file.read(_CHUNK):
                    yield rest + part
                    rest = part[-_OVERLAP:]


def _decrypted(path: Path) -> bytes:
    """The texts of an encrypted file; of a database its ids. What cannot be read is left out."""
    if path.name.endswith((".sqlite", ".sqlite-wal", ".sqlite-shm")) or ".sqlite." in path.name:
        return stored_texts(path) if path.suffix == ".sqlite" else b""
    try:
        return read_stored(path, MAX_BYTES) if path.parent.name == FOLDER else read_log_file(path)
    except OSError:
        return b""
