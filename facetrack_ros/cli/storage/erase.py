"""``facetrack storage erase``: destroys a robot's data key, so that nothing that it stored can be read."""

import argparse

from facetrack_ros.cli.storage.folders import add_folder_arguments, chosen_folders
from facetrack_ros.core.disk.overwriting import shred
from facetrack_ros.errors import StoreError, store_errors
from facetrack_ros.history.sightings.lock import refuse_running
from facetrack_ros.security.storage_key import destroy_key, is_encrypted, wrapped_with


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the action."""
    add_folder_arguments(parser, one_robot=True)
    parser.add_argument("--yes", action="store_true", help="do it; without it, only say what it would destroy")


def run(arguments: argparse.Namespace) -> int:
    """Destroy the data keys of a robot's folders."""
    folders = [folder.path for folder in chosen_folders(arguments)]
    plain = [folder for folder in folders if not is_encrypted(folder)]
    if plain:
        raise StoreError(f"{plain[0]} is not encrypted: delete the folder instead, or forget what is in it")
    if not any(wrapped_with(folder) for folder in folders):
        print(f"{arguments.robot} was erased before: its data key is destroyed")
        return 0
    if not arguments.yes:
        print(f"--yes makes everything in {', '.join(map(str, folders))} unreadable, for good")
        return 0
    for folder in folders:
        refuse_running(folder)
    for folder in folders:
        destroy_key(folder)
        beside = folder.parent / f"forgotten-{folder.name}.jsonl"
        with store_errors(f"cannot delete {beside}"):
            shred(beside)
        print(f"the data key of {folder} is destroyed: nothing in it can be read any more; delete it to make room")
    print(
        "backups with storage-key.json can still be read with the storage key: destroy them or it. What a solid-state "
        "disk keeps of overwritten blocks is out of reach of any program"
    )
    return 0
