"""``facetrack receipts verify``: whether every receipt is as it was written."""

import argparse

from facetrack_ros.cli.exit_codes import DONE, PARTIAL
from facetrack_ros.cli.robot_folders import robot_folders, usable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the action."""
    parser.add_argument("--data", required=True, metavar="DIR", help="stored histories, one folder per robot")
    parser.add_argument("--robot", metavar="NAME", help="only this robot")


def run(arguments: argparse.Namespace) -> int:
    """Check, with the keys of the fleet file of this machine; print, and return 0, or 3 where a receipt was changed or
    is missing."""
    from facetrack_ros.history.forget.receipts import Receipts
    from facetrack_ros.security.fleet_file import FleetFile
    from facetrack_ros.security.keys_folder import KeysFolder

    keys = KeysFolder()
    members = FleetFile.read(keys.fleet_path).by_name if keys.fleet_path.exists() else {}
    known = {name: member.keys for name, member in members.items()}
    problems = 0
    for folder in map(usable, robot_folders(arguments.data, arguments.robot)):
        check = Receipts(folder.path, folder.robot_id).check(known.get)
        problems += len(check.problems)
        for sentence in check.problems:
            print(f"{folder.robot_id}: {sentence}")
        counts = f"{check.signed} signed, {check.unsigned} not signed, {check.unknown} signed by keys not known here"
        state = "not as they were written" if check.problems else "as they were written"
        print(f"{folder.robot_id}: receipts are {state}: {counts}")
    return PARTIAL if problems else DONE
