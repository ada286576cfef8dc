"""Ask the live mesh through one robot's front door."""

import argparse
import array
import time

from sensor_msgs.msg import CompressedImage

from facetrack_ros import srv
from facetrack_ros.nodes.asker import Asker
from facetrack_ros.nodes.conversion import answer_from_response, lanes_from_message, to_duration, to_time
from facetrack_ros.search.answer import Answer
from facetrack_ros.search.lane import Lane

DISCOVERY_S = 2.0


def ask_mesh(arguments: argparse.Namespace, picture: bytes, time_ns: int, window_ns: int) -> "tuple[Answer, str, list[Lane]]":
    """The answer, how it came, and the lanes of the cameras heard of.

    :raises QuestionError: no such robot, or the robot refuses the question.
    """
    request = srv.FaceSearch.Request(
        image=CompressedImage(format="jpeg", data=array.array("B", picture)), person_id=arguments.person or "",
        time=to_time(time_ns), window=to_duration(window_ns), threshold=arguments.threshold,
        timeout=to_duration(round(arguments.timeout * 1e9)))
    started = time.monotonic()
    with Asker(arguments.robot or "") as asker:
        response, seconds = asker.ask(request, arguments.timeout)
        answer = answer_from_response(response)
        names = {line.robot_id for line in answer.robots}
        # A robot that is gone stays silent: wait no longer for its line than discovery takes.
        asker.wait_for(lambda roster: names <= set(roster), max(0.0, DISCOVERY_S - (time.monotonic() - started)))
        return answer, f"{asker.robot} answered after {seconds:.2f} s", [lane for line in asker.roster().values() for lane in lanes_from_message(line)]
