"""``facetrack storage rotate``: changes the storage key of robots."""

import argparse
from pathlib import Path

from facetrack_ros.cli.storage.folders import add_folder_arguments, chosen_folders
from facetrack_ros.errors import StoreError
from facetrack_ros.security.storage_key import StorageKey, change_key, is_encrypted, storage_key, wrapped_with


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the action."""
    add_folder_arguments(parser, one_robot=False)
    parser.add_argument("--new", required=True, metavar="FILE", help="the new key, made by `facetrack storage key`")


def run(arguments: argparse.Namespace) -> int:
    """Change the key of each encrypted folder; one that has the new key already is left as it is."""
    new = StorageKey.read(arguments.new)
    folders = [folder.path for folder in chosen_folders(arguments) if is_encrypted(folder.path)]
    folders = [folder for folder in folders if wrapped_with(folder)]
    if not folders:
        raise StoreError(f"nothing below {arguments.data} is encrypted")
    if new.path is not None:
        for folder in folders:
            if new.path.is_relative_to(folder.resolve().parent):
                raise StoreError(f"the new key {new.path} is in the data folder {folder.parent}: move it elsewhere")
    for folder in folders:
        if wrapped_with(folder) == new.id:
            print(f"{folder} has the key {new.id} already")
            continue
        old = storage_key(folder)
        change_key(folder, old, new)
        print(f"{folder} has the key {new.id} now, no longer {old.id}")
    print(
        f"name {Path(arguments.new)} with storage.key_file; keep the old key as long as there are backups made before: "
        "they need it, and who has both an old key and such a backup can read the files of today too"
    )
    return 0
