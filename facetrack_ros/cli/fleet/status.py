"""``facetrack fleet status``: the fleet of this machine, its members, and the keys that are here."""

import argparse
import json
import os
from typing import Any

from facetrack_ros.cli.fleet.keys_option import add_keys_argument, fingerprint, keys_folder
from facetrack_ros.errors import ConfigError
from facetrack_ros.security.fleet_file import FOUNDER, FleetFile
from facetrack_ros.security.keys import Identity
from facetrack_ros.security.keys_folder import KeysFolder, mesh_sentence


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the action."""
    parser.add_argument("--json", action="store_true", help="one JSON object")
    add_keys_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the fleet; 1: there is none, so the mesh is open; 2: the fleet file or a key cannot be used."""
    folder = keys_folder(arguments)
    if not os.path.lexists(folder.fleet_path):
        print(json.dumps({"fleet": None, "keys": _keys(folder, None)}) if arguments.json else mesh_sentence(None))
        return 1
    fleet = FleetFile.read(folder.fleet_path)
    keys = _keys(folder, fleet)
    if arguments.json:
        print(json.dumps(_as_json(fleet, keys)))
    else:
        print(
            f"fleet {fleet.name}, version {fleet.version} of {fleet.changed}, founded by {fingerprint(fleet.founder)}"
        )
        for member in fleet.members:
            may = "" if member.is_robot else f"  may {', '.join(member.may) or 'nothing'}"
            print(f"  {member.kind:<8} {member.name:<16} {fingerprint(member.keys)}{may}")
        for name, problem in keys.items():
            print(f"  key of {name} is here{f', but {problem}' if problem else ''}")
    return 2 if any(keys.values()) else 0


def _as_json(fleet: FleetFile, keys: dict[str, str]) -> dict[str, Any]:
    members = [
        {"name": member.name, "kind": member.kind, "fingerprint": fingerprint(member.keys), "may": list(member.may)}
        for member in fleet.members
    ]
    about = {"name": fleet.name, "version": fleet.version, "changed": fleet.changed}
    return {"fleet": {**about, "founder": fingerprint(fleet.founder), "members": members}, "keys": keys}


def _keys(folder: KeysFolder, fleet: FleetFile | None) -> dict[str, str]:
    """Each private key in the folder, and what is wrong with it; empty: nothing."""
    found = {}
    for path in sorted(folder.path.glob("*.key")):
        try:
            identity = Identity.read(path)
        except ConfigError as error:
            found[path.stem] = str(error)
            continue
        expected = fleet and (fleet.founder if path.stem == FOUNDER else _keys_of(fleet, identity.name))
        found[path.stem] = "" if fleet is None or expected == identity.public else "the fleet does not know it"
    return found


def _keys_of(fleet: FleetFile, name: str):
    member = fleet.by_name.get(name)
    return member.keys if member is not None else None
