"""The best matches of the latest search."""

from collections import OrderedDict
from collections.abc import Iterable

from facetrack_ros.search.response import Match

_REMEMBERED = 100


class LatestMatches:
    """Merges the responses of all robots. The search whose first response came last is the latest; late responses to an
    earlier one are ignored.

    :param limit: most matches kept.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._searches: OrderedDict[str, None] = OrderedDict()  # ids, the latest last
        self.matches: tuple[Match, ...] = ()

    def add(self, search_id: str, matches: Iterable[Match]) -> None:
        """Take one robot's matches; one with an impossible similarity, or known to be of another person, is dropped."""
        if search_id not in self._searches:
            self._searches[search_id] = None
            self.matches = ()
            if len(self._searches) > _REMEMBERED:
                self._searches.popitem(last=False)
        elif search_id != next(reversed(self._searches)):
            return
        new = (match for match in matches if -1.0 <= match.similarity <= 1.001 and not match.different_person)
        valid = [*self.matches, *new]
        self.matches = tuple(sorted(valid, key=lambda match: -match.similarity)[: self._limit])
