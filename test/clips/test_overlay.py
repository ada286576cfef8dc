"""The overlay is drawn on a copy, within the picture, for any boxes."""

import numpy as np
import pytest

from facetrack_ros.clips.overlay import colour_of, draw_overlay
from facetrack_ros.core.face import Face
from facetrack_ros.core.track import Track, TrackState

STAMP = 1_777_636_800_000_000_000


def track(box, state=TrackState.TRACKING, person="p_robot1_1"):
    face = Face(np.array(box, np.float32), np.zeros((5, 2), np.float32), 0.9, 0.9)
    return Track("t", person, state, np.array(box, np.float32), 0.9, face)


MATCHES = [
    (f"0.9{number}  robot1/front  12:00:0{number}  p_robot1_{number}", f"p_robot1_{number}") for number in range(5)
]


@pytest.mark.parametrize("box", [(10, 10, 60, 90), (-50, -50, 10, 10), (150, 100, 900, 900), (0, 0, 0, 0)])
@pytest.mark.parametrize("state", list(TrackState))
def test_the_frame_stays_as_it_was_and_the_copy_shows_something(box, state):
    image = np.full((120, 200, 3), 90, np.uint8)
    image.flags.writeable = False
    drawn = draw_overlay(image, (track(box, state),), STAMP, "robot1/front", MATCHES)
    assert drawn.shape == image.shape
    assert (image == 90).all()
    assert (drawn != 90).any()


def test_a_person_has_the_same_colour_everywhere():
    assert colour_of("p_robot1_1") == colour_of("p_robot1_1") != colour_of("p_robot1_2")


def test_three_matches_are_shown_and_no_more():
    image = np.full((400, 640, 3), 90, np.uint8)
    three, five = (draw_overlay(image, (), STAMP, "robot1/front", MATCHES[:count]) for count in (3, 5))
    np.testing.assert_array_equal(three, five)


def test_the_title_counts_who_is_detected_in_this_frame(monkeypatch):
    written = []
    monkeypatch.setattr("facetrack_ros.clips.overlay.cv2.putText", lambda _, text, *place: written.append(text))
    tracks = (
        track((10, 10, 60, 90)),
        track((70, 10, 120, 90), person=""),
        track((130, 10, 180, 90), TrackState.LOST, "p_robot1_2"),
    )
    draw_overlay(np.full((120, 200, 3), 90, np.uint8), tracks, STAMP, "robot1/front")
    assert written[:3] == ["p_robot1_1  detected 0.90", "new  detected 0.90", "p_robot1_2  not detected"]
    assert written[3].endswith("2 people in view")
