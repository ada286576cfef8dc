"""A thumbnail that is none is left out of an answer, and the robot's line says so."""

import sqlite3

import numpy as np
import pytest
from odd_pictures import gif, png

from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.report.json_report import response_to_dict
from facetrack_ros.search.report.table import response_table
from facetrack_ros.search.report.timeline_canvas import Canvas
from facetrack_ros.search.response import ANSWERED, Match, RobotResponse, SearchResponse
from facetrack_ros.search.thumbnails import with_checked_thumbnails, without_false_thumbnails

GOOD = encode_jpeg(np.zeros((96, 96, 3), np.uint8))
NONE = {
    "a canvas of 400 megapixels": gif(20_000, 20_000),
    "600 pixels": png(600, 20),
    "100 kB": GOOD + bytes(100_000),
    "words": b"words, words",
}


def match(thumbnail: bytes, robot: str = "robot2") -> Match:
    box = np.zeros(4, np.float32)
    return Match(robot, "front", f"p_{robot}_1", "t_1", 1, 10**18, 10**18, 10**18, box, box, 0.9, 0.9, thumbnail)


@pytest.mark.parametrize("kind", NONE)
def test_it_is_left_out_and_told(kind):
    robots = (RobotResponse("robot1", ANSWERED), RobotResponse("robot2", ANSWERED, note="a caveat"))
    matches = (match(GOOD, "robot1"), match(NONE[kind]), match(GOOD))
    response = with_checked_thumbnails(SearchResponse("s", "net", 0.5, 0.0, matches, robots))
    assert [one.thumbnail for one in response.matches] == [GOOD, b"", GOOD]
    assert [robot.note.count("thumbnail") for robot in response.robots] == [0, 1]
    assert response.robots[1].note.startswith("a caveat; ")
    assert "thumbnails of 1 matches were left out" in response_table(response, None)
    assert "thumbnails of 1 matches were left out" in response_to_dict(response)["robots"][1]["note"]


def test_good_ones_change_nothing():
    response, matches = RobotResponse("robot2", ANSWERED), (match(GOOD), match(b""))
    assert without_false_thumbnails(response, matches) == (response, matches)


@pytest.mark.parametrize("kind", NONE)
def test_the_timeline_draws_a_grey_square_for_it(kind):
    canvas = Canvas(2, 2)
    canvas.picture(0, 0, 1, NONE[kind], "#000000")
    assert canvas.png().startswith(b"\x89PNG")


def test_a_stored_thumbnail_of_many_megabytes_is_not_read(tmp_path):
    contract = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.5)
    store = SightingStore(tmp_path, contract, "robot1")
    box, vector = np.zeros(4, np.float32), np.eye(4, dtype=np.float32)[0]
    store.add("front", 10**18, 1, "t_robot1_1", "p_robot1_1", box, box, 0.9, vector, lambda: GOOD)
    store.close()
    (file,) = tmp_path.glob("*.sqlite*")
    with sqlite3.connect(file) as database:
        database.execute("UPDATE thumbnails SET jpeg = zeroblob(300000000)")
    database.close()
    store = SightingStore.open_readonly(tmp_path, contract)
    try:
        found = store.best_of_person("p_robot1_1")
    finally:
        store.close()
    assert len(found.thumbnail) < 100_000
    response, _ = without_false_thumbnails(RobotResponse("robot1", ANSWERED), [match(found.thumbnail)])
    assert response.note
