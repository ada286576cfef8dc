"""Time to write and read CDR messages: the package's own code, rosbags and rclpy.

    python benchmarks/cdr.py [--kilobytes 120] [--matches 20] [--json FILE]

Least microseconds a message, of a frame as ``CompressedImage`` and ``CompressedVideo``, written by the package and by
rosbags and read by rosbags, and of a robot's ``FaceSearchResult``, read by rosbags and by rclpy into the same values.
"""

import timeit
from collections.abc import Callable

import common
import numpy as np
from rclpy.serialization import deserialize_message, serialize_message

from facetrack_ros import msg
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.pose import RobotPose
from facetrack_ros.history.messages import cdr
from facetrack_ros.history.messages.image import image_parts, read_image
from facetrack_ros.history.messages.schemas import IMAGE, VIDEO
from facetrack_ros.history.messages.video import FORMAT, read_video, video_parts
from facetrack_ros.nodes.conversion.search import (
    match_from_message,
    match_to_message,
    robot_response_from_message,
    robot_response_to_message,
)
from facetrack_ros.nodes.conversion.search_result_cdr import read_result
from facetrack_ros.search.response import Match, RobotResponse

STAMP_NS = 1_700_000_000 * cdr.SECOND_NS + 5


def frame_cases(size: int) -> dict[str, Callable]:
    """Writing and reading of frames."""
    types, frame = cdr.typestore().types, Frame("front", STAMP_NS, 0, bytes(size))

    def write_image() -> bytes:
        data = np.frombuffer(frame.jpeg, np.uint8)
        return cdr.serialize(types[IMAGE](cdr.header(STAMP_NS, "front"), "jpeg", data), IMAGE)

    def write_video() -> bytes:
        data = np.frombuffer(frame.jpeg, np.uint8)
        return cdr.serialize(types[VIDEO](cdr.header(STAMP_NS, "").stamp, "front", data, FORMAT), VIDEO)

    image, video = write_image(), write_video()
    assert image == b"".join(image_parts(frame))
    assert video == b"".join(video_parts(frame, frame.jpeg))
    return {
        "image, written by the package": lambda: image_parts(frame),
        "image, written by rosbags": write_image,
        "image, read by rosbags": lambda: read_image(image),
        "video, written by the package": lambda: video_parts(frame, frame.jpeg),
        "video, written by rosbags": write_video,
        "video, read by rosbags": lambda: read_video(video),
    }


def result_cases(count: int) -> dict[str, Callable]:
    """Reading of a search result."""
    box, pose = np.arange(4, dtype=np.float32), RobotPose("map", STAMP_NS, (1.0, 2.0, 3.0), (0.0, 0.0, 0.0, 1.0))
    ids = ("robot1", "front", "p_robot1_1", "t1", 7)
    match = Match(*ids, STAMP_NS, STAMP_NS, STAMP_NS, box, box, 0.5, 0.75, bytes(3000), False, pose)
    message = msg.FaceSearchResult(
        search_id="s",
        robot=robot_response_to_message(RobotResponse("robot1", "answered", count, 1000, 1.5)),
        matches=[match_to_message(match)] * count,
    )
    data = serialize_message(message)

    def by_rclpy() -> tuple:
        read = deserialize_message(data, msg.FaceSearchResult)
        return robot_response_from_message(read.robot), tuple(map(match_from_message, read.matches))

    return {
        f"result of {count} matches, read by rosbags": lambda: read_result(data),
        f"result of {count} matches, read by rclpy": by_rclpy,
    }


def main() -> None:
    """Measure and print."""
    parser = common.argument_parser(__doc__, data=False)
    parser.add_argument("--kilobytes", type=int, default=120)
    parser.add_argument("--matches", type=int, default=20)
    arguments = common.parse(parser)
    found = {}
    for name, case in {**frame_cases(arguments.kilobytes * 1000), **result_cases(arguments.matches)}.items():
        count = max(timeit.Timer(case).autorange()[0] // 4, 1)
        found[name] = round(min(timeit.repeat(case, number=count, repeat=9)) / count * 1e6, 2)
        print(f"{name:<42} {found[name]:8.2f} us")
    common.write_json(arguments.json, {"arguments": vars(arguments), "found": found})


if __name__ == "__main__":
    main()
