"""Persons and tracks go to other packages' detections and back without a box moving."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rclpy", reason="needs ROS 2")

from facetrack_ros import msg
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.nodes.conversion.time import to_ns
from facetrack_ros.nodes.conversion.vision import detections_to_message, tracks_to_message
from facetrack_ros.nodes.conversion.vision_msgs import detections_array, persons_array, persons_of, tracks_array

FRAME = Frame("front", 1_700_000_000_123_456_789, 7, b"", "front_optical")


class _Tree:
    """Stands for a message of vision_msgs: each field is created at its first access."""

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        setattr(self, name, _Tree())
        return getattr(self, name)


KINDS = SimpleNamespace(Detection2DArray=_Tree, Detection2D=_Tree, ObjectHypothesisWithPose=_Tree)


def theirs(*rows):
    """Another detector's message: ``(class, score, x, y, width, height, theta)`` a row."""
    array = _Tree()
    array.detections = []
    for kind, score, x, y, width, height, theta in rows:
        one, what = _Tree(), _Tree()
        what.hypothesis.class_id, what.hypothesis.score = kind, score
        one.results = [what]
        one.bbox.center.position.x, one.bbox.center.position.y, one.bbox.center.theta = x, y, theta
        one.bbox.size_x, one.bbox.size_y = width, height
        array.detections.append(one)
    return array


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 1000, width=32),
            st.floats(0, 1000, width=32),
            st.floats(1, 500, width=32),
            st.floats(1, 500, width=32),
            st.floats(0.5, 1, width=32),
        ),
        max_size=5,
    )
)
def test_conversion_and_back_gives_the_same_detections(rows):
    boxes = np.array([(x, y, x + w, y + h) for x, y, w, h, _ in rows], np.float32).reshape(-1, 4)
    mine = Detections(boxes, np.array([row[4] for row in rows], np.float32), "net")
    array = detections_array(KINDS, detections_to_message(FRAME, mine))
    for one in array.detections:
        one.bbox.center.theta = 0.0
    back = persons_of(array, frozenset({"person"}), 0.4, "other")
    assert back.boxes == pytest.approx(mine.boxes, abs=1e-2)
    assert back.scores == pytest.approx(mine.scores)
    assert to_ns(array.header.stamp) == FRAME.stamp_ns
    assert array.header.frame_id == "front_optical"


def tracks():
    box = np.array([10, 20, 50, 120], np.float32)
    return tracks_to_message(
        FRAME,
        "face",
        (
            Track("t_1", "p_1", TrackState.TRACKING, box, 0.9),
            Track("t_2", "", TrackState.TRACKING, box, 0.8),
            Track("t_3", "p_3", TrackState.LOST, box, 0.7),
        ),
    )


def test_tracks_have_track_ids_persons_person_ids_and_lost_tracks_are_left_out():
    assert [one.id for one in tracks_array(KINDS, tracks()).detections] == ["t_1", "t_2"]
    persons = persons_array(KINDS, tracks()).detections
    assert [one.id for one in persons] == ["p_1"]
    assert persons[0].results[0].hypothesis.class_id == "person"
    assert (persons[0].bbox.center.position.x, persons[0].bbox.size_y) == (30, 100)


def test_only_persons_of_a_sufficient_score_are_taken():
    array = theirs(
        ("person", 0.9, 50, 50, 20, 40, 0),
        ("0", 0.8, 50, 50, 20, 40, 0),
        ("chair", 0.9, 50, 50, 20, 40, 0),
        ("person", 0.3, 50, 50, 20, 40, 0),
    )
    assert persons_of(array, frozenset({"person", "0"}), 0.4, "x").scores == pytest.approx([0.9, 0.8])


def test_a_rotated_box_becomes_its_axis_aligned_bounding_box():
    array = theirs(("person", 0.9, 50, 50, 20, 40, np.pi / 2))
    assert persons_of(array, frozenset({"person"}), 0.4, "x").boxes == pytest.approx(
        np.array([[30, 40, 70, 60]]), abs=1e-4
    )


@pytest.mark.parametrize(
    "row",
    [
        ("person", 0.9, np.nan, 50, 20, 40, 0),
        ("person", np.nan, 50, 50, 20, 40, 0),
        ("person", 0.9, 50, 50, 0, 40, 0),
        ("person", 0.9, 50, 50, np.inf, 40, 0),
    ],
)
def test_malformed_boxes_are_left_out(row):
    assert len(persons_of(theirs(row), frozenset({"person"}), 0.4, "x")) == 0


def test_the_test_message_has_the_fields_of_vision_msgs():
    assert isinstance(tracks(), msg.Tracks)
