"""``facetrack audit export``: writes the audit logs of stored histories into a file, which is recorded."""

import argparse
import csv
import io
import json
import os
import sys
from pathlib import Path

from facetrack_ros.cli.audit.operator import add_operator_arguments, record_stored, said
from facetrack_ros.cli.audit.records import add_choice_arguments, chosen_records
from facetrack_ros.cli.exit_codes import DONE, NOTHING_FOUND, PARTIAL
from facetrack_ros.cli.robot_folders import robot_folders
from facetrack_ros.config import Config
from facetrack_ros.errors import RequestError
from facetrack_ros.history.audit.audit_log import EXPORT

#: Columns of the table; all other fields are one JSON object in the last.
COLUMNS = ("robot_id", "n", "timestamp", "kind", "operator", "reason", "prev", "hash")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    add_choice_arguments(parser)
    parser.add_argument("--format", choices=("json", "csv"), default="json", help="JSON lines (default), or a table")
    parser.add_argument("--out", required=True, metavar="FILE", help="the file, which must not exist yet")
    parser.add_argument("--config", metavar="FILE", help="settings, a YAML file: whether a reason is demanded")
    add_operator_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Write the file; return 0, 1: there are no such records, 3: a log could not be read."""
    who = said(arguments, Config.load(arguments.config))
    records, problems = chosen_records(arguments)
    path = Path(arguments.out)
    data = _json(records) if arguments.format == "json" else _csv(records)
    try:
        with open(path, "x", encoding="utf-8", newline="", opener=_private) as file:
            file.write(data)
    except FileExistsError as error:
        raise RequestError(f"{path} exists already: name another file with --out") from error
    exported = {record["robot_id"] for record in records}
    for folder in robot_folders(arguments.data, arguments.robot):
        if folder.robot_id in exported:
            count = sum(record["robot_id"] == folder.robot_id for record in records)
            record_stored(folder, EXPORT, {**who, "what": ["audit log"], "records": count, "to": str(path)})
    print(f"{len(records)} records of {', '.join(sorted(exported)) or 'no robot'} in {path}")
    for problem in problems:
        print(f"not exported in full: {problem}", file=sys.stderr)
    return PARTIAL if problems else DONE if records else NOTHING_FOUND


def _json(records: list[dict]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def _csv(records: list[dict]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*COLUMNS, "details"])
    for record in records:
        details = {name: value for name, value in record.items() if name not in COLUMNS}
        writer.writerow([*(_cell(record.get(name, "")) for name in COLUMNS), json.dumps(details)])
    return text.getvalue()


def _cell(value: object) -> object:
    """A value for a spreadsheet, which would take a text that begins like a formula for one."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
