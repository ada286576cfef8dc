"""Encrypts what a robot stored in the clear: into a new folder beside it, which then takes its place."""

import json
import os
from pathlib import Path

from facetrack_ros.bounded_file import read_bounded
from facetrack_ros.core.disk.overwriting import PART, shred_folder, sync_files, sync_folder
from facetrack_ros.core.line_file import MAX_BYTES, read_log_file, replace_lines
from facetrack_ros.core.sealed_files.folder_keys import NOTE, key_of, set_key
from facetrack_ros.core.sealed_files.record_file import open_stored
from facetrack_ros.core.sealed_files.sealed_lines import HEAD as SEALED_HEAD
from facetrack_ros.core.sealed_files.whole_file import copy_out
from facetrack_ros.errors import store_errors
from facetrack_ros.history.audit.hash_chain import fit_head
from facetrack_ros.history.forget.order import INTENT
from facetrack_ros.history.forget.tombstones import Tombstones
from facetrack_ros.history.layout import ENCRYPTED_VERSION
from facetrack_ros.history.mcap.reader import read_message, read_table
from facetrack_ros.history.mcap.writer import SegmentWriter
from facetrack_ros.history.sightings.connection import export_encrypted
from facetrack_ros.history.sightings.lock import refuse_running
from facetrack_ros.security.storage_key import KEY, begin_encryption, is_encrypted

#: Endings of the folder while it is written, and of the one that it replaces.
DRAFT, REPLACED = ".encrypting", ".plain"
# What a robot makes again, or no process waits for any more.
_LEFT_OUT = (".lock", "-wal", "-shm", PART, ".new")


def finish_interrupted(data_dir: Path) -> None:
    """Finish or undo what a process that was killed while it encrypted left below a data folder.

    :raises StoreError: the disk refuses.
    """
    with store_errors(f"cannot finish encrypting in {data_dir}", "make room or check the permissions"):
        for replaced in data_dir.glob(f"*{REPLACED}"):
            folder = replaced.with_name(replaced.name.removesuffix(REPLACED))
            draft = folder.with_name(folder.name + DRAFT)
            if not folder.exists() and (draft / NOTE).exists():
                os.rename(draft, folder)
                sync_folder(data_dir)
            if is_encrypted(folder):
                _encrypt_beside(folder)
                shred_folder(replaced)
        for draft in data_dir.glob(f"*{DRAFT}"):
            shred_folder(draft)  # the folder is as it was


def encrypt_folder(folder: Path, robot_id: str) -> int:
    """Encrypt a robot's folder; a process that is killed leaves the old folder, or the new one.

    Index blocks are left out: the robot writes them again. What was in the clear is overwritten and deleted.

    :returns: number of files.
    :raises StoreError: the robot is running, the key is not at hand, a file is damaged, or the disk refuses; the folder
        is as it was then.
    """
    draft, replaced = (folder.with_name(folder.name + ending) for ending in (DRAFT, REPLACED))
    with store_errors(f"cannot encrypt {folder}", "make room or check the permissions"):
        if is_encrypted(folder):
            return 0
        refuse_running(folder)
        draft.mkdir(mode=0o700)
        begin_encryption(draft)
        count = 0
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            count += _encrypt_file(path, folder, draft)
        for head in draft.glob("*-head.json"):
            fit_head(head)
        note = {"robot_id": robot_id, "format": ENCRYPTED_VERSION, "encryption": KEY}
        (draft / NOTE).write_text(json.dumps(note) + "\n")
        key = key_of(draft / NOTE)
        sync_folder(draft)
        os.rename(folder, replaced)
        os.rename(draft, folder)
        sync_folder(folder.parent)
        set_key(folder, key)
        _encrypt_beside(folder)
        shred_folder(replaced)
    return count


def _encrypt_file(path: Path, folder: Path, draft: Path) -> int:
    """Encrypt one file into the new folder; the number of files: 0 where it is left out, for it is made again."""
    name, place = path.name, draft / path.relative_to(folder)
    if (
        name == NOTE
        or name.endswith(_LEFT_OUT)
        or any(parent.suffix == ".index" for parent in path.relative_to(folder).parents)
    ):
        return 0
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if (path.parent == folder and name.endswith((".json", ".salt")) and name != INTENT) or name.endswith(".deleted"):
        place.write_bytes(path.read_bytes())  # it tells of no person, and is read before or without a key
    elif name.endswith(".sqlite"):
        export_encrypted(path, place)
    elif name.endswith((".jsonl", ".csv")):
        content = read_log_file(path)
        replace_lines(place, content[: content.rfind(b"\n") + 1])
    elif name.endswith(".mcap"):
        _encrypt_recording(path, place)
    else:
        copy_out(path, place)
    sync_files([place])
    return 1


def _encrypt_recording(path: Path, place: Path) -> None:
    table, _ = read_table(path)
    writer = SegmentWriter(place)
    try:
        with open_stored(path) as file:
            for row in range(len(table)):
                try:
                    channel, sequence, stamp_ns, content = read_message(file, table, row)
                except ValueError:
                    continue  # damaged before
                writer.append(channel, sequence, stamp_ns, (bytes(content),))
        writer.seal()
    finally:
        writer.abandon()


def _encrypt_beside(folder: Path) -> None:
    """Encrypt what is kept beside the folder, of what was forgotten."""
    path = Tombstones(folder).paths[1]
    if path.exists():
        content = read_bounded(path, MAX_BYTES)
        if not content.startswith(SEALED_HEAD):
            replace_lines(path, content[: content.rfind(b"\n") + 1])
