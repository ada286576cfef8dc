"""Frames of a match, fetched from the robot that stores them."""

from collections.abc import Callable, Iterator

from facetrack_ros import srv
from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import RequestError
from facetrack_ros.nodes.conversion.time import to_ns, to_time
from facetrack_ros.nodes.conversion.vision import frame_from_message
from facetrack_ros.search.response import Match

CALL_S = 5.0


def remote_frames(client: FleetClient) -> Callable[[Match, int, int], Iterator[Frame]]:
    """A function that fetches the frames of a match between two stamps by the robot's service ``get_frames``.

    It raises a :class:`RequestError` if the robot has no frames or does not respond; such a robot is not called again.
    """
    silent: set[str] = set()

    def frames_of(match: Match, start_ns: int, end_ns: int) -> Iterator[Frame]:
        if match.robot_id in silent:
            raise RequestError(f"{match.robot_id} does not return its frames")
        while start_ns <= end_ns:
            request = srv.GetFrames.Request(
                camera_id=match.camera_id,
                start=to_time(start_ns),
                end=to_time(end_ns) if end_ns > start_ns else to_time(0),
            )
            try:
                response = client.call(srv.GetFrames, "get_frames", request, CALL_S, match.robot_id)
            except RequestError:
                silent.add(match.robot_id)
                raise
            if not response.success:
                raise RequestError(response.message)
            for message, number in zip(response.frames, response.frame_numbers):
                yield frame_from_message(message, match.camera_id, number)
            if not response.more:
                return
            next_ns = to_ns(response.frames[-1].header.stamp) + 1 if response.frames else start_ns
            if next_ns <= start_ns:
                raise RequestError(f"{match.robot_id} returns its frames out of order")
            start_ns = next_ns

    return frames_of
