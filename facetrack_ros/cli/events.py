"""``facetrack events``: prints the event logs of all robots below a folder."""

import argparse
import json

from facetrack_ros.cli.robot_folders import robot_folders
from facetrack_ros.history.events.format import read_events
from facetrack_ros.history.events.text import event_line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    parser.add_argument("--data", required=True, metavar="DIR", help="folder of histories, one folder per robot")
    parser.add_argument("--json", action="store_true", help="one JSON object per event and line, as in the event log")


def run(arguments: argparse.Namespace) -> int:
    """Print the events of all robots, ordered by time."""
    events = [event for folder in robot_folders(arguments.data) for event in read_events(folder.path)]
    for event in sorted(events, key=lambda event: event["timestamp"]):
        print(json.dumps(event) if arguments.json else event_line(event))
    return 0
