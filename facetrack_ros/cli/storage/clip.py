"""``facetrack storage clip``: copies a clip that a robot saved, decrypted."""

import argparse
from pathlib import Path

from facetrack_ros.cli.audit.operator import add_operator_arguments, record_stored, said
from facetrack_ros.cli.robot_folders import robot_folders, usable
from facetrack_ros.config import Config
from facetrack_ros.errors import StoreError, store_errors


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the action."""
    add = parser.add_argument
    add("--data", required=True, metavar="DIR", help="folder of histories, one folder per robot")
    add("--robot", required=True, metavar="NAME", help="the robot")
    add("--name", required=True, metavar="NAME", help="the clip, a folder in clips/ of the robot's folder")
    add("--out", required=True, metavar="DIR", help="new folder for the clip, readable by you alone")
    add("--config", metavar="FILE", help="settings that name the storage key, YAML")
    add_operator_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Copy the files of a clip; the robot may be running."""
    from facetrack_ros.core.sealed_files.whole_file import copy_out
    from facetrack_ros.history.audit.audit_log import CLIP

    folder = usable(robot_folders(arguments.data, arguments.robot)[0])
    who = said(arguments, Config.load(arguments.config))
    clips, out = folder.path / "clips", Path(arguments.out)
    if "/" in arguments.name or not (clips / arguments.name / "manifest.json").is_file():
        names = ", ".join(sorted(each.parent.name for each in clips.glob("*/manifest.json"))) or "none"
        raise StoreError(f"{folder.robot_id} has no clip {arguments.name}; it has {names}")
    if out.exists():
        raise StoreError(f"{out} is there already; give another folder")
    files = sorted(path for path in (clips / arguments.name).rglob("*") if path.is_file())
    record_stored(folder, CLIP, {**who, "clip": arguments.name, "out": str(out), "handed_out": len(files)})
    with store_errors(f"cannot copy the clip to {out}"):
        for path in files:
            place = out / path.relative_to(clips / arguments.name)
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            copy_out(path, place)
            print(f"  {place}")
    return 0
