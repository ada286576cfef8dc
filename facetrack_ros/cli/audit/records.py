"""Records of the audit logs below ``--data``, chosen by the command line."""

import argparse

from facetrack_ros.cli.robot_folders import robot_folders
from facetrack_ros.cli.time_format import TIME_HELP, parse_time
from facetrack_ros.errors import StoreError
from facetrack_ros.history.audit.audit_log import AuditLog


def add_choice_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that choose records."""
    add = parser.add_argument
    add("--data", required=True, metavar="DIR", help="folder of histories, one folder per robot")
    add("--robot", metavar="NAME", help="only this robot's log")
    add(
        "--kind", action="append", default=[], metavar="KIND", help="only search, frames, …; may be given several times"
    )
    add("--by", metavar="NAME", help="only what this operator did")
    add("--from", dest="start", metavar="TIME", help=f"only records from then on: {TIME_HELP}")
    add("--to", dest="end", metavar="TIME", help="only records until then")


def chosen_records(arguments: argparse.Namespace) -> tuple[list[dict], list[str]]:
    """The records by time, each with ``robot_id``; and why some may be missing, a sentence a robot."""
    start = parse_time(arguments.start) / 1e9 if arguments.start else float("-inf")
    end = parse_time(arguments.end) / 1e9 if arguments.end else float("inf")
    records: list[dict] = []
    problems: list[str] = []
    for folder in robot_folders(arguments.data, arguments.robot):
        if folder.error:
            problems.append(f"{folder.robot_id}: {folder.error}")
            continue
        try:
            for record in AuditLog(folder.path, folder.robot_id).records(arguments.kind):
                by = arguments.by is None or arguments.by == record.get("operator")
                if by and start <= _time_of(record) <= end:
                    records.append({"robot_id": folder.robot_id, **record})
        except StoreError as error:
            problems.append(f"{folder.robot_id}: {error}")
    return sorted(records, key=_time_of), problems


def _time_of(record: dict) -> float:
    time = record.get("timestamp")
    return float(time) if isinstance(time, (int, float)) else 0.0
