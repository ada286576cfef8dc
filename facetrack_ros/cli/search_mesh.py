"""``facetrack search``: searches running robots over ROS."""

import argparse
import array
import time
import uuid

from sensor_msgs.msg import CompressedImage

from facetrack_ros import msg, srv
from facetrack_ros.cli.mesh_option import mesh_prefix
from facetrack_ros.cli.search_output import Outcome, save_frames
from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.client.remote_frames import remote_frames
from facetrack_ros.nodes.conversion.heartbeat import coverage_from_message
from facetrack_ros.nodes.conversion.search import match_from_message, response_from_service, robot_response_from_message
from facetrack_ros.nodes.conversion.time import to_duration, to_time
from facetrack_ros.search.camera_coverage import coverage_of_response
from facetrack_ros.search.report.table import part_line
from facetrack_ros.search.thumbnails import with_checked_thumbnails

# Longest wait for the heartbeats of robots that are in the response, counted from the start.
DISCOVERY_S = 2.0


def search(arguments: argparse.Namespace, image: bytes, time_ns: int, window_ns: int) -> Outcome:
    """Call one robot's ``face_search``, which searches all robots.

    :raises RequestError: no such robot, or the robot refuses the request.
    """
    request = srv.FaceSearch.Request(
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
    )
    started = time.monotonic()
    with FleetClient(arguments.robot or "", mesh_prefix(arguments)) as client:
        if arguments.live:
            client.on_parts(lambda part: _print_part(part, request.search_id, arguments.json))
        message, seconds = client.search(request, arguments.timeout)
        response = with_checked_thumbnails(response_from_service(message))
        missing = save_frames(arguments, response, remote_frames(client))
        names = {line.robot_id for line in response.robots}
        # A robot that is gone sends no heartbeat: do not wait longer than discovery takes.
        client.wait_for(lambda roster: names <= set(roster), max(0.0, DISCOVERY_S - (time.monotonic() - started)))
        roster = [camera for line in client.roster().values() for camera in coverage_from_message(line)]
        source = f"{client.robot} answered after {seconds:.2f} s"
        return Outcome(response, source, coverage_of_response(response, roster), missing)


def _print_part(part: msg.FaceSearchPart, search_id: str, as_json: bool) -> None:
    if part.search_id != search_id or as_json:
        return
    robot = robot_response_from_message(part.robot[0]) if part.robot else None
    matches = [match_from_message(match) for match in part.matches]
    print(part_line(robot, matches, tuple(part.missing), part.last), flush=True)
