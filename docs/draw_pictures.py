"""Draw the timeline of the README, with drawn faces of invented people.

python docs/draw_pictures.py
"""

from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.search.camera_coverage import CameraCoverage
from facetrack_ros.search.report.timeline import draw_timeline
from facetrack_ros.search.response import ANSWERED, TIMED_OUT, Match, RobotResponse, SearchResponse

MINUTE = 60_000_000_000
NOON = 1_777_636_800 * 1_000_000_000
BOX = np.zeros(4, np.float32)


def drawn_face(wall: tuple[int, int, int], turn: int = 0, smile: int = 10) -> bytes:
    """A drawn face, as JPEG; ``turn`` moves it sideways, pixels."""
    picture = np.full((192, 192, 3), wall, np.uint8)
    x = 96 + turn
    cv2.ellipse(picture, (96, 212), (84, 62), 0, 180, 360, (140, 88, 62), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (x, 84), (60, 68), 0, 0, 360, (38, 52, 84), -1, cv2.LINE_AA)
    cv2.rectangle(picture, (x - 16, 130), (x + 16, 168), (138, 172, 214), -1)
    cv2.ellipse(picture, (x, 98), (46, 58), 0, 0, 360, (152, 188, 230), -1, cv2.LINE_AA)
    cv2.ellipse(picture, (x, 56), (52, 26), 0, 180, 360, (38, 52, 84), -1, cv2.LINE_AA)
    for eye in (x - 18 + turn // 4, x + 18 + turn // 4):
        cv2.circle(picture, (eye, 94), 5, (60, 46, 40), -1, cv2.LINE_AA)
        cv2.ellipse(picture, (eye, 82), (10, 4), 0, 180, 360, (38, 52, 84), 2, cv2.LINE_AA)
    cv2.line(picture, (x + turn // 3, 98), (x - 3 + turn // 3, 114), (120, 150, 196), 2, cv2.LINE_AA)
    cv2.ellipse(picture, (x + turn // 4, 124), (16, smile), 0, 10, 170, (70, 70, 170), 3, cv2.LINE_AA)
    return encode_jpeg(picture)


def visit(robot: str, camera: str, first: float, last: float, similarity: float, face: bytes) -> Match:
    """A match; its times are minutes after noon."""
    return Match(
        robot,
        camera,
        "p_robot1_4",
        f"t_{robot}_{camera}_1",
        100,
        NOON + int((first + last) / 2 * MINUTE),
        NOON + int(first * MINUTE),
        NOON + int(last * MINUTE),
        BOX,
        BOX,
        similarity,
        0.9,
        face,
    )


def main() -> None:
    """Write docs/timeline.png."""
    matches = (
        visit("robot1", "front", 2.0, 4.6, 0.81, drawn_face((206, 214, 220))),
        visit("robot2", "front", 9.2, 11.1, 0.74, drawn_face((196, 220, 200), 10, 4)),
        visit("robot1", "rear", 5.1, 6.0, 0.66, drawn_face((214, 200, 206), -14, 6)),
        visit("robot4", "door", 14.8, 17.0, 0.61, drawn_face((190, 204, 226), 16, 12)),
    )
    robots = (
        RobotResponse("robot1", ANSWERED, 2, 5210, 1.9),
        RobotResponse("robot2", ANSWERED, 1, 3120, 1.2),
        RobotResponse("robot3", TIMED_OUT),
        RobotResponse("robot4", ANSWERED, 1, 2880, 1.1),
    )
    covered = {
        ("robot1", "front"): ((0, 20),),
        ("robot1", "rear"): ((0, 12), (15, 20)),
        ("robot2", "front"): ((3, 20),),
        ("robot3", "front"): ((0, 20),),
        ("robot4", "door"): ((8, 20),),
    }
    coverage = [
        CameraCoverage(*place, tuple((NOON + start * MINUTE, NOON + end * MINUTE) for start, end in spans))
        for place, spans in covered.items()
    ]
    response = SearchResponse("example", "mobilefacenet_foamliu", 0.5, 0.03, matches, robots)
    draw_timeline(
        response, Path(__file__).parent / "timeline.png", coverage, reference=drawn_face((230, 226, 222), 0, 12)
    )


if __name__ == "__main__":
    main()
