"""Responses to a search, each counted for a robot only if its process is one that the roster knows."""

from collections.abc import Callable
from dataclasses import replace

from facetrack_ros.search.response import BUSY, Match, NotSearched, RobotResponse, SearchResponse
from facetrack_ros.search.response_collector import ResponseCollector

# Responses of unknown processes that wait for a heartbeat, and names listed in an answer. Chosen by hand.
_MOST_WAITING = 100
_MOST_NAMED = 8

_Part = tuple[RobotResponse, tuple[Match, ...]]


class ProvenResponses:
    """Passes responses on to a collector.

    Any process of the network can publish a response in any robot's name. A response counts if the roster knows its
    instance id for its robot; one that comes before the heartbeat waits for it. The first response of a process counts;
    that a different one follows is told in the answer, since one of the two is forged.

    :param collector: of the search; :meth:`close` closes it.
    :param knows: whether the roster has a process (robot id, instance id).
    :ivar forged: number of responses that did not count: of unknown processes, or second ones that differ.
    """

    def __init__(self, collector: ResponseCollector, knows: Callable[[str, str], bool]) -> None:
        self.collector = collector
        self._knows = knows
        self._first: dict[tuple[str, str], _Part] = {}
        self._waiting: dict[tuple[str, str], _Part] = {}
        self._too_many = False
        self._clashes: dict[str, None] = {}
        self.forged = 0

    def add(self, response: RobotResponse, matches: tuple[Match, ...]) -> None:
        """Take a response to this search."""
        key = (response.robot_id, response.instance_id)
        if not self._knows(*key):
            if key not in self._waiting and len(self._waiting) >= _MOST_WAITING:
                self._too_many, self.forged = True, self.forged + 1
            else:
                self._waiting.setdefault(key, (response, matches))
            return
        first = self._first.get(key)
        if first is None or first[0].status == BUSY:
            self._first[key] = (response, matches)
            self.collector.add(self.collector.request.search_id, response, matches)
        elif response.status != BUSY and _content(*first) != _content(response, matches):
            self.forged += 1
            self._clashes[response.robot_id] = None

    def on_heartbeat(self) -> bool:
        """Take the responses that waited for a heartbeat which has come; whether there were any."""
        known = [key for key in self._waiting if self._knows(*key)]
        for key in known:
            self.add(*self._waiting.pop(key))
        return bool(known)

    def close(self) -> SearchResponse:
        """End the search. What was not used is in ``not_searched``."""
        self.on_heartbeat()
        self.forged += len(self._waiting)
        gaps = [
            NotSearched(robot, f"two different answers came in the name of {robot}: the first is used, one is forged")
            for robot in self._clashes
        ]
        unproven = sorted({robot for robot, _ in self._waiting})
        gaps += [
            NotSearched(robot, f"an answer in the name of {robot!r:.80} is not used: no heartbeat of its sender came")
            for robot in unproven[:_MOST_NAMED]
        ]
        if len(unproven) > _MOST_NAMED or self._too_many:
            gaps.append(NotSearched("", "answers in the names of more robots are not used: they send no heartbeats"))
        self._waiting.clear()
        response = self.collector.close()
        return replace(response, not_searched=(*response.not_searched, *gaps)) if gaps else response


def _content(response: RobotResponse, matches: tuple[Match, ...]) -> str:
    return repr((replace(response, elapsed_ms=0.0), matches))
