"""``facetrack events``: who came and went, from the event logs of robots; with ``-f`` also from now on."""

import argparse
import contextlib
import json
import signal
import sys
import time
from collections import OrderedDict
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from facetrack_ros.cli.event_stream.choice import EventChoice
from facetrack_ros.cli.event_stream.logs import EventLogs
from facetrack_ros.cli.event_stream.people import EventPeople
from facetrack_ros.cli.exit_codes import DONE, NOTHING_FOUND, PARTIAL
from facetrack_ros.cli.mesh_option import add_mesh_argument, mesh_prefix
from facetrack_ros.cli.robot_folders import robot_folders
from facetrack_ros.cli.time_format import TIME_HELP, parse_time
from facetrack_ros.config import data_folder
from facetrack_ros.core.names import nfc
from facetrack_ros.errors import ConfigError, RequestError, StoreError
from facetrack_ros.history.events.format import event_to_dict
from facetrack_ros.history.events.text import event_line

if TYPE_CHECKING:
    from facetrack_ros.client.live_events import LiveEvents

# How often logs are read and robots are looked for while events are followed.
POLL_S = 0.25
# Stored events that -f begins with where --since is not given.
FIRST_SHOWN = 10
# Events remembered so that one that is both in a log and published is shown once.
_MOST_REMEMBERED = 50_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    add = parser.add_argument
    add_several = partial(add, action="append", default=[])
    add("--data", metavar="DIR", help="folder of histories, one folder per robot; default: that of facetrack run")
    add(
        "-f",
        "--follow",
        action="store_true",
        help=f"go on with new events of the logs, and of the robots on the mesh, until Ctrl-C; begins with those "
        f"stored since --since, or the last {FIRST_SHOWN}",
    )
    add_several("--robot", metavar="NAME", help="only of this robot; may be given several times")
    add_several("--camera", metavar="NAME", help="only of this camera; may be given several times")
    add("--person", default="", metavar="ID", help="only of this person: an id, also one merged by now, or a name")
    add("--since", metavar="TIME", help=f"only from then on: {TIME_HELP}")
    add_mesh_argument(parser)
    add("--json", action="store_true", help="one JSON object per event and line, as in the event log")


def run(arguments: argparse.Namespace) -> int:
    """Print events by time; return 0, 1: there are none, 3: a log could not be read. With ``-f``, 0 after Ctrl-C."""
    since_s = parse_time(arguments.since) / 1e9 if arguments.since else None
    robots, cameras = tuple(arguments.robot), tuple(arguments.camera)
    printer = _Printer(EventChoice(robots, cameras, nfc(arguments.person), since_s), arguments.json)
    logs = EventLogs(arguments.data or data_folder())
    if not arguments.follow:
        return _print_stored(arguments, printer, logs)
    # A shell may have started it with the signal ignored, in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        _follow(arguments, printer, logs)
    return DONE


class _Printer:
    """Prints events that are chosen, each once."""

    def __init__(self, choice: EventChoice, as_json: bool):
        self.people = EventPeople()
        self.choice, self._json = choice, as_json
        self._shown: OrderedDict[tuple, None] = OrderedDict()

    def print(self, events: Iterable[dict], most: int | None = None) -> int:
        """Print events; how many.

        :param most: only the last so many; None: all.
        """
        events = [event for event in events if self._is_new(event)]
        for event in events:
            self.people.learn(event)
        chosen = [event for event in events if self.choice.has(event, self.people)]
        for event in chosen if most is None else chosen[-most:]:
            whole = self.people.completed(event)
            print(json.dumps(whole) if self._json else event_line(whole), flush=True)
        return len(chosen)

    def _is_new(self, event: dict) -> bool:
        names = ("robot_id", "camera_id", "event", "person_id", "timestamp", "reference_face_id", "search_id")
        key = tuple(event.get(name) for name in names)
        if key in self._shown:
            return False
        self._shown[key] = None
        if len(self._shown) > _MOST_REMEMBERED:
            self._shown.popitem(last=False)
        return True


