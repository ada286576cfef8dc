"""Limits on how often each sender is heard."""

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True)
class RateLimit:
    """A token bucket: how many items one sender may send at once, and how many a second on average.

    :param senders: senders remembered; all others share one bucket.
    :param kept_s: how long a silent sender is remembered where another needs its place.
    """

    per_s: float
    burst: float
    senders: int = 256
    kept_s: float = 60.0


class SenderLimits:
    """A token bucket a sender. Not locked. Times are seconds of one steady clock.

    Invented names cannot take the place of a sender that keeps sending, and memory is bounded.
    """

    def __init__(self, limit: RateLimit):
        self.limit = limit
        #: In the order of their last items.
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self._strangers = _Bucket(limit.burst, 0.0)

    def admit(self, sender: str, now_s: float) -> bool:
        """Whether an item of a sender is within its limit; it is counted then."""
        bucket = self._buckets.get(sender)
        if bucket is None:
            if not self._has_room(now_s):
                return self._strangers.take(self.limit, now_s)
            bucket = self._buckets[sender] = _Bucket(self.limit.burst, now_s)
        self._buckets.move_to_end(sender)
        return bucket.take(self.limit, now_s)

    def _has_room(self, now_s: float) -> bool:
        if len(self._buckets) < self.limit.senders:
            return True
        silent, bucket = next(iter(self._buckets.items()))
        if now_s - bucket.heard_s < self.limit.kept_s:
            return False
        del self._buckets[silent]
        return True


@dataclass
class _Bucket:
    tokens: float
    heard_s: float

    def take(self, limit: RateLimit, now_s: float) -> bool:
        self.tokens = min(limit.burst, self.tokens + (now_s - self.heard_s) * limit.per_s)
        self.heard_s = now_s
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True
