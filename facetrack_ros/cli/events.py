"""``facetrack events``: who came and went, from the event logs of all robots below a folder."""

import argparse
import json
from pathlib import Path

from facetrack_ros.errors import StoreError
from facetrack_ros.history.events.format import read_events
from facetrack_ros.history.events.text import event_line
from facetrack_ros.history.layout import history_folders


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommand's arguments."""
    parser.add_argument("--data", required=True, metavar="DIR", help="folder of histories, one folder a robot")
    parser.add_argument("--json", action="store_true", help="one event a line as in the event log")


def run(arguments: argparse.Namespace) -> int:
    """Print the events of all robots in order of time."""
    folders = history_folders(Path(arguments.data))
    if not folders:
        raise StoreError(f"no robot's history below {arguments.data}")
    events = sorted(
        (event for folder in folders for event in read_events(folder.path)), key=lambda event: event["timestamp"]
    )
    for event in events:
        print(json.dumps(event) if arguments.json else event_line(event))
    return 0
