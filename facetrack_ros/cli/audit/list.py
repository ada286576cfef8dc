"""``facetrack audit list``: prints the audit logs of stored histories."""

import argparse
import json
import sys

from facetrack_ros.cli.audit.records import add_choice_arguments, chosen_records
from facetrack_ros.cli.exit_codes import DONE, NOTHING_FOUND, PARTIAL
from facetrack_ros.core.utc import show_utc

#: Fields that a line shows by itself, or that say nothing to a reader.
_SHOWN = ("kind", "timestamp", "robot_id", "operator", "reason", "n", "prev", "hash", "question", "input", "asker")
_PROVEN = ("operator_verified", "signed_by")
_LONGEST = 160


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    add_choice_arguments(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object per record and line")


def run(arguments: argparse.Namespace) -> int:
    """Print the records, ordered by time; return 0, 1: there are none, 3: a log could not be read."""
    records, problems = chosen_records(arguments)
    for record in records:
        print(json.dumps(record) if arguments.json else _line(record))
    if not records and not arguments.json:
        print("no such record")
    for problem in problems:
        print(f"not listed in full: {problem}", file=sys.stderr)
    return PARTIAL if problems else DONE if records else NOTHING_FOUND


def _line(record: dict) -> str:
    who = record.get("operator") or record.get("asker") or record.get("signed_by") or "unknown"
    why = f" ({record['reason']})" if record.get("reason") else ""
    number = f"#{record['n']}" if "n" in record else "-"
    rest = ", ".join(
        f"{name} {_short(value)}"
        for name, value in record.items()
        if name not in (*_SHOWN, *_PROVEN) and value not in ("", None, [])
    )
    time = show_utc(round(record.get("timestamp", 0.0) * 1e9))
    return f"{time}  {record['robot_id']:<10} {number:>6}  {record['kind']:<12} {who}{why}{_proof(record)}: {rest}"


def _proof(record: dict) -> str:
    """How far it is proven who asked; empty: nobody did."""
    said, signed_by = record.get("operator") or record.get("asker"), record.get("signed_by")
    if record.get("operator_verified") or (signed_by and said in (signed_by, None, "")):
        return " [verified]"
    if signed_by:
        return f" [claimed, as {signed_by} passes it on]"
    return " [claimed]" if said else ""


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
