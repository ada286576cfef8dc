"""``facetrack fleet operators``: who may do what, and changes of it."""

import argparse
import time

from facetrack_ros.cli.fleet.keys_option import add_keys_argument, keys_folder, parse_permissions
from facetrack_ros.errors import ConfigError
from facetrack_ros.security.fleet_file import OPERATOR, FleetFile
from facetrack_ros.security.permissions import PERMISSIONS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the action."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="the operator to change; default: list all")
    parser.add_argument(
        "--may", metavar="LIST", help="what the operator may do from now on, separated by commas, or all"
    )
    add_keys_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the operators, or change what one of them may do."""
    folder = keys_folder(arguments)
    fleet = FleetFile.read(folder.fleet_path)
    if arguments.name:
        member = fleet.by_name.get(arguments.name)
        if member is None or member.is_robot:
            raise ConfigError(f"no operator of the fleet {fleet.name} is called {arguments.name}")
        if arguments.may is not None:
            founder, may = folder.founder(), parse_permissions(arguments.may)
            # A key that the operator held stays known to it: without ``search`` the fleet gets a new one.
            closed = fleet.without_member(member.name) if member.reads and "search" not in may else fleet
            fleet = closed.with_member(founder, member.name, OPERATOR, member.keys, may)
            fleet = fleet.write(folder.fleet_path, founder, time.time_ns())
            print(f"version {fleet.version} is in {folder.fleet_path}: copy it to every robot and operator")
    elif arguments.may is not None:
        raise ConfigError("--may needs the name of an operator")
    for member in fleet.of_kind(OPERATOR):
        if arguments.name in (None, member.name):
            print(f"{member.name}: {', '.join(member.may) or 'nothing'}")
    if not arguments.name:
        print("\npermissions:")
        for name, meaning in PERMISSIONS.items():
            print(f"  {name:<10} {meaning}")
    return 0
