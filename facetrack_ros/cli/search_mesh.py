"""``facetrack search``: searches running robots over ROS."""

import argparse
import array
import re
import time
import uuid
from dataclasses import replace
from typing import Any

from sensor_msgs.msg import CompressedImage

from facetrack_ros import msg, srv
from facetrack_ros.cli.audit.operator import said, said_in_message
from facetrack_ros.cli.mesh_option import mesh_prefix
from facetrack_ros.cli.search_output import Outcome, save_frames
from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.client.mesh_search import MeshSearch
from facetrack_ros.client.remote_frames import remote_frames
from facetrack_ros.config import Config
from facetrack_ros.errors import RequestError
from facetrack_ros.history.keeping_rules import KeepingRules
from facetrack_ros.nodes.conversion.fields import float_array
from facetrack_ros.nodes.conversion.heartbeat import coverage_from_message
from facetrack_ros.nodes.conversion.search import match_from_message, response_from_service, robot_response_from_message
from facetrack_ros.nodes.conversion.time import to_duration, to_time
from facetrack_ros.search.camera_coverage import coverage_of_response
from facetrack_ros.search.report.table import part_line
from facetrack_ros.search.response import LEFT, SearchResponse
from facetrack_ros.search.thumbnails import with_checked_thumbnails

# Longest wait for the heartbeats of robots that are in the response, counted from the start.
DISCOVERY_S = 2.0


def search(arguments: argparse.Namespace, image: bytes, time_ns: int, window_ns: int) -> Outcome:
    """Search all robots, or have the robot of ``--robot`` search them.

    :raises RequestError: no such robot, no model for the picture, or the request is refused.
    """
    request = _request(arguments, image, time_ns, window_ns)
    config = Config.load(arguments.config)
    started = time.monotonic()
    with FleetClient(arguments.robot or "", mesh_prefix(arguments), config) as client:
        ask = _through_robot if arguments.robot else _over_mesh
        response, source = ask(arguments, client, config, request)
        saved = save_frames(arguments, response, remote_frames(client, **said(arguments)))
        names = {line.robot_id for line in response.robots}
        # A robot that is gone sends no heartbeat: do not wait longer than discovery takes.
        client.wait_for(lambda roster: names <= set(roster), max(0.0, DISCOVERY_S - (time.monotonic() - started)))
        heartbeats = client.roster()
        roster = [camera for line in heartbeats.values() for camera in coverage_from_message(line)]
        rules = {robot: read for robot, line in heartbeats.items() if (read := KeepingRules.of_json(line.rules))}
        return Outcome(response, source, coverage_of_response(response, roster), saved, rules)


def _request(arguments: argparse.Namespace, image: bytes, time_ns: int, window_ns: int) -> srv.FaceSearch.Request:
    return srv.FaceSearch.Request(
        image=CompressedImage(format="jpeg", data=array.array("B", image)),
        person_id=arguments.person or "",
        name=arguments.name or "",
        time=to_time(time_ns),
        window=to_duration(window_ns),
        robots=arguments.seen_by,
        cameras=arguments.camera,
        threshold=arguments.threshold,
        operating_point=arguments.operating_point,
        face=arguments.face,
        max_results=arguments.limit,
        timeout=to_duration(round(arguments.timeout * 1e9)),
        rescan=arguments.rescan,
        search_id=uuid.uuid4().hex[:12],
        **said_in_message(arguments),
    )


def _over_mesh(
    arguments: argparse.Namespace, client: FleetClient, config: Config, request: srv.FaceSearch.Request
) -> tuple[SearchResponse, str]:
    """The answers of all robots, each from itself; and a sentence on how they came."""
    shows = arguments.live and not arguments.json

    def on_part(*part: Any) -> None:
        if shows:
            print(part_line(*part), flush=True)

    search = MeshSearch(client, config, on_part)
    try:
        started = time.monotonic()
        response = search.search(request)
        seconds = time.monotonic() - started
    except RequestError:
        owner = _robot_of(request.person_id)
        if owner not in client.roster():
            raise
        client.robot = owner  # it knows persons of earlier, whom robots do not tell of any more
        return _through_robot(arguments, client, config, request)
    count = len({line.robot_id for line in response.robots if line.status != LEFT})
    return response, f"{count} {'robot' if count == 1 else 'robots'} asked over the mesh in {seconds:.2f} s"


def _through_robot(
    arguments: argparse.Namespace, client: FleetClient, config: Config, request: srv.FaceSearch.Request
) -> tuple[SearchResponse, str]:
    """The answer of one robot for all; and a sentence on how it came. It gets the picture only with
    ``--send-picture``, else the face's embedding."""
    search_id, note = request.search_id, ""
    if arguments.live:
        client.on_parts(lambda part: _print_part(part, search_id, arguments.json))
    if len(request.image.data) and not arguments.send_picture:
        client.require_robot()
        parsed, _ = MeshSearch(client, config, lambda *part: None).parse(request, client.robot)
        note = parsed.reference_note
        request.image, request.face = CompressedImage(), 0
        request.embedding, request.model_id = float_array(parsed.embedding), parsed.model_id
    message, seconds = client.search(request, arguments.timeout)
    response = with_checked_thumbnails(response_from_service(message))
    if note:
        response = replace(response, reference_note=note)
    return response, f"{client.robot} answered after {seconds:.2f} s"


def _robot_of(person_id: str) -> str:
    """The robot that gave a person its id; empty: the id does not tell."""
    found = re.fullmatch(r"p_(.+)_\d+", person_id)
    return found[1] if found else ""


def _print_part(part: msg.FaceSearchPart, search_id: str, as_json: bool) -> None:
    if part.search_id != search_id or as_json:
        return
    robot = robot_response_from_message(part.robot[0]) if part.robot else None
    matches = [match_from_message(match) for match in part.matches]
    print(part_line(robot, matches, tuple(part.missing), part.last), flush=True)
