"""A robot's last search results, for requests that are sent again because a message was lost."""

from collections import OrderedDict

from facetrack_ros import msg

# Searches kept. Chosen by hand: a request is sent again within seconds.
_SIZE = 32


class ResponseCache:
    """Results by search id, so that a request is searched once however often it is received.

    Not locked: each method is used by the callbacks of one executor and one worker, and takes one step of Python.
    """

    def __init__(self):
        self._known: OrderedDict[str, tuple[msg.FaceSearchRequest, msg.FaceSearchResult | None]] = OrderedDict()

    def begin(self, request: msg.FaceSearchRequest) -> bool:
        """Note a request; whether it is new.

        A repeated one differs from the known one of its id only in ``robots``: those that have not responded.
        """
        known = self._known.pop(request.search_id, None)
        if known is not None:
            first = known[0]
            robots, first.robots = first.robots, request.robots
            repeated = first == request
            first.robots = robots
            if repeated:
                self._known[request.search_id] = known
                return False
        self._known[request.search_id] = (request, None)
        while len(self._known) > _SIZE:
            self._known.popitem(last=False)
        return True

    def store(self, result: msg.FaceSearchResult) -> None:
        """Store the result of a noted request."""
        if result.search_id in self._known:
            self._known[result.search_id] = (self._known[result.search_id][0], result)

    def get(self, search_id: str) -> msg.FaceSearchResult | None:
        """The stored result; None while the search runs, and for searches no longer kept."""
        return self._known.get(search_id, (None, None))[1]
