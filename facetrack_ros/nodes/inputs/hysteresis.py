"""A switch with hysteresis."""


class Hysteresis:
    """Switch that goes on below one limit and off again only at a higher one.

    :param on_below: value, 0..1, below which it goes on.
    :param off_from: value from which it goes off, at least ``on_below``.
    :ivar active: whether it is on.
    """

    def __init__(self, on_below: float, off_from: float):
        self.active = False
        self.set_limits(on_below, off_from)

    def set_limits(self, on_below: float, off_from: float) -> None:
        """Change the limits, from the next value on."""
        self._on_below = on_below
        self._off_from = max(off_from, on_below)

    def update(self, value: float) -> bool:
        """Apply a value; returns whether the switch changed. A value outside of 0..1, or NaN, is ignored."""
        if not 0.0 <= value <= 1.0:
            return False
        before = self.active
        if value < self._on_below:
            self.active = True
        elif value >= self._off_from:
            self.active = False
        return self.active != before
