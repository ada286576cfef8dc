"""``facetrack forget``: deletes a person, or a stretch of time, wherever robots hold them."""

import argparse
import json
import sys
import uuid
from typing import Any

from facetrack_ros.cli.arguments import seconds
from facetrack_ros.cli.audit.operator import record_stored
from facetrack_ros.cli.exit_codes import DONE, NOTHING_FOUND, PARTIAL
from facetrack_ros.cli.mesh_option import add_mesh_argument
from facetrack_ros.cli.robot_folders import robot_folders
from facetrack_ros.cli.time_format import TIME_HELP, parse_time
from facetrack_ros.core.user import user_name
from facetrack_ros.core.validation import plain_text
from facetrack_ros.errors import RequestError
from facetrack_ros.history.audit.audit_log import FORGET

_LONGEST_REASON = 300


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    add, who = parser.add_argument, parser.add_mutually_exclusive_group()
    who.add_argument("--person", default="", metavar="ID", help="a person, such as p_robot1_3, with all joined ids")
    who.add_argument("--name", default="", metavar="NAME", help="an enrolled person")
    who.add_argument("--image", metavar="FILE", help="a picture of the person")
    add("--face", type=int, default=0, metavar="N", help="which of several faces in --image, from the left, from 1 on")
    add("--robot", metavar="NAME", help="only this robot")
    add("--from", dest="start", metavar="TIME", help=f"with --robot and --to: all that it saw then; {TIME_HELP}")
    add("--to", dest="end", metavar="TIME", help="see --from")
    add("--blur", action="store_true", help="keep frames and clips, with the person's region destroyed")
    add("--dry-run", action="store_true", help="only say what would be deleted, and what others would lose")
    add("--yes", action="store_true", help="delete also where that is more than half of what a robot holds")
    add("--data", metavar="DIR", help="stored histories instead of the mesh, one folder per robot; none may be running")
    add_mesh_argument(parser)
    add("--timeout", type=seconds, default=60.0, metavar="S", help="longest wait for the robots of the mesh")
    add("--config", metavar="FILE", help="settings, a YAML file: models, folders")
    add("--operator", default="", metavar="NAME", help="who asks, for the receipt; default: this user")
    add("--reason", default="", metavar="TEXT", help="why, for the receipt")
    add("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Forget, print, and return 0: done, 1: there was nothing, 3: not on every robot."""
    target = _target(arguments)
    if arguments.data:
        from facetrack_ros.cli.privacy.forget_stored import forget_stored as forget
    else:
        from facetrack_ros.cli.privacy.forget_mesh import forget_mesh as forget

    robots = forget(arguments, target)
    if arguments.data and not arguments.dry_run:
        _record(
            arguments, target, [robot["robot_id"] for robot in robots if not robot["error"] and not robot["nothing"]]
        )
    if arguments.json:
        print(json.dumps({"order_id": target["order_id"], "dry_run": arguments.dry_run, "robots": robots}, indent=1))
    else:
        for robot in robots:
            _print(robot, arguments.dry_run)
    if any(robot["error"] for robot in robots):
        return PARTIAL
    return NOTHING_FOUND if all(robot["nothing"] for robot in robots) else DONE


def _record(arguments: argparse.Namespace, target: dict[str, Any], robots: list[str]) -> None:
    """Record in the audit logs that something was forgotten; what, the receipts say, without the person."""
    for folder in robot_folders(arguments.data):
        if folder.robot_id in robots:
            who = {"operator": target["operator"], "reason": target["reason"]}
            record_stored(folder, FORGET, {**who, "order": target["order_id"], "blur": arguments.blur})


def _target(arguments: argparse.Namespace) -> dict[str, Any]:
    """What is asked for, without faces.

    :raises RequestError: not one thing, or half of a stretch of time.
    """
    of_time = bool(arguments.start or arguments.end)
    if bool(arguments.start) != bool(arguments.end) or (of_time and not arguments.robot):
        raise RequestError("--from and --to belong together, and need --robot: a stretch of time of one robot")
    if (sum(map(bool, (arguments.person, arguments.name, arguments.image))) + of_time) != 1:
        raise RequestError("say what to forget: --person ID, --name NAME, --image FILE, or --robot R --from T --to T")
    if arguments.face and not arguments.image:
        raise RequestError("--face chooses a face of a picture: give --image too")
    return {
        "order_id": f"f_{uuid.uuid4().hex[:16]}",
        "person_id": arguments.person,
        "name": arguments.name,
        "start_ns": parse_time(arguments.start) if of_time else None,
        "end_ns": parse_time(arguments.end) if of_time else None,
        "blur": arguments.blur,
        "operator": plain_text(arguments.operator or user_name("cli"), "the operator", 64),
        "reason": plain_text(arguments.reason, "the reason", _LONGEST_REASON),
    }


def _print(robot: dict[str, Any], dry_run: bool) -> None:
    """Print what one robot forgot, or would."""
    name, found = robot["robot_id"], robot["found"]
    if robot["error"]:
        print(f"{name}: {robot['error']}", file=sys.stderr)
        return
    if robot["nothing"]:
        print(f"{name}: nothing to forget")
        return
    print(f"{name}: {'would forget' if dry_run else 'forgot'} {describe(found)}")
    if robot["person_ids"]:
        print(f"  ids: {', '.join(robot['person_ids'])}")
    if robot["names"]:
        print(f"  enrolled as: {', '.join(robot['names'])}")
    for person, lost in found["others_lose"].items():
        verb = "would lose" if dry_run else "lost"
        print(f"  {person} {verb} {lost['frames']} frames, {lost['clips']} clips that show both")
    if found["frames_encoded_again"]:
        print(f"  {found['frames_encoded_again']} other frames of the same films are encoded again, with some loss")
    if found["similar_not_forgotten"]:
        print(f"  not forgotten, but alike in a picture: {', '.join(found['similar_not_forgotten'])}")
    if robot["receipt"]:
        print(f"  receipt: {robot['receipt']['order_id']}")


def describe(found: dict[str, Any]) -> str:
    """What was found, in words."""
    blurred = sum(found["frames_blurred"].values())
    parts = [
        f"{sum(found['sightings'].values())} sightings with {found['thumbnails']} thumbnails",
        f"{sum(found['frames_deleted'].values())} frames" + (f" ({blurred} more blurred)" if blurred else ""),
        f"{found['clips']} clips",
        f"{found['events']} events",
        f"{found['search_log_lines']} lines of the search log",
        f"{found['merge_decisions']} merge decisions",
        f"{found['gallery_entries']} gallery entries",
    ]
    if found["files_set_aside"]:
        parts.append(f"{found['files_set_aside']} damaged files that were set aside")
    return ", ".join(parts)
