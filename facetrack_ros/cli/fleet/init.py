"""``facetrack fleet init``: founds a fleet on this machine."""

import argparse
import os
import time

from facetrack_ros.cli.fleet.keys_option import add_keys_argument, keys_folder
from facetrack_ros.core.validation import ros_name
from facetrack_ros.errors import ConfigError
from facetrack_ros.security.fleet_file import FOUNDER, OPERATOR, FleetFile
from facetrack_ros.security.keys import Identity
from facetrack_ros.security.permissions import PERMISSIONS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the action."""
    parser.add_argument("--name", default="fleet", help="the fleet's name; default: fleet")
    parser.add_argument(
        "--operator", required=True, metavar="NAME", help="the first operator, who uses this machine and may do all"
    )
    add_keys_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write founding key, operator's key and fleet file."""
    folder = keys_folder(arguments)
    ros_name(arguments.operator, "the operator's name")
    for path in (folder.fleet_path, folder.key_path(FOUNDER)):
        if os.path.lexists(path):
            raise ConfigError(f"there is a fleet already: {path}; facetrack fleet status shows it")
    founder, operator = Identity.new(FOUNDER), _own(folder.key_path(arguments.operator), arguments.operator)
    fleet = FleetFile.new(arguments.name, founder)
    fleet = fleet.with_member(founder, operator.name, OPERATOR, operator.public, PERMISSIONS)
    founder.write(folder.key_path(FOUNDER))
    fleet.write(folder.fleet_path, founder, time.time_ns())
    print(f"fleet {fleet.name}: {folder.fleet_path}; {operator.name} may do all")
    print(f"the founding key, {folder.key_path(FOUNDER)}, changes the fleet: keep a copy that no one else can read")
    print("next: `facetrack fleet join --robot NAME` on each robot")
    return 0


def _own(path, name: str) -> Identity:
    """The key of a name: the one that is there, or a new one."""
    if os.path.lexists(path):
        return Identity.read(path)
    identity = Identity.new(name)
    identity.write(path)
    return identity
