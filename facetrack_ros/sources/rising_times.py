"""Times of a recording's pictures, corrected so that they rise strictly."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from statistics import median_low
from typing import Generic, TypeVar

Item = TypeVar("Item")

_SECOND_NS = 1_000_000_000
_DAY_NS = 86_400 * _SECOND_NS
# Chosen by hand. A picture that is late by less than some intervals was written out of order; by more, time starts
# again. Between the neighbours of a wild time lie few intervals. No recording begins with a year's pause.
_OUT_OF_ORDER, _NEIGHBOURS = 3, 8
_WILD_FIRST_NS = 366 * _DAY_NS
_AFTER_NS = 1000
_DEFAULT_INTERVAL_NS = _SECOND_NS // 10


@dataclass
class _Finding:
    """One kind of correction: how often, and the first time."""

    sentence: str
    count: int = 0
    number: int = 0
    by_ns: int = 0

    def add(self, number: int, by_ns: int) -> None:
        if not self.count:
            self.number, self.by_ns = number, by_ns
        self.count += 1

    def __str__(self) -> str:
        text = self.sentence.format(number=self.number, by=show_duration(self.by_ns))
        return text if self.count == 1 else f"{text}; {self.count} times in all"


@dataclass
class RisingTimes(Generic[Item]):
    """Corrects the times of one recording. Each item keeps its time where times rise.

    - Time that goes back begins a new stretch, which continues one interval after the last picture; the difference
      also applies to all later pictures.
    - One time that fits neither neighbour (the first one too) is replaced by one between them.
    - A picture that is slightly late, or repeats the time before, lies between its neighbours, or
      follows the one before by a microsecond.

    :ivar notes: after an iteration, a sentence for each kind of correction.
    """

    _restarts: _Finding = field(
        default_factory=lambda: _Finding(
            "time goes back by {by} at frame {number}: the frames from there on are stamped on from the one before"
        )
    )
    _wild: _Finding = field(
        default_factory=lambda: _Finding(
            "the time of frame {number} is {by} away from its neighbours: it is stamped by them"
        )
    )
    _late: _Finding = field(
        default_factory=lambda: _Finding(
            "frame {number} is not later than the one before, by {by}: it is stamped after that"
        )
    )
    _jumps: _Finding = field(
        default_factory=lambda: _Finding("time jumps ahead by {by} at frame {number}: check the recorder's clock")
    )

    def __post_init__(self) -> None:
        self._steps: deque[int] = deque(maxlen=9)
        self._begin_ns = self._last_ns = self._out_ns = self._shift_ns = 0

    @property
    def notes(self) -> list[str]:
        """A sentence for each kind of correction so far."""
        return [str(each) for each in (self._restarts, self._wild, self._late, self._jumps) if each.count]

    def __call__(self, items: Iterable[tuple[int, Item]]) -> Iterator[tuple[int, Item]]:
        """Items with strictly rising times, in nanoseconds; reads two items ahead."""
        source = iter(items)
        ahead = deque(islice(source, 3))
        number = 0
        while ahead:
            time_ns, item = ahead.popleft()
            later = [later_ns for later_ns, _ in ahead]
            yield (self._next(number, time_ns, later) if number else self._first(time_ns, later)), item
            number += 1
            ahead.extend(islice(source, 1))

    def _first(self, time_ns: int, later: list[int]) -> int:
        if len(later) == 2 and later[0] < later[1] and not 0 <= later[0] - time_ns <= _WILD_FIRST_NS:
            self._wild.add(0, abs(later[0] - time_ns))
            time_ns = later[0] - (later[1] - later[0])
        self._begin_ns = self._last_ns = self._out_ns = time_ns
        return time_ns

    def _next(self, number: int, time_ns: int, later: list[int]) -> int:
        last_ns, interval_ns = self._last_ns, self._interval_ns
        if later and last_ns < later[0] <= last_ns + _NEIGHBOURS * interval_ns and not last_ns < time_ns <= later[0]:
            distance_ns = min(abs(time_ns - last_ns), abs(time_ns - later[0]))
            (self._wild if distance_ns > _OUT_OF_ORDER * interval_ns else self._late).add(number, distance_ns)
            time_ns = (last_ns + later[0]) // 2
        elif time_ns > last_ns:
            self._forward(number, time_ns - last_ns)
        return self._risen(number, time_ns, interval_ns)

    def _risen(self, number: int, time_ns: int, interval_ns: int) -> int:
        """The time in the stretch it belongs to, later than the one before."""
        last_ns = self._last_ns
        if self._begin_ns < time_ns <= last_ns and last_ns - time_ns < _OUT_OF_ORDER * interval_ns:
            self._late.add(number, last_ns - time_ns)
            time_ns = last_ns
        elif time_ns <= last_ns:
            self._restarts.add(number, last_ns - time_ns)
            self._shift_ns = self._out_ns + interval_ns - time_ns
            self._begin_ns = time_ns
        self._last_ns = time_ns
        risen_ns = time_ns + self._shift_ns
        self._out_ns = risen_ns if risen_ns > self._out_ns else self._out_ns + _AFTER_NS
        return self._out_ns

    def _forward(self, number: int, step_ns: int) -> None:
        if step_ns > _DAY_NS:
            self._jumps.add(number, step_ns)
        self._steps.append(step_ns)

    @property
    def _interval_ns(self) -> int:
        return median_low(self._steps) if self._steps else _DEFAULT_INTERVAL_NS


def show_duration(duration_ns: int) -> str:
    """A duration in a unit that suits it."""
    for unit, name in ((366 * _DAY_NS, "years"), (_DAY_NS, "days"), (3600 * _SECOND_NS, "h"), (_SECOND_NS, "s")):
        if duration_ns >= 2 * unit or (name == "s" and duration_ns >= unit):
            return f"{duration_ns / unit:.1f} {name}"
    return f"{duration_ns / 1e6:.0f} ms"
