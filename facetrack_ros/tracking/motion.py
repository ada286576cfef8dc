"""Where a box will be: a Kalman filter in true time."""

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


class BoxMotion:
    """One box that moves: centre with a speed that slows down while it is not seen, size as seen.

    Time is true time, so gaps and irregular frame rates need no care of the caller. Size has no speed: where somebody
    is half hidden the found box shrinks, and a shrinking box carried on vanishes.

    :param stamp_ns: of the first box.
    :param box: ``(4,)`` ``x1, y1, x2, y2`` in pixels.
    """

    def __init__(self, stamp_ns: int, box: np.ndarray):
        self.last_ns = stamp_ns
        self._at = _centre_and_size(box)
        self._speed = np.zeros(2)
        height = max(1.0, self._at[3])
        # Variances of place and speed, and what they have in common; the same for all four numbers of the box.
        self._place, self._both, self._rate = (2 * _JITTER * height) ** 2, 0.0, (_FIRST_SPEED * height) ** 2

    def predicted(self, stamp_ns: int) -> np.ndarray:
        """The box at ``stamp_ns``, ``(4,)`` float32, if it goes on as it went."""
        reach_s, _ = self._coast(stamp_ns)
        centre, half = self._at[:2] + self._speed * reach_s, np.maximum(self._at[2:], 1.0) / 2
        return np.concatenate([centre - half, centre + half]).astype(np.float32)

    def see(self, stamp_ns: int, box: np.ndarray) -> None:
        """Take the box found for it."""
        reach_s, kept = self._coast(stamp_ns)
        passed_s = (stamp_ns - self.last_ns) / _SECOND_NS
        height = max(1.0, self._at[3])
        place = self._place + 2 * reach_s * self._both + reach_s ** 2 * self._rate + (_WANDER * height) ** 2 * passed_s
        both = kept * (self._both + reach_s * self._rate)
        rate = kept ** 2 * self._rate + (_PUSH * height) ** 2 * passed_s
        expected = self._at.copy()
        expected[:2] += self._speed * reach_s
        surprise = _centre_and_size(box) - expected
        spread = place + (_JITTER * height) ** 2
        self._at = expected + place / spread * surprise
        self._speed = kept * self._speed + both / spread * surprise[:2]
        self._place, self._both, self._rate = (place * (1 - place / spread), both * (1 - place / spread),
                                               rate - both ** 2 / spread)
        self.last_ns = stamp_ns

    def shift(self, affine: np.ndarray) -> None:
        """The camera moved: what was at ``p`` in the last frame is at ``affine @ (p, 1)`` in this one.

        :param affine: ``(2, 3)``.
        """
        turn = affine[:, :2]
        self._at[:2] = turn @ self._at[:2] + affine[:, 2]
        self._at[2:] *= np.sqrt(abs(np.linalg.det(turn)))
        self._speed = turn @ self._speed

    def _coast(self, stamp_ns: int) -> "tuple[float, float]":
        """For how many seconds at its last speed the box has gone by now, and which part of that speed is left."""
        kept = float(np.exp(-(stamp_ns - self.last_ns) / _SECOND_NS / _COAST_S))
        return _COAST_S * (1 - kept), kept


def _centre_and_size(box: np.ndarray) -> np.ndarray:
    box = np.asarray(box, np.float64)
    return np.concatenate([(box[:2] + box[2:]) / 2, box[2:] - box[:2]])
