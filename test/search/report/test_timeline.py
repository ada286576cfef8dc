"""The timeline is a picture that shows every lane and every match."""

import math
import sys
from dataclasses import replace
from datetime import timedelta, timezone

import cv2
import numpy as np
import pytest

from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.errors import StoreError
from facetrack_ros.search.camera_coverage import CameraCoverage
from facetrack_ros.search.report.timeline import draw_timeline
from facetrack_ros.search.response import ANSWERED, ERROR, TIMED_OUT, Match, RobotResponse, SearchResponse

SECOND = 10**9
NOON = 1_795_348_800 * SECOND
BOX = np.zeros(4, np.float32)
MAGENTA = encode_jpeg(np.full((96, 96, 3), (255, 0, 255), np.uint8))
pytest.importorskip("matplotlib", reason="the timeline is drawn with matplotlib")


def match(robot, second, similarity=0.6, length=5, picture=MAGENTA, person="p_1"):
    start = NOON + int(second * SECOND)
    visit = (start, start, start + length * SECOND)
    return Match(robot, "front", person, f"t{second}", 1, *visit, BOX, BOX, similarity, 0.5, picture)


def drawn(tmp_path, matches, statuses, lanes=(), expected=0.01, **options):
    robots = tuple(RobotResponse(robot, status, 1, 10) for robot, status in statuses.items())
    ordered = tuple(sorted(matches, key=lambda one: -one.similarity))
    path = tmp_path / "timeline.png"
    draw_timeline(SearchResponse("s", "net", 0.35, expected, ordered, robots), path, lanes, **options)
    return cv2.imread(str(path))


def magenta_squares(image):
    mask = cv2.inRange(image, (200, 0, 200), (255, 80, 255))
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
    return sum(area > 1000 for area in stats[1:, cv2.CC_STAT_AREA])


def test_each_match_shows_its_face_even_where_they_crowd(tmp_path):
    matches = [match("robot1", second / 10, 0.4 + second / 100) for second in range(10)] + [match("robot2", 50)]
    lanes = [CameraCoverage(robot, "front", ((NOON, NOON + 100 * SECOND),)) for robot in ("robot1", "robot2")]
    image = drawn(tmp_path, matches, {"robot1": ANSWERED, "robot2": ANSWERED}, lanes)
    assert magenta_squares(image) == 11


def test_too_many_for_a_lane_keep_the_most_similar(tmp_path):
    image = drawn(tmp_path, [match("robot1", second, 0.9 - second / 100) for second in range(20)], {"robot1": ANSWERED})
    assert magenta_squares(image) == 10


def test_the_face_asked_for_stands_at_the_top(tmp_path):
    image = drawn(tmp_path, [], {"robot1": ANSWERED}, reference=MAGENTA)
    assert magenta_squares(image[:220, :300]) == 1


@pytest.mark.parametrize("lanes", [0, 1, 12])
def test_every_lane_adds_to_the_height(tmp_path, lanes):
    coverage = [CameraCoverage("robot1", f"camera{i}", ((NOON, NOON + SECOND),)) for i in range(lanes)]
    image = drawn(tmp_path, [], {"robot1": TIMED_OUT, "robot2": ERROR}, coverage, expected=math.nan)
    assert image.shape[1] == 1680
    assert image.shape[0] > 380 + 50 * lanes


def test_pictures_that_are_none_and_names_with_signs_do_not_break_it(tmp_path):
    matches = [match("robot1", 1, picture=b"", person="$x_{1}$"), match("robot1", 40, picture=b"no jpeg", person="")]
    options = {"title": "a $b$ c", "reference": b"none", "zone": timezone(timedelta(hours=-8))}
    assert drawn(tmp_path, matches, {"robot1": ANSWERED}, **options) is not None


@pytest.mark.filterwarnings("error")
def test_names_stand_there_as_far_as_the_font_has_their_letters(tmp_path):
    names = ("", "Zoë Ωμέγα", "\u7530\u4e2d", "\u05d0\u05d3\u05d4")
    images = [drawn(tmp_path, [replace(match("robot1", 10), name=name)], {"robot1": ANSWERED}) for name in names]
    assert (images[1] != images[0]).any()
    assert (images[2] == images[0]).all(), "the id stands for a name that cannot be drawn"
    assert (images[3] == images[0]).all(), "likewise for one from right to left"
    drawn(tmp_path, [], {"robot1": ANSWERED}, title="Who saw \u7530\u4e2d?")


def test_a_slice_cuts_what_reaches_beyond_it(tmp_path):
    lanes = [CameraCoverage("robot1", "front", ((NOON - 900 * SECOND, NOON + 900 * SECOND),))]
    shown, matches = {"start_ns": NOON, "end_ns": NOON + 60 * SECOND}, [match("robot1", -30, length=300)]
    image = drawn(tmp_path, matches, {"robot1": ANSWERED}, lanes, **shown)
    assert (image[:, :20] == 255).all()
    assert (image[:, -20:] == 255).all()


def test_drawing_leaves_no_global_state(tmp_path):
    before = "matplotlib.pyplot" in sys.modules
    drawn(tmp_path, [match("robot1", 0)], {"robot1": ANSWERED})
    assert ("matplotlib.pyplot" in sys.modules) == before


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(StoreError, match="another folder"):
        drawn(tmp_path / "absent", [], {"robot1": ANSWERED})


def test_what_is_alike_is_drawn_apart_without_its_face(tmp_path):
    found = match("robot1", 10, person="p_2")
    robots = (RobotResponse("robot1", ANSWERED, 0, 10),)
    images = []
    for alike in ((), (found,)):
        draw_timeline(SearchResponse("s", "net", 0.35, 0.01, (), robots, alike=alike), tmp_path / "timeline.png", ())
        images.append(cv2.imread(str(tmp_path / "timeline.png")))
    assert magenta_squares(images[1]) == 0
    assert images[0].shape == images[1].shape
    assert (images[0] != images[1]).any()
