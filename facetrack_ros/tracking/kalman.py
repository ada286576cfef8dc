"""Where a box will be: a Kalman filter in true time."""

import math

import numpy as np

# In parts of the box's height, because a person twice as near moves and jitters twice as many pixels. The jitter of
# 0.05 is that of BoT-SORT (Aharon et al., 2022); the others were chosen on TUD-Campus at 25 to 4 frames a second.
_JITTER = 0.05
_FIRST_SPEED = 1.5
_WANDER = 0.1
_PUSH = 0.8
# People out of sight do not keep their speed for long.
_COAST_S = 3.0
_SECOND_NS = 1_000_000_000


class BoxKalmanFilter:
    """One box that moves: centre with a speed that slows down while it is not seen, size as seen.

    Time is true time, so gaps and irregular frame rates need no care of the caller. Size has no speed: where somebody
    is half hidden the found box shrinks, and a shrinking box carried on vanishes.

    :param stamp_ns: of the first box.
    :param box: ``(4,)`` ``x1, y1, x2, y2`` in pixels.
    """

    def __init__(self, stamp_ns: int, box: np.ndarray):
        # Plain numbers: on arrays this small numpy takes five times as long, for each person in each frame.
        self.last_ns = stamp_ns
        self._x, self._y, self._width, self._height = _centre_and_size(box)
        self._speed_x = self._speed_y = 0.0
        height = max(1.0, self._height)
        # Variances of place and speed, and what they have in common; the same for all four numbers of the box.
        self._place, self._both, self._rate = (2 * _JITTER * height) ** 2, 0.0, (_FIRST_SPEED * height) ** 2

    def predicted(self, stamp_ns: int) -> np.ndarray:
        """The box at ``stamp_ns``, ``(4,)`` float32, if it goes on as it went."""
        reach_s, _ = self._coast(stamp_ns)
        x, y = self._x + self._speed_x * reach_s, self._y + self._speed_y * reach_s
        half_width, half_height = max(self._width, 1.0) / 2, max(self._height, 1.0) / 2
        return np.array([x - half_width, y - half_height, x + half_width, y + half_height], np.float32)

    def see(self, stamp_ns: int, box: np.ndarray) -> None:
        """Take the box found for it."""
        reach_s, kept = self._coast(stamp_ns)
        passed_s = (stamp_ns - self.last_ns) / _SECOND_NS
        height = max(1.0, self._height)
        place = self._place + 2 * reach_s * self._both + reach_s**2 * self._rate + (_WANDER * height) ** 2 * passed_s
        both = kept * (self._both + reach_s * self._rate)
        rate = kept**2 * self._rate + (_PUSH * height) ** 2 * passed_s
        spread = place + (_JITTER * height) ** 2
        gain, push = place / spread, both / spread
        x, y, found_width, found_height = _centre_and_size(box)
        expected_x, expected_y = self._x + self._speed_x * reach_s, self._y + self._speed_y * reach_s
        self._x, self._y = expected_x + gain * (x - expected_x), expected_y + gain * (y - expected_y)
        self._width += gain * (found_width - self._width)
        self._height += gain * (found_height - self._height)
        self._speed_x = kept * self._speed_x + push * (x - expected_x)
        self._speed_y = kept * self._speed_y + push * (y - expected_y)
        self._place, self._both, self._rate = place * (1 - gain), both * (1 - gain), rate - both * push
        self.last_ns = stamp_ns

    def shift(self, affine: np.ndarray) -> None:
        """The camera moved: what was at ``p`` in the last frame is at ``affine @ (p, 1)`` in this one.

        :param affine: ``(2, 3)``.
        """
        turn = affine[:, :2]
        self._x, self._y = (turn @ (self._x, self._y) + affine[:, 2]).tolist()
        self._speed_x, self._speed_y = (turn @ (self._speed_x, self._speed_y)).tolist()
        grown = math.sqrt(abs(float(np.linalg.det(turn))))
        self._width, self._height = self._width * grown, self._height * grown

    def _coast(self, stamp_ns: int) -> tuple[float, float]:
        """For how many seconds at its last speed the box has gone by now, and which part of that speed is left."""
        kept = math.exp(-(stamp_ns - self.last_ns) / _SECOND_NS / _COAST_S)
        return _COAST_S * (1 - kept), kept


def _centre_and_size(box: np.ndarray) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = box.tolist()
    return (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1
