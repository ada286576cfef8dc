"""``facetrack fleet remove``: takes robots and operators out of the fleet."""

import argparse
import time

from facetrack_ros.cli.fleet.keys_option import add_keys_argument, keys_folder
from facetrack_ros.security.fleet_file import FleetFile


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the action."""
    parser.add_argument("names", nargs="+", metavar="NAME", help="a robot or operator")
    add_keys_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Remove members; the fleet gets a new key, which they do not have."""
    folder = keys_folder(arguments)
    founder, fleet = folder.founder(), FleetFile.read(folder.fleet_path)
    for name in arguments.names:
        fleet = fleet.without_member(name)
    fleet = fleet.write(folder.fleet_path, founder, time.time_ns())
    print(f"{', '.join(arguments.names)} {'is' if len(arguments.names) == 1 else 'are'} no member any more")
    print(
        f"version {fleet.version} is in {folder.fleet_path}: copy it to every robot and operator; a robot without it "
        "still trusts who was removed, and robots with different versions do not read each other"
    )
    return 0
