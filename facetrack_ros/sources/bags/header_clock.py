"""Stamps of a bag's messages: those of their headers, or when they were recorded where the headers cannot be right."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from statistics import median_low
from typing import TypeVar

Item = TypeVar("Item")

#: Messages before and after one that tell a wild stamp from a clock that was set. Chosen by hand, as the others here.
_NEIGHBOURS = 4
#: Before 2000, a stamp is no date: drivers count from their start, simulations from 0.
_FIRST_DATE_NS = 946_684_800_000_000_000
#: Latency from exposure to recording varies by less than this.
_TOLERANCE_NS = 5_000_000_000
#: Images that come out of order by less are not a clock that goes back.
_OUT_OF_ORDER_NS = 500_000_000


@dataclass(frozen=True)
class HeaderTime:
    """Times of one message, nanoseconds since the epoch.

    :param header_ns: stamp of its header, None where that is zero or no date.
    :param log_ns: when it was recorded.
    :param lead_ns: how far headers are ahead of the recording around it, usually.
    """

    header_ns: int | None
    log_ns: int
    lead_ns: int


def with_lead(items: Iterable[tuple[int, int, Item]]) -> Iterator[tuple[HeaderTime, Item]]:
    """The times of items ``(header_ns, log_ns, item)``; reads some items ahead."""
    source = iter(items)
    before: deque[int | None] = deque(maxlen=_NEIGHBOURS)
    ahead = deque(islice(source, _NEIGHBOURS + 1))
    while ahead:
        leads = [*before, *(_lead(header, log) for header, log, _ in ahead)]
        header_ns, log_ns, item = ahead.popleft()
        lead_ns = _lead(header_ns, log_ns)
        before.append(lead_ns)
        yield (
            HeaderTime(None if lead_ns is None else header_ns, log_ns, _usual([x for x in leads if x is not None])),
            item,
        )
        ahead.extend(islice(source, 1))


def _usual(leads: list[int]) -> int:
    if len(leads) < 3:
        return min(leads, key=abs, default=0)
    return median_low(leads)


def _lead(header_ns: int, log_ns: int) -> int | None:
    no_date = header_ns < _FIRST_DATE_NS <= log_ns
    return None if header_ns == 0 or no_date else header_ns - log_ns


class HeaderClock:
    """Stamps of one topic's pictures in the order they are shown.

    - A header that is zero, no date, or far from its neighbours: the time of recording counts, shifted as the headers
      around it are.
    - Headers that go back, as those of a bag that is played in a loop do, begin a new stretch, which goes on as the
      recording went on.

    :ivar notes: sentences on what was corrected.
    """

    def __init__(self) -> None:
        self._shift_ns = 0
        self._last_ns: int | None = None
        self._last_log_ns = 0
        self._without = self._wild = self._restarts = 0

    @property
    def notes(self) -> list[str]:
        """Sentences on what was corrected so far."""
        found = []
        if self._without:
            found.append(f"the headers of {self._without} images have no stamp: the time of recording was taken")
        if self._wild:
            found.append(f"the headers of {self._wild} images are far from the time of recording: that was taken")
        if self._restarts:
            found.append(f"the stamps of the headers go back {self._restarts} times: they were counted on from there")
        return found

    def stamp_ns(self, time: HeaderTime) -> int:
        """The stamp of the next picture."""
        stamp_ns = self._stamp(time) + self._shift_ns
        if self._last_ns is not None and self._last_ns - stamp_ns > _OUT_OF_ORDER_NS:
            self._restarts += 1
            recorded_ns = self._last_ns + max(time.log_ns - self._last_log_ns, 1)
            self._shift_ns += recorded_ns - stamp_ns
            stamp_ns = recorded_ns
        self._last_ns = max(stamp_ns, self._last_ns or 0)
        self._last_log_ns = time.log_ns
        return stamp_ns

    def _stamp(self, time: HeaderTime) -> int:
        if time.header_ns is None:
            self._without += 1
            return time.log_ns + time.lead_ns
        if abs(time.header_ns - time.log_ns - time.lead_ns) > _TOLERANCE_NS:
            self._wild += 1
            return time.log_ns + time.lead_ns
        return time.header_ns
