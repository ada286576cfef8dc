"""Predictions of a box in real time."""

import numpy as np
import pytest

from facetrack_ros.tracking.kalman import BoxKalmanFilter

BOX = np.array([100, 100, 160, 280], np.float32)
SECOND = 10**9


def walk(times_s, speed=(50, 0)):
    motion = BoxKalmanFilter(round(times_s[0] * SECOND), BOX)
    for time_s in times_s[1:]:
        motion.update(
            round(time_s * SECOND), BOX + np.tile(np.multiply(speed, time_s - times_s[0]), 2).astype(np.float32)
        )
    return motion


@pytest.mark.parametrize("times_s", [np.arange(0, 2, 0.04), np.cumsum([0, 0.5, 0.04, 0.3, 0.02, 0.7, 0.04, 0.2])])
def test_the_speed_is_of_true_time_whatever_the_frame_rate(times_s):
    later = walk(times_s).predicted(round((times_s[-1] + 0.4) * SECOND))
    assert later[0] == pytest.approx(100 + 50 * (times_s[-1] + 0.4), abs=6)


def test_an_unseen_box_slows_down_and_keeps_its_size():
    motion = walk(np.arange(0, 2, 0.1))
    far = motion.predicted(1000 * SECOND)
    assert far[0] - 200 < 50 * 6.5
    assert far[2] - far[0] == pytest.approx(60, abs=1)


def test_camera_motion_moves_the_prediction():
    motion = walk(np.arange(0, 1, 0.1))
    before = motion.predicted(SECOND)
    motion.shift(np.array([[1, 0, -300], [0, 1, 20]], float))
    assert motion.predicted(SECOND) - before == pytest.approx(np.array([-300, 20, -300, 20]), abs=0.01)
    motion.shift(np.array([[2, 0, 0], [0, 2, 0]], float))
    grown = motion.predicted(SECOND)
    assert grown[3] - grown[1] == pytest.approx(360, abs=3)


def test_boxes_stay_boxes_over_years():
    motion = BoxKalmanFilter(0, BOX)
    motion.update(1, BOX)
    motion.update(10**18, BOX + 5)
    assert np.isfinite(motion.predicted(2 * 10**18)).all()
