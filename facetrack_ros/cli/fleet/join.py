"""``facetrack fleet join``: makes the key of a robot or operator, and takes such keys into the fleet."""

import argparse
import os
import time

from facetrack_ros.cli.fleet.keys_option import (
    add_keys_argument,
    fingerprint,
    keys_folder,
    parse_permissions,
    public_line,
    read_public,
)
from facetrack_ros.errors import ConfigError, store_errors
from facetrack_ros.security.fleet_file import FOUNDER, OPERATOR, ROBOT, FleetFile
from facetrack_ros.security.keys import Identity
from facetrack_ros.security.keys_folder import KeysFolder

#: What an operator may do where ``--may`` is not given.
DEFAULT_MAY = "search,frames"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the action."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--robot", metavar="NAME", help="make the key of this robot, on its machine")
    what.add_argument("--operator", metavar="NAME", help="make the key of this operator, on the operator's machine")
    what.add_argument(
        "--admit",
        metavar="FILE",
        action="append",
        help="take the robot or operator of a .pub file into the fleet, where it was founded; may be repeated",
    )
    parser.add_argument(
        "--may",
        default=DEFAULT_MAY,
        metavar="LIST",
        help=f"what an operator may do, separated by commas; all: everything; default: {DEFAULT_MAY}",
    )
    add_keys_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Make a key, or admit keys; a key made where the fleet was founded is admitted at once."""
    folder, may = keys_folder(arguments), parse_permissions(arguments.may)
    files = arguments.admit
    if not files:
        kind, name = (ROBOT, arguments.robot) if arguments.robot else (OPERATOR, arguments.operator)
        files = [_make(folder, kind, name)]
        if not os.path.lexists(folder.key_path(FOUNDER)):
            print(f"next, where the fleet was founded: facetrack fleet join --admit {name}.pub, after copying the file")
            return 0
    return _admit(folder, files, may)


def _make(folder: KeysFolder, kind: str, name: str) -> str:
    """Make a key unless it is there, and write its public half; the file of that."""
    path, public = folder.key_path(name), folder.public_path(name)
    if name == FOUNDER:
        raise ConfigError(f"no {kind} can be called {FOUNDER}")
    if os.path.lexists(path):
        identity = Identity.read(path)
        if identity.name != name:
            raise ConfigError(f"{path} is the key of {identity.name}")
    else:
        identity = Identity.new(name)
        identity.write(path)
    line = public_line(kind, identity)
    with store_errors(f"{public} cannot be written"):
        public.write_text(f"{line}\n")
    print(
        f"the key of {name} is in {path}; its public half is in {public}, fingerprint {fingerprint(identity.public)}:"
    )
    print(line)
    return str(public)


def _admit(folder: KeysFolder, files: list[str], may: tuple[str, ...]) -> int:
    founder, fleet = folder.founder(), FleetFile.read(folder.fleet_path)
    for file in files:
        kind, name, keys = read_public(file)
        known = fleet.by_name.get(name)
        if known is not None and known.keys != keys:
            raise ConfigError(f"{name} is in the fleet with another key: facetrack fleet remove {name} first")
        fleet = fleet.with_member(founder, name, kind, keys, may)
        allowed = f", may {', '.join(fleet.by_name[name].may) or 'nothing'}" if kind == OPERATOR else ""
        print(f"{kind} {name} is in the fleet {fleet.name}, fingerprint {fingerprint(keys)}{allowed}")
    fleet = fleet.write(folder.fleet_path, founder, time.time_ns())
    print(f"version {fleet.version} is in {folder.fleet_path}: copy it to every robot and operator")
    return 0
