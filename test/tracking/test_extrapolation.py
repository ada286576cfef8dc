"""Tracks are extrapolated between analysed frames."""

import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.tracking.extrapolation import MAX_EXTRAPOLATION_NS, TrackExtrapolator

SECOND_NS = 1_000_000_000


def track(track_id, x, state=TrackState.TRACKING):
    face = Face(np.zeros(4, np.float32), np.zeros((5, 2), np.float32), 0.9, 0.5)
    return Track(track_id, "p_1", state, np.array([x, 0, x + 50, 100], np.float32), 0.9, face)


def walked(state=TrackState.TRACKING):
    between = TrackExtrapolator()
    between.update(1 * SECOND_NS, (track("t1", 100),))
    between.update(2 * SECOND_NS, (track("t1", 140, state), track("t2", 300)))
    return between


def test_a_moving_track_is_extrapolated_and_one_of_unknown_speed_stays():
    first, second = walked().at(2 * SECOND_NS + SECOND_NS // 4)
    assert first.bbox.tolist() == [150, 0, 200, 100]
    assert second.bbox.tolist() == [300, 0, 350, 100]
    assert first.bbox.dtype == np.float32
    assert first.face is None


def test_extrapolation_is_bounded_and_never_goes_back():
    between = walked()
    assert between.at(60 * SECOND_NS)[0].bbox[0] == between.at(2 * SECOND_NS + MAX_EXTRAPOLATION_NS)[0].bbox[0] == 180
    assert between.at(0)[0].bbox[0] == 140


def test_a_lost_track_stays_and_an_idle_one_is_left_out():
    assert walked(TrackState.LOST).at(3 * SECOND_NS)[0].bbox[0] == 140
    assert [each.track_id for each in walked(TrackState.IDLE).at(3 * SECOND_NS)] == ["t2"]


def test_who_is_in_a_box_is_not_known_for_longer_than_the_extrapolation():
    between = walked()
    assert [each.kept for each in between.at(2 * SECOND_NS + MAX_EXTRAPOLATION_NS)] == [True, True]
    assert [each.kept for each in between.at(2 * SECOND_NS + MAX_EXTRAPOLATION_NS + 1)] == [False, False]
