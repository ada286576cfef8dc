"""Cameras that are not mounted upright."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.errors import ConfigError
from facetrack_ros.pipeline.camera_rotation import CameraRotations, parse_rotations, turned_frame
from facetrack_ros.pipeline.rotation_lookahead import looked_ahead
from facetrack_ros.vision.frame_analysis import FrameAnalysis

SECOND = 1_000_000_000
CAMERAS = ("front", "rear")
EMPTY = Detections.none("persons")
ONE = Detections(np.array([[0, 0, 9, 9]], np.float32), np.ones(1, np.float32), "persons")


def frame_at(seconds, image=None, camera="front"):
    image = np.zeros((32, 48, 3), np.uint8) if image is None else image
    return Frame(camera, round(seconds * SECOND), 0, encode_jpeg(image))


def face(roll, rejected=""):
    """A face whose eyes are on a line rolled clockwise by degrees."""
    across = 10 * np.array([np.cos(np.radians(roll)), np.sin(np.radians(roll))])
    landmarks = np.array([20 - across, 20 + across, [20, 20], [20, 20], [20, 20]], np.float32)
    return Face(np.array([0, 0, 40, 40], np.float32), landmarks, 0.9, 0.8, rejected)


def feed(rotations, faces, times, persons=EMPTY, camera="front"):
    for time in times:
        frame = rotations.turned(frame_at(time, camera=camera))
        rotations.add(frame, FrameAnalysis(persons, faces))


@pytest.mark.parametrize(
    ("text", "front", "rear"),
    [
        ("auto", "auto", "auto"),
        ("180", "180", "180"),
        ("front=90", "90", "auto"),
        ("0 rear=270", "0", "270"),
        ("", *["auto"] * 2),
    ],
)
def test_one_value_for_all_cameras_or_one_for_each(text, front, rear):
    assert parse_rotations(text, CAMERAS) == {"front": front, "rear": rear}


@pytest.mark.parametrize("text", ["45", "front", "front=up", "side=90", "front=90 front=0", "90 180", "=90"])
def test_other_texts_are_refused(text):
    with pytest.raises(ConfigError, match=r"camera\.rotation"):
        CameraRotations(CAMERAS, text)


@pytest.mark.parametrize("degrees", [90, 180, 270])
@pytest.mark.parametrize("ending", [".jpg", ".png"])
def test_a_frame_is_turned_clockwise(degrees, ending):
    image = np.zeros((32, 48, 3), np.uint8)
    image[:16, :16] = 255
    frame = replace(frame_at(1), jpeg=cv2.imencode(ending, image)[1].tobytes())
    turned = turned_frame(frame, degrees)
    assert turned.rotation == degrees
    assert np.abs(turned.image.astype(int) - np.rot90(image, -degrees // 90)).max() < 20
    assert turned.smaller(2).shape[0] == turned.image.shape[0] // 2


def test_a_given_angle_holds_whatever_the_faces_say():
    rotations = CameraRotations(CAMERAS, "front=90")
    feed(rotations, (face(0, "upside down"),), range(50))
    assert rotations.degrees("front") == 90
    assert "as camera.rotation says" in rotations.describe("front")


@pytest.mark.parametrize(
    ("roll", "rejected", "degrees"), [(0, "upside down", 180), (10, "upside down", 180), (90, "", 270), (-80, "", 90)]
)
def test_faces_of_several_frames_that_agree_turn_their_camera_alone(roll, rejected, degrees):
    rotations, changes = CameraRotations(CAMERAS), []
    rotations.listeners.append(lambda *change: changes.append(change))
    feed(rotations, (face(roll, rejected),), [0, 1, 2, 3])
    assert rotations.degrees("front") == 0
    feed(rotations, (face(roll, rejected),), [4])
    assert changes == [("front", degrees)]
    assert rotations.turned(frame_at(5)).rotation == degrees
    assert rotations.degrees("rear") == 0
    assert f"front={degrees}" in rotations.describe("front")
    feed(rotations, (face(0),), range(5, 60))  # upright from now on
    assert len(changes) == 1


def test_backs_of_heads_and_faces_that_differ_say_nothing():
    rotations = CameraRotations(CAMERAS)
    feed(rotations, (face(0, "no face on a second search: score 0.62, needs 0.85"),), range(20))
    feed(rotations, (face(0, "upside down"), face(0)), range(20, 40))
    assert rotations.degrees("front") == 0
    assert "no face has shown yet" in rotations.describe("front")


def test_a_camera_is_turned_between_two_people_or_after_a_while():
    for persons_until, turned_at in ((8, 8), (99, 35)):
        rotations, at = CameraRotations(CAMERAS), []
        for second in range(60):
            persons = ONE if second < persons_until else EMPTY
            feed(rotations, (face(0, "upside down"),) if second < 5 else (), [second], persons)
            if rotations.degrees("front") and not at:
                at.append(second)
        assert at[0] == pytest.approx(turned_at, abs=2)


def test_a_person_on_their_head_does_not_turn_a_camera_known_as_upright():
    rotations = CameraRotations(CAMERAS)
    feed(rotations, (face(0),), range(10))
    feed(rotations, (face(0, "upside down"),), np.arange(10, 19, 0.1))
    assert rotations.degrees("front") == 0
    feed(rotations, (face(0, "upside down"),), np.arange(19, 60, 0.5))  # it was mounted anew
    assert rotations.degrees("front") == 180


def test_frames_are_searched_in_all_directions_until_faces_show_one_less_and_less_often():
    rotations = CameraRotations(CAMERAS)
    searched = [second for second in range(120) if rotations.needs_search(frame_at(second))]
    assert 5 < len(searched) < 15
    for second in (130, 150, 170, 190, 210):
        rotations.add(frame_at(second), FrameAnalysis(EMPTY, degrees_to_upright=90))
    assert rotations.degrees("front") == 90
    assert not any(rotations.needs_search(frame_at(second)) for second in range(220, 400))


def test_a_recording_is_searched_ahead_so_that_its_first_frame_is_upright():
    frames = [frame_at(0.1 * number) for number in range(300)]
    rotations, searched = CameraRotations(CAMERAS), []

    def search(image):
        searched.append(image)
        return 180 if len(searched) > 3 else None

    passed = list(map(rotations.turned, looked_ahead(iter(frames), rotations, search)))
    assert [frame.stamp_ns for frame in passed] == [frame.stamp_ns for frame in frames]
    assert {frame.rotation for frame in passed} == {180}
    assert len(searched) == 8


def test_a_recording_without_faces_is_searched_ahead_for_a_while_only():
    frames = [frame_at(0.1 * number) for number in range(300)]
    rotations, searched = CameraRotations(CAMERAS), []
    assert len(list(looked_ahead(iter(frames), rotations, searched.append))) == 300
    assert 40 <= len(searched) <= 52
