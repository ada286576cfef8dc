"""``facetrack storage key``: makes a storage key, or tells which folders a key is of."""

import argparse
from pathlib import Path

from facetrack_ros.cli.robot_folders import robot_notes
from facetrack_ros.errors import StoreError
from facetrack_ros.security.storage_key import StorageKey, is_encrypted, wrapped_with


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the action."""
    parser.add_argument("file", metavar="FILE", help="the key; a new one is made where there is none")
    parser.add_argument("--data", metavar="DIR", help="tell of each robot below this folder whether the key is its own")


def run(arguments: argparse.Namespace) -> int:
    """Make or check a key; return 0, or 1: a robot's folder needs another one."""
    path = Path(arguments.file).expanduser()
    if arguments.data is None:
        key = StorageKey.create(path)
        print(
            f"the storage key {key.id} is in {path}: copy it to a safe place, for without it nothing that is stored "
            "with it can be read; set storage.encryption to key, and storage.key_file to this file"
        )
        return 0
    if not path.exists():
        raise StoreError(f"there is no key {path}")
    key, wrong = StorageKey.read(arguments.file), 0
    print(f"{path} is the storage key {key.id}")
    for folder in robot_notes(arguments.data):
        if folder.error:
            raise StoreError(folder.error)
        needed = wrapped_with(folder.path) if is_encrypted(folder.path) else None
        if needed is None:
            print(f"{folder.path} is not encrypted")
        elif not needed:
            print(f"{folder.path} was erased: its data key is destroyed")
        else:
            print(f"{folder.path} {'needs this key' if needed == key.id else f'needs the key {needed}'}")
        wrong += bool(needed) and needed != key.id
    return 1 if wrong else 0
