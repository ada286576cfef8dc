"""Ask the live mesh through one robot's front door."""

import argparse
import array
import time
import uuid
from pathlib import Path

from sensor_msgs.msg import CompressedImage

from facetrack_ros import msg, srv
from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.nodes.conversion.search import (
    coverage_from_message,
    match_from_message,
    response_from_service,
    robot_response_from_message,
)
from facetrack_ros.nodes.conversion.time import to_duration, to_time
from facetrack_ros.search.camera_coverage import CameraCoverage, coverage_of_response
from facetrack_ros.search.response import SearchResponse

DISCOVERY_S = 2.0


def ask_mesh(
    arguments: argparse.Namespace, picture: bytes, time_ns: int, window_ns: int
) -> tuple[SearchResponse, str, list[CameraCoverage], list[str]]:
    """The answer, how it came, the lanes of the cameras heard of, and a sentence for each picture that could not be fetched.

    :raises RequestError: no such robot, or the robot refuses the question.
    """
    request = srv.FaceSearch.Request(
        image=CompressedImage(format="jpeg", data=array.array("B", picture)),
        person_id=arguments.person or "",
        name=arguments.name or "",
        time=to_time(time_ns),
        window=to_duration(window_ns),
        robots=arguments.seen_by,
        cameras=arguments.camera,
        threshold=arguments.threshold,
        max_results=arguments.limit,
        timeout=to_duration(round(arguments.timeout * 1e9)),
        rescan=arguments.rescan,
        search_id=uuid.uuid4().hex[:12],
    )
    started = time.monotonic()
    with FleetClient(arguments.robot or "") as asker:
        if arguments.live:
            asker.on_parts(lambda part: _show_part(part, request.search_id, arguments.json))
        response, seconds = asker.ask(request, arguments.timeout)
        answer = response_from_service(response)
        missing = _fetch(arguments, answer, asker)
        names = {line.robot_id for line in answer.robots}
        # A robot that is gone stays silent: wait no longer for its line than discovery takes.
        asker.wait_for(lambda roster: names <= set(roster), max(0.0, DISCOVERY_S - (time.monotonic() - started)))
        lanes = [lane for line in asker.roster().values() for lane in coverage_from_message(line)]
        return answer, f"{asker.robot} answered after {seconds:.2f} s", coverage_of_response(answer, lanes), missing


def _fetch(arguments: argparse.Namespace, answer: SearchResponse, asker: FleetClient) -> list[str]:
    if not (arguments.frames or arguments.clips):
        return []
    from facetrack_ros.client.remote_frames import frames_over_the_mesh
    from facetrack_ros.search.report.evidence import save_evidence

    folder = Path(arguments.out)
    folder.mkdir(parents=True, exist_ok=True)
    return save_evidence(answer.matches, frames_over_the_mesh(asker), folder, arguments.frames, arguments.clips)


def _show_part(part: msg.FaceSearchPart, search_id: str, as_json: bool) -> None:
    from facetrack_ros.search.report.table import part_line

    if part.search_id != search_id or as_json:
        return
    robot = robot_response_from_message(part.robot[0]) if part.robot else None
    print(
        part_line(robot, [match_from_message(match) for match in part.matches], tuple(part.missing), part.last),
        flush=True,
    )
