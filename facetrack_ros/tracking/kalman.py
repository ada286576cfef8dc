"""Kalman filter of one box in real time."""

import math

import numpy as np

from facetrack_ros.tracking.settings import SECOND_NS

# Standard deviations in parts of the box's height, because a person twice as near moves and jitters by twice as many
# pixels. The jitter of 0.05 is that of BoT-SORT (Aharon et al., 2022); the others were chosen as the defaults of
# TrackingSettings.
_JITTER = 0.05
_FIRST_SPEED = 1.5
_PLACE_NOISE = 0.03
_SPEED_NOISE = 0.4
# Time constant with which an unseen person slows down.
_COAST_S = 6.0


class BoxKalmanFilter:
    """Predicts one box: its centre moves at a speed that decays while unseen, its size stays as seen.

    Time is real time, so gaps and irregular frame rates need no special care. Size has no speed: the box of a person
    being covered shrinks, and a shrinking box carried on would vanish.

    :param stamp_ns: of the first box.
    :param box: ``(4,)`` ``x1, y1, x2, y2`` in pixels.
    """

    def __init__(self, stamp_ns: int, box: np.ndarray):
        # Python floats: on arrays this small numpy takes five times as long, for each person in each frame.
        self.last_ns = stamp_ns
        self._x, self._y, self._width, self._height = _centre_and_size(box)
        self._speed_x = self._speed_y = 0.0
        height = max(1.0, self._height)
        # Variances of place and speed and their covariance, the same for both axes.
        self._var_place, self._var_speed = (2 * _JITTER * height) ** 2, (_FIRST_SPEED * height) ** 2
        self._covariance = 0.0

    def predicted(self, stamp_ns: int) -> np.ndarray:
        """The predicted box at ``stamp_ns``, ``(4,)`` float32."""
        coast_s, _ = self._coast(stamp_ns)
        x, y = self._x + self._speed_x * coast_s, self._y + self._speed_y * coast_s
        half_width, half_height = max(self._width, 1.0) / 2, max(self._height, 1.0) / 2
        return np.array([x - half_width, y - half_height, x + half_width, y + half_height], np.float32)

    def update(self, stamp_ns: int, box: np.ndarray) -> None:
        """Correct the state with the detected box."""
        coast_s, kept = self._coast(stamp_ns)
        passed_s = (stamp_ns - self.last_ns) / SECOND_NS
        height = max(1.0, self._height)
        var_place = (
            self._var_place
            + 2 * coast_s * self._covariance
            + coast_s**2 * self._var_speed
            + (_PLACE_NOISE * height) ** 2 * passed_s
        )
        covariance = kept * (self._covariance + coast_s * self._var_speed)
        var_speed = kept**2 * self._var_speed + (_SPEED_NOISE * height) ** 2 * passed_s
        spread = var_place + (_JITTER * height) ** 2
        gain, speed_gain = var_place / spread, covariance / spread
        x, y, width, height = _centre_and_size(box)
        expected_x, expected_y = self._x + self._speed_x * coast_s, self._y + self._speed_y * coast_s
        self._x, self._y = expected_x + gain * (x - expected_x), expected_y + gain * (y - expected_y)
        self._width += gain * (width - self._width)
        self._height += gain * (height - self._height)
        self._speed_x = kept * self._speed_x + speed_gain * (x - expected_x)
        self._speed_y = kept * self._speed_y + speed_gain * (y - expected_y)
        self._var_place, self._covariance = var_place * (1 - gain), covariance * (1 - gain)
        self._var_speed = var_speed - covariance * speed_gain
        self.last_ns = stamp_ns

    def shift(self, affine: np.ndarray) -> None:
        """Apply the camera's motion: a point ``p`` of the last frame is at ``affine @ (p, 1)`` in this one.

        :param affine: ``(2, 3)``.
        """
        linear = affine[:, :2]
        self._x, self._y = (linear @ (self._x, self._y) + affine[:, 2]).tolist()
        self._speed_x, self._speed_y = (linear @ (self._speed_x, self._speed_y)).tolist()
        scale = math.sqrt(abs(float(np.linalg.det(linear))))
        self._width, self._height = self._width * scale, self._height * scale

    def _coast(self, stamp_ns: int) -> tuple[float, float]:
        """Seconds of motion at the last speed that equal the motion until now, and the part of that speed left."""
        kept = math.exp(-(stamp_ns - self.last_ns) / SECOND_NS / _COAST_S)
        return _COAST_S * (1 - kept), kept


def _centre_and_size(box: np.ndarray) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = box.tolist()
    return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