def _print_stored(arguments: argparse.Namespace, printer: _Printer, logs: EventLogs) -> int:
    folders = robot_folders(arguments.data or data_folder())
    known = [folder.robot_id for folder in folders]
    unknown = [robot for robot in arguments.robot if robot not in known]
    if unknown:
        raise ConfigError(f"there is no robot {unknown[0]}, only {', '.join(known)}")
    logs.read_people(printer.people)
    count = printer.print(logs.read())
    if not count and not arguments.json:
        chosen = printer.choice != EventChoice()
        print(f"no {'such ' if chosen else ''}event is recorded by {', '.join(arguments.robot or known)}")
    _report(logs)
    return PARTIAL if logs.problems else DONE if count else NOTHING_FOUND


def _follow(arguments: argparse.Namespace, printer: _Printer, logs: EventLogs) -> None:
    """Print the last stored events, and new ones until Ctrl-C.

    :raises ConfigError: there is nothing to follow.
    """
    has_logs = bool(arguments.data) or Path(data_folder()).is_dir()
    if has_logs:
        try:
            logs.read_people(printer.people)
            printer.print(logs.read(), None if arguments.since else FIRST_SHOWN)
        except StoreError as error:
            print(f"facetrack events: {error}; it is followed once it is there", file=sys.stderr)
    reported = _report(logs)
    with contextlib.ExitStack() as stack:
        live = _open_live(arguments, stack, has_logs)
        while True:
            events = _published(live, printer) if live is not None else []
            if has_logs:
                # After those published, as each is logged before: of events that come at once, none overtakes another.
                with contextlib.suppress(StoreError):  # the folder is not there yet, or no longer
                    logs.read_people(printer.people)
                    events += logs.read()
                reported = _report(logs, reported)
            printer.print(sorted(events, key=lambda event: event["timestamp"]))
            time.sleep(POLL_S)


def _open_live(arguments: argparse.Namespace, stack: contextlib.ExitStack, has_logs: bool) -> "LiveEvents | None":
    """Events of the mesh; None: this machine has no ROS 2, and logs are followed."""
    mesh = mesh_prefix(arguments)
    try:
        from facetrack_ros.client.fleet_client import FleetClient
        from facetrack_ros.client.live_events import LiveEvents
    except ImportError as error:
        if not has_logs:
            raise ConfigError(f"there is nothing to follow: no data folder, and ROS 2 is not here ({error})") from error
        print(f"robots of the mesh are not heard, as ROS 2 is not here ({error}); logs are followed", file=sys.stderr)
        return None
    client = stack.enter_context(FleetClient(mesh=mesh))
    where = f"the logs below {arguments.data or data_folder()} and " if has_logs else ""
    print(f"following {where}the robots of {client.mesh}; Ctrl-C ends it", file=sys.stderr, flush=True)
    return LiveEvents(client)


def _published(live: "LiveEvents", printer: _Printer) -> list[dict]:
    """What robots published since the last call; robots that are new are subscribed."""
    new = live.find_robots()
    for robot in new:
        print(f"{robot} is heard", file=sys.stderr, flush=True)
    if new and printer.choice.person:
        with contextlib.suppress(RequestError):  # it has left again
            people, gallery = live.people()
            printer.people.add_merges(people.merges.decisions)
            printer.people.add_names({key: entry.name for key, entry in gallery.gallery.items()})
    return [{**event_to_dict(event), **_name_of(event)} for event in live.take()]


def _name_of(event) -> dict:
    return {"reference_name": event.reference_name} if event.reference_name else {}


def _report(logs: EventLogs, reported: int = 0) -> int:
    """Print problems beyond the first so many to stderr; how many there are."""
    for problem in logs.problems[reported:]:
        print(f"not listed in full: {problem}", file=sys.stderr)
    return len(logs.problems)
