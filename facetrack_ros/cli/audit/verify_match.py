"""``facetrack verify``: says of a match of a search whether it is the person."""

import argparse
import json
import re
import time

from facetrack_ros.cli.audit.operator import add_operator_arguments, said, said_in_message
from facetrack_ros.cli.exit_codes import DONE
from facetrack_ros.cli.mesh_option import add_mesh_argument, mesh_prefix
from facetrack_ros.config import Config
from facetrack_ros.errors import RequestError

_MATCH = re.compile(r"([A-Za-z][A-Za-z0-9_]*):[0-9a-f]{8}")
# A robot reads its audit log for the search.
_CALL_S = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    add = parser.add_argument
    add("search", metavar="SEARCH", help="id of the search, as its answer gives it")
    add("match", metavar="MATCH", help="id of the match, such as robot1:5e1f90ab")
    add("verdict", choices=("confirm", "reject"), help="whether it is the person")
    add("--data", metavar="DIR", help="stored histories instead of the mesh, one folder per robot")
    add_mesh_argument(parser)
    add(
        "--config", metavar="FILE", help="with --data: settings, a YAML file: audit.confirmations, audit.require_reason"
    )
    add_operator_arguments(parser)
    add("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Record the verdict and print the match's state."""
    found = _MATCH.fullmatch(arguments.match)
    if found is None:
        raise RequestError(f"{arguments.match!r} is no match: give it as the answer does, such as robot1:5e1f90ab")
    state, note = (_stored if arguments.data else _live)(arguments, found[1])
    if arguments.json:
        print(json.dumps({"search_id": arguments.search, "match_id": arguments.match, "state": state, "note": note}))
    else:
        print(f"{arguments.match} of search {arguments.search} is {state}{f': {note}' if note else ''}")
    return DONE


def _stored(arguments: argparse.Namespace, robot: str) -> tuple[str, str]:
    from facetrack_ros.cli.robot_folders import robot_folders, usable
    from facetrack_ros.history.audit.verifications import UNVERIFIED, MatchVerifications

    config = Config.load(arguments.config)
    who = said(arguments, config)
    folder = usable(robot_folders(arguments.data, robot)[0])
    matches, required = MatchVerifications(folder.path, folder.robot_id), config.audit.confirmations
    verdict = (arguments.search, arguments.match, arguments.verdict == "confirm", who["operator"], who["reason"])
    state = matches.verify(*verdict, time.time_ns(), required)
    confirmed = matches.persons_who_confirm(arguments.search, arguments.match)
    note = f"confirmed by {len(confirmed)} of {required} persons" if state == UNVERIFIED else ""
    return state, note


def _live(arguments: argparse.Namespace, robot: str) -> tuple[str, str]:
    from facetrack_ros import srv
    from facetrack_ros.client.fleet_client import FleetClient

    request = srv.VerifyMatch.Request(
        search_id=arguments.search,
        match=arguments.match,
        confirmed=arguments.verdict == "confirm",
        **said_in_message(arguments),
    )
    with FleetClient(robot, mesh_prefix(arguments)) as client:
        response = client.call(srv.VerifyMatch, "verify_match", request, _CALL_S)
    if not response.success:
        raise RequestError(f"{robot}: {response.message}")
    return response.state, response.message
