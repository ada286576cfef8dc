"""A robot's last search results, for requests that are sent again because a message was lost."""

from collections import Counter, OrderedDict
from dataclasses import dataclass

from facetrack_ros import msg

# Searches kept, and bytes of their results. Chosen by hand: a request is sent again within seconds.
_MOST, _MOST_BYTES = 256, 32_000_000


@dataclass
class _Known:
    requester: str
    result: msg.FaceSearchResult | None = None
    size: int = 0


class ResponseCache:
    """Results by question, so that a request is searched once however often it is received.

    The key names search and question: another question under the same search id is another entry. One requester's
    searches do not push out those of others. Not locked: each method is used by the callbacks of one executor and one
    worker, and takes one step of Python.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def begin(self, key: str, requester: str) -> bool:
        """Note a request; whether it is new."""
        if key in self._known:
            self._known.move_to_end(key)
            return False
        self._known[key] = _Known(requester)
        self._drop()
        return True

    def store(self, key: str, result: msg.FaceSearchResult) -> None:
        """Store the result of a noted request."""
        known = self._known.get(key)
        if known is not None:
            known.result, known.size = result, sum(len(match.thumbnail) + 200 for match in result.matches)
            self._drop()

    def forget(self, key: str) -> None:
        """Forget a request that was not searched."""
        self._known.pop(key, None)

    def get(self, key: str) -> msg.FaceSearchResult | None:
        """The stored result; None while the search runs, and for searches no longer kept."""
        known = self._known.get(key)
        return known.result if known is not None else None

    def _drop(self) -> None:
        """Drop the oldest searches of the requester with the most, down to the limits."""
        while len(self._known) > _MOST or (
            len(self._known) > 1 and sum(known.size for known in self._known.values()) > _MOST_BYTES
        ):
            (noisiest, _), *_ = Counter(known.requester for known in self._known.values()).most_common(1)
            del self._known[next(key for key, known in self._known.items() if known.requester == noisiest)]
