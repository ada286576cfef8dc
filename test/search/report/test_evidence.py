"""Frames and clips of matches are saved, and robots without them named."""

import av
import numpy as np

from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.errors import RequestError
from facetrack_ros.search.report.evidence import save_evidence
from facetrack_ros.search.response import Match

SECOND = 10**9
JPEG = encode_jpeg(np.full((48, 64, 3), 90, np.uint8))


def match(robot, first, stamp, last):
    stamps = (stamp * SECOND, first * SECOND, last * SECOND)
    return Match(robot, "front", "p_1", "t1", 1, *stamps, np.zeros(4), np.zeros(4), 0.9, 0.5)


def frames_of(match, start_ns, end_ns):
    if match.robot_id == "robot9":
        raise RequestError("robot9 was asked but did not answer within 5 s")
    if match.robot_id == "robot8":
        return
    for tenth in range(-(-start_ns * 10 // SECOND), end_ns * 10 // SECOND + 1):
        yield Frame("front", tenth * SECOND // 10, tenth, JPEG if tenth % 7 else b"damaged")


def test_the_frame_is_saved_as_it_was_stored_and_the_visit_as_a_film(tmp_path):
    saved = save_evidence((match("robot1", 10, 11, 12),), frames_of, tmp_path, clips=True)
    frame, clip = tmp_path / "match_01_robot1_front_frame.jpg", tmp_path / "match_01_robot1_front.mp4"
    assert saved == ([], {1: frame}, {1: clip})
    assert frame.read_bytes() == JPEG
    with av.open(str(clip)) as film:
        shown = list(film.decode(video=0))
    # From a second before to a second after, at ten a second, but for the damaged ones.
    assert len(shown) == len([tenth for tenth in range(90, 131) if tenth % 7])
    assert abs(shown[-1].time - 4.0) < 0.05


def test_a_film_of_an_hour_is_cut_to_half_a_minute_around_the_best_face(tmp_path):
    asked = []

    def remembering(match, start_ns, end_ns):
        asked.append((start_ns // SECOND, end_ns // SECOND))
        return frames_of(match, start_ns, start_ns)

    save_evidence((match("robot1", 0, 1000, 3600),), remembering, tmp_path, frames=False, clips=True)
    assert asked == [(985, 1015)]


def test_who_does_not_give_its_frames_is_named_and_the_others_are_saved(tmp_path):
    matches = tuple(match(robot, 1, 1, 1) for robot in ("robot9", "robot8", "robot1"))
    missing, frames, _ = save_evidence(matches, frames_of, tmp_path)
    assert len(missing) == 2
    assert list(frames) == [3]
    assert "match 1: robot9 was asked" in missing[0]
    assert "robot8/front no longer has the frame" in missing[1]
    assert [path.name for path in tmp_path.iterdir()] == ["match_03_robot1_front_frame.jpg"]
