"""``facetrack storage encrypt``: encrypts what robots have stored in the clear."""

import argparse
from pathlib import Path

from facetrack_ros.cli.storage.folders import add_folder_arguments, chosen_folders


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the action."""
    add_folder_arguments(parser, one_robot=False)


def run(arguments: argparse.Namespace) -> int:
    """Encrypt the folders of robots; those that are encrypted stay as they are."""
    from facetrack_ros.history.encryption import encrypt_folder, finish_interrupted

    finish_interrupted(Path(arguments.data))
    for folder in chosen_folders(arguments):
        count = encrypt_folder(folder.path, folder.robot_id)
        done = f"{count} files are encrypted" if count else "encrypted already"
        print(f"{folder.path}: {done}")
    print("set storage.encryption to key; backups and copies made before are as they were")
    return 0
