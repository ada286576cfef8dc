"""Layout of stored histories on disk: one folder a robot, identified by its ``robot.json``."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

from facetrack_ros.bounded_file import is_unfit, read_bounded_text
from facetrack_ros.core.private_files import make_private, others_may_write
from facetrack_ros.core.sealed_files.folder_keys import key_of
from facetrack_ros.core.validation import ros_name
from facetrack_ros.errors import InvalidInput, StoreError, store_errors
from facetrack_ros.history.set_aside import is_foreign, set_aside
from facetrack_ros.security.storage_key import KEY, OFF, begin_encryption, encryption_set, is_encrypted

FORMAT_VERSION = 1
#: Of folders that are encrypted, which earlier versions cannot read.
ENCRYPTED_VERSION = 2
_NOTE = "robot.json"
_PLAIN = (
    "{} is not encrypted, and storage.encryption is key: `facetrack storage encrypt` encrypts what is stored, or "
    "choose another data folder"
)
# Folders of earlier versions may have longer names.
_ROBOT_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True)
class RobotFolder:
    """A robot's history on disk.

    :param robot_id: from its ``robot.json``; the folder's name where that cannot be read.
    :param error: why it cannot be used, a sentence; empty when it can.
    :param damaged: whether that is a damaged ``robot.json``.
    """

    robot_id: str
    path: Path
    error: str = ""
    damaged: bool = False


def robot_folder(data_dir: Path | str, robot_id: str) -> Path:
    """The folder of a robot below a data folder, created where absent. A note of it that is damaged is set aside.

    :raises StoreError: the robot id is not valid, other users may write in the data folder, the robot's folder is of
        another robot or a newer version, or it cannot be written.
    """
    try:
        ros_name(robot_id, "the robot name")
    except InvalidInput as error:
        raise StoreError(str(error)) from error
    root, path = Path(data_dir), Path(data_dir) / robot_id
    note = path / _NOTE
    if os.path.lexists(path) and not path.is_dir():
        set_aside(path, "it is no folder")
    refuse_shared(root)
    with store_errors(f"cannot write in {path}", "choose a data folder that can be written"):
        made = not root.exists()
        path.mkdir(parents=True, exist_ok=True)
        if made:
            make_private(root)
        make_private(path)
        if os.path.lexists(note) and _read(path).damaged:
            set_aside(note, "it should name the robot and the format")
        if not note.exists():
            # Renamed into place, so that a killed process leaves no partial file; several processes may start at once.
            fresh = path / f"{_NOTE}.{os.getpid()}.new"
            if _is_to_be_encrypted(path):
                begin_encryption(path)
                values: dict[str, object] = {"format": ENCRYPTED_VERSION, "encryption": KEY}
            else:
                values = {"format": FORMAT_VERSION}
            fresh.write_text(json.dumps({"robot_id": robot_id, **values}) + "\n")
            fresh.replace(note)
    found = _read(path)
    if found.error:
        raise StoreError(found.error)
    _refuse_the_other_kind(path)
    if found.robot_id != robot_id:
        raise StoreError(f"{path} is the history of robot {found.robot_id}, not of {robot_id}; use another data folder")
    return path


def _is_to_be_encrypted(path: Path) -> bool:
    """Whether a folder without a note is encrypted, or is to be: as its files are, and if there are none, as the
    settings say.

    :raises StoreError: the settings say so, and there are files that are not.
    """
    if is_encrypted(path):
        return True
    if encryption_set() != KEY:
        return False
    if has_files(path):
        raise StoreError(_PLAIN.format(path))
    return True


def _refuse_the_other_kind(path: Path) -> None:
    """
    :raises StoreError: a folder is encrypted and the settings say it is not, or the reverse; or its key is missing.
    """
    encrypted, wanted = is_encrypted(path), encryption_set()
    if encrypted and wanted == OFF:
        raise StoreError(
            f"{path} is encrypted, and storage.encryption is off: set it to key, or choose another data folder"
        )
    if wanted == KEY and not encrypted:
        raise StoreError(_PLAIN.format(path))
    key_of(path / _NOTE)


def has_files(path: Path) -> bool:
    """Whether a robot's folder holds something already, beside locks."""
    return any(each.suffix in (".jsonl", ".sqlite", ".csv") or each.is_dir() for each in path.iterdir())


def refuse_shared(root: Path) -> None:
    """
    :raises StoreError: other users may write in the folder, which holds those of robots.
    """
    if others_may_write(root):
        raise StoreError(
            f"other users may write in {root}, and so replace what robots keep: chmod go-w {root}, or choose another "
            "folder"
        )


def history_folders(data_dir: Path | str, unlocked: bool = True) -> list[RobotFolder]:
    """The robots below a data folder, each once, sorted by id. A robot's own folder is returned by itself.

    :param unlocked: whether the keys of encrypted folders are needed.
    :raises StoreError: there is no such folder, or one is encrypted and its key is not at hand.
    """
    root = Path(data_dir)
    if not root.is_dir():
        raise StoreError(f"there is no folder {root}; give the one that --data named when the robots ran")
    if (root / _NOTE).exists():
        if unlocked:
            key_of(root / _NOTE)
        return [_read(root)]
    with store_errors(f"cannot read {root}", "check its permissions"):
        notes = sorted(root.glob(f"*/{_NOTE}"))
    for note in notes if unlocked else ():
        key_of(note)
    found: dict[str, RobotFolder] = {}
    for folder in (_read(note.parent) for note in notes):
        if folder.robot_id in found:
            both = f"{found[folder.robot_id].path} and {folder.path} are both of robot {folder.robot_id}"
            folder = RobotFolder(folder.path.name, folder.path, f"{both}; move one of them away")
        found[folder.robot_id] = folder
    return sorted(found.values(), key=lambda folder: folder.robot_id)


def _read(path: Path) -> RobotFolder:
    note = path / _NOTE
    if is_foreign(note):
        return RobotFolder(path.name, path, f"{note} is no file; it should name the robot and the format", True)
    try:
        content = json.loads(read_bounded_text(note))
        robot_id, version = content["robot_id"], content["format"]
        if not isinstance(robot_id, str) or not _ROBOT_ID.fullmatch(robot_id) or type(version) is not int:
            raise ValueError("no robot and format")
    except OSError as error:
        sentence = f"cannot read {note}: {error.strerror}; check its permissions"
        return RobotFolder(path.name, path, sentence, is_unfit(error))
    except (ValueError, KeyError, TypeError, RecursionError):
        return RobotFolder(path.name, path, f"{note} is damaged; it should name the robot and the format", True)
    if version <= (ENCRYPTED_VERSION if content.get("encryption") == KEY else FORMAT_VERSION):
        return RobotFolder(robot_id, path)
    newer = f"(format {version}, this one reads up to {FORMAT_VERSION}); update facetrack_ros"
    return RobotFolder(robot_id, path, f"{path} was written by a newer version {newer}")
