"""``facetrack audit verify``: checks the audit logs of stored histories."""

import argparse
import json
from pathlib import Path

from facetrack_ros.cli.exit_codes import DONE, PARTIAL
from facetrack_ros.cli.robot_folders import robot_folders
from facetrack_ros.errors import StoreError
from facetrack_ros.history.audit import audit_log, verifications
from facetrack_ros.history.audit.hash_chain import HashChain
from facetrack_ros.history.audit.old_log import old_logs
from facetrack_ros.history.audit.peer_heads import known_heads
from facetrack_ros.history.audit.verification import verify_chain
from facetrack_ros.history.layout import RobotFolder, history_folders


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    add = parser.add_argument
    add("--data", required=True, metavar="DIR", help="folder of histories, one folder per robot")
    add("--robot", metavar="NAME", help="only this robot's log")
    add(
        "--peers",
        action="append",
        default=[],
        metavar="DIR",
        help="a further folder of histories, whose robots remember these logs too; may be given several times",
    )
    add("--json", action="store_true", help="one JSON object per log and line")


def run(arguments: argparse.Namespace) -> int:
    """Check each log and print what was found; return 0: nothing is wrong, 3: something is."""
    peers = _peers([arguments.data, *arguments.peers])
    right = True
    for folder in robot_folders(arguments.data, arguments.robot):
        for name in (audit_log.NAME, verifications.NAME):
            result = _check(folder, name, peers)
            right = right and not result["problems"]
            if arguments.json:
                print(json.dumps(result))
            elif name == audit_log.NAME or result["records"] or result["problems"]:
                print(_text(result))
    return DONE if right else PARTIAL


def _peers(data_dirs: list[str]) -> list[RobotFolder]:
    folders = {folder.path: folder for directory in data_dirs for folder in history_folders(directory)}
    return list(folders.values())


def _check(folder: RobotFolder, name: str, peers: list[RobotFolder]) -> dict:
    result = {"robot_id": folder.robot_id, "log": name, "records": 0, "number": 0, "hash": None, "known_by": []}
    if folder.error:
        return {**result, "unhashed_files": [], "problems": [folder.error]}
    known = []
    if name == audit_log.NAME:
        for peer in peers:
            if peer.path != folder.path:
                known += known_heads(peer.path, folder.robot_id, peer.robot_id)
    try:
        check = verify_chain(HashChain(folder.path, name, folder.robot_id), known)
    except StoreError as error:
        return {**result, "unhashed_files": [], "problems": [str(error)]}
    problems = [str(problem) for problem in check.problems]
    if check.more:
        problems.append(f"and {check.more} more problems")
    unhashed = [path.name for path in old_logs(Path(folder.path))] if name == audit_log.NAME else []
    return {
        **result,
        "records": check.records,
        "number": check.head.number,
        "hash": check.head.hash if check.records else None,
        "known_by": [each.source for each in known],
        "unhashed_files": unhashed,
        "problems": problems,
    }


def _text(result: dict) -> str:
    log = f"{result['robot_id']}  {'audit log' if result['log'] == audit_log.NAME else 'verifications'}"
    if result["problems"]:
        lines = [f"{log}: {len(result['problems'])} problems", *(f"  {each}" for each in result["problems"])]
    elif not result["records"]:
        lines = [f"{log}: nothing is recorded"]
    else:
        head = f"the newest is {result['number']}, {result['hash'][:16]}…"
        lines = [f"{log}: {result['records']} records, unchanged; {head}"]
    if result["log"] == audit_log.NAME and result["records"]:
        known = ", ".join(result["known_by"])
        end = f"compared with what {known} remembers" if known else "known nowhere else"
        lines.append(f"  whether records were cut off at the end: {end}")
    if result["unhashed_files"]:
        lines.append(
            f"  {len(result['unhashed_files'])} files of an earlier version, without hashes, cannot be checked"
        )
    return "\n".join(lines)
