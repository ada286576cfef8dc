"""``facetrack requests``: what the robots were asked to change, and which of them did it, also later."""

import argparse
import json
from typing import Any

from facetrack_ros.cli.exit_codes import DONE, NOTHING_FOUND, PARTIAL
from facetrack_ros.cli.mesh_option import add_mesh_argument, mesh_prefix
from facetrack_ros.cli.persons import answer_to_dict, report_not_done
from facetrack_ros.core.fleet.fleet_request import field_of, list_of
from facetrack_ros.core.fleet.kinds import LIST_REQUESTS
from facetrack_ros.core.printable import printable
from facetrack_ros.core.utc import show_utc
from facetrack_ros.errors import InvalidInput
from facetrack_ros.history.requests.request_log import MOST_REQUESTS
from facetrack_ros.search.fleet.fleet_answer import DONE as ANSWER_DONE
from facetrack_ros.search.fleet.fleet_answer import FleetAnswer

_TEXTS = ("kind", "operator", "reason")
#: Of a robot that keeps a request and has not done it, or that has not heard of it.
OPEN = "open"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    add_mesh_argument(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """List the requests, oldest first, with a state for each robot: done, refused with the reason, or open."""
    from facetrack_ros.client.fleet_client import FleetClient
    from facetrack_ros.client.fleet_requester import FleetRequester

    with FleetClient("", mesh_prefix(arguments)) as client:
        answer = FleetRequester(client).ask(LIST_REQUESTS)
    requests = requests_of(answer)
    if arguments.json:
        print(json.dumps({"requests": requests, **answer_to_dict(answer)}, ensure_ascii=False))
    else:
        for request in requests:
            print("\n".join(_lines(request)))
        if not requests:
            print("the robots were asked to change nothing")
    code = report_not_done(answer)
    still_open = any(robot["state"] == OPEN for request in requests for robot in request["answers"])
    return code or (PARTIAL if still_open else DONE if requests else NOTHING_FOUND)


def requests_of(answer: FleetAnswer) -> list[dict[str, Any]]:
    """The requests that robots list, oldest first, each with what every robot that it is for says of it.

    :param answer: to the kind ``list_requests``.
    """
    found: dict[str, dict[str, Any]] = {}
    said: dict[tuple[str, str], dict[str, Any]] = {}
    for line in answer.done:
        for each in _listed(line.values):
            found.setdefault(each["id"], {name: each[name] for name in ("id", *_TEXTS, "issued", "robots")})
            said[each["id"], line.robot_id] = each
    here = [line.robot_id for line in answer.done]
    for request in found.values():
        robots = request.pop("robots") or here
        request["answers"] = [_of_robot(robot, said.get((request["id"], robot))) for robot in robots]
    return sorted(found.values(), key=lambda request: (request["issued"], request["id"]))


def _of_robot(robot: str, said: dict[str, Any] | None) -> dict[str, Any]:
    state = said["state"] if said else OPEN
    return {
        "robot_id": robot,
        "state": state,
        "reason": said["why"] if said else "",
        "at": said["at"] if said else None,
    }


def _listed(values: dict[str, Any]) -> list[dict[str, Any]]:
    """The requests of one robot's answer; those that cannot be used are left out."""
    listed = []
    for each in list_of(values, "requests", dict, MOST_REQUESTS):
        try:
            texts = ("id", *_TEXTS, "state", "why")
            line: dict[str, Any] = {name: printable(field_of(each, name, str, ""), 500) for name in texts}
            line["state"] = line["state"] if line["state"] in (ANSWER_DONE, "refused") else OPEN
            line["issued"] = field_of(each, "issued_ns", int) / 1e9
            line["at"] = field_of(each, "done_ns", int) / 1e9 if "done_ns" in each else None
            line["robots"] = [printable(robot, 64) for robot in list_of(each, "robots", str, 500)]
        except InvalidInput:
            continue
        listed.append(line)
    return listed


def _lines(request: dict[str, Any]) -> list[str]:
    why = f"  ({request['reason']})" if request["reason"] else ""
    lines = [f"{show_utc(round(request['issued'] * 1e9))} UTC  {request['kind']:<8} by {request['operator']}{why}"]
    for robot in request["answers"]:
        at = f", {show_utc(round(robot['at'] * 1e9))} UTC" if robot["at"] else ""
        lines.append(f"  {robot['robot_id']}: {robot['state']}{at}{': ' + robot['reason'] if robot['reason'] else ''}")
    return lines
