"""Face work stops when the battery runs low."""

import math


class Hysteresis:
    """Hysteresis over the battery's charge.

    :param stop_below: charge, 0..1, below which face work stops.
    :param resume_at: charge from which it goes on, at least ``stop_below``.
    :ivar braking: whether face work rests now.
    """

    def __init__(self, stop_below: float, resume_at: float):
        self.braking = False
        self.change(stop_below, resume_at)

    def change(self, stop_below: float, resume_at: float) -> None:
        """Other limits from the next charge on; see the class."""
        self._stop_below = stop_below
        self._resume_at = max(resume_at, stop_below)

    def update(self, charge: float) -> bool:
        """Take a charge; whether that changed anything. One that is no share (NaN: unknown) changes nothing."""
        if not math.isfinite(charge) or not 0.0 <= charge <= 1.0:
            return False
        before = self.braking
        if charge < self._stop_below:
            self.braking = True
        elif charge >= self._resume_at:
            self.braking = False
        return self.braking != before
