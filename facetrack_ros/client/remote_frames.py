"""Frames of a match, fetched from the robot that stores them."""

import base64
import binascii
from collections.abc import Callable, Iterator
from typing import Any

from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.client.fleet_requester import FleetRequester
from facetrack_ros.core import validation
from facetrack_ros.core.fleet.fleet_request import field_of, list_of
from facetrack_ros.core.fleet.kinds import FRAMES
from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import InvalidInput, RequestError
from facetrack_ros.search.fleet.fleet_answer import MISSING
from facetrack_ros.search.response import Match

CALL_S = 5.0
# Frames of one answer, and the largest number of one.
_MOST_FRAMES, _MOST_NUMBER = 10_000, 2**63 - 1


def remote_frames(
    client: FleetClient, operator: str = "", reason: str = ""
) -> Callable[[Match, int, int], Iterator[Frame]]:
    """A function that fetches the frames of a match between two stamps by requests to its robot.

    :param operator: who asks, and why, for the audit log; empty: the user of this process.

    It raises a :class:`RequestError` if the robot has no frames or does not respond; such a robot is not called again.
    """
    silent: set[str] = set()
    requester = FleetRequester(client)

    def frames_of(match: Match, start_ns: int, end_ns: int) -> Iterator[Frame]:
        if match.robot_id in silent:
            raise RequestError(f"{match.robot_id} does not return its frames")
        while start_ns <= end_ns:
            end = end_ns if end_ns > start_ns else 0
            asked = {"camera_id": match.camera_id, "start_ns": start_ns, "end_ns": end}
            (line, *_) = requester.ask(
                FRAMES, asked, CALL_S, robots=(match.robot_id,), operator=operator, reason=reason
            ).lines
            if line.state == MISSING:
                silent.add(match.robot_id)
            if line.reason:
                raise RequestError(f"{match.robot_id}: {line.reason}")
            try:
                frames = [_frame(each, match.camera_id) for each in list_of(line.values, "frames", dict, _MOST_FRAMES)]
            except InvalidInput as error:
                raise RequestError(f"{match.robot_id} returns no frames: {error}") from error
            yield from frames
            if not field_of(line.values, "more", bool, False):
                return
            next_ns = frames[-1].stamp_ns + 1 if frames else start_ns
            if next_ns <= start_ns:
                raise RequestError(f"{match.robot_id} returns its frames out of order")
            start_ns = next_ns

    return frames_of


def _frame(values: dict[str, Any], camera_id: str) -> Frame:
    """A frame of an answer.

    :raises InvalidInput: it is none.
    """
    try:
        data = base64.b64decode(field_of(values, "data", str), validate=True)
    except (ValueError, binascii.Error) as error:
        raise InvalidInput("a frame is not in base64", "bytes") from error
    stamp_ns = validation.stamp(field_of(values, "stamp_ns", int), "the stamp of a frame")
    number = validation.count(values.get("number"), "the number of a frame", _MOST_NUMBER)
    return Frame(camera_id, stamp_ns, number, data, validation.plain_text(values.get("frame_id", ""), "the frame", 255))
