"""The best matches of the last search that was heard of."""

from collections import OrderedDict
from collections.abc import Iterable

from facetrack_ros.search.response import Match

_REMEMBERED = 100


class LatestMatches:
    """Takes the answers of all robots to all searches. Of two searches at once the one that was heard of last counts, and late
    answers to the one before do not bring it back.

    :param shown: how many matches are kept.
    """

    def __init__(self, shown: int) -> None:
        self._shown = shown
        self._heard: OrderedDict[str, None] = OrderedDict()
        self.matches: tuple[Match, ...] = ()

    def add(self, search_id: str, matches: Iterable[Match]) -> None:
        """One robot's matches; one whose similarity is no number is left out."""
        if search_id not in self._heard:
            self._heard[search_id] = None
            self.matches = ()
            if len(self._heard) > _REMEMBERED:
                self._heard.popitem(last=False)
        elif search_id != next(reversed(self._heard)):
            return
        found = [*self.matches, *(match for match in matches if -1.0 <= match.similarity <= 1.001)]
        self.matches = tuple(sorted(found, key=lambda match: -match.similarity)[: self._shown])
