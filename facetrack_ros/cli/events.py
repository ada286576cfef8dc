"""``facetrack events``: prints the event logs of all robots below a folder."""

import argparse
import json
import sys

from facetrack_ros.cli.exit_codes import DONE, NOTHING_FOUND, PARTIAL
from facetrack_ros.cli.robot_folders import robot_folders
from facetrack_ros.errors import StoreError
from facetrack_ros.history.events.format import event_logs, read_log
from facetrack_ros.history.events.text import event_line
from facetrack_ros.history.layout import RobotFolder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    parser.add_argument("--data", required=True, metavar="DIR", help="folder of histories, one folder per robot")
    parser.add_argument("--json", action="store_true", help="one JSON object per event and line, as in the event log")


def run(arguments: argparse.Namespace) -> int:
    """Print the events of all robots, ordered by time; return 0, 1: there are none, 3: a log could not be read."""
    folders = robot_folders(arguments.data)
    events: list[dict] = []
    problems: list[str] = []
    for folder in folders:
        found, why = _events(folder)
        events += found
        problems += why
    for event in sorted(events, key=lambda event: event["timestamp"]):
        print(json.dumps(event) if arguments.json else event_line(event))
    if not events and not arguments.json:
        print(f"no event is recorded by {', '.join(folder.robot_id for folder in folders)}")
    for problem in problems:
        print(f"not listed in full: {problem}", file=sys.stderr)
    return PARTIAL if problems else DONE if events else NOTHING_FOUND


def _events(folder: RobotFolder) -> tuple[list[dict], list[str]]:
    """The events of a robot, and why they may not be all."""
    events: list[dict] = []
    problems = [f"{folder.robot_id}: {folder.error}"] if folder.error else []
    for path in event_logs(folder.path):
        try:
            found, _, damaged = read_log(path)
        except StoreError as error:
            problems.append(f"{folder.robot_id}: {error}")
            continue
        events += found
        if damaged:
            problems.append(f"{folder.robot_id}: {damaged} damaged lines of {path}")
    return events, problems
