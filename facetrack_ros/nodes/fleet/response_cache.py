"""A robot's last answers, for an asker that asks again because a message was lost."""

from collections import OrderedDict

from facetrack_ros import msg

_KEPT = 32


class ResponseCache:
    """Which questions are known, and what was answered. A question is searched once, however often it comes.

    Not thread-safe: for callbacks of one executor and what they hand to one worker, a call here being one step of Python.
    """

    def __init__(self):
        self._known: OrderedDict[str, tuple[msg.FaceSearchRequest, msg.FaceSearchResult | None]] = OrderedDict()

    def begin(self, request: msg.FaceSearchRequest) -> bool:
        """A question came; whether it is a new one, and not one that is asked again, of those who have not answered.

        Whoever asks something else under an id used before asks something new.
        """
        before = self._known.pop(request.search_id, None)
        if before is not None:
            first = before[0]
            robots, first.robots = first.robots, request.robots
            same = first == request
            first.robots = robots
            if same:
                self._known[request.search_id] = before
                return False
        self._known[request.search_id] = (request, None)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return True

    def keep(self, result: msg.FaceSearchResult) -> None:
        """It was answered."""
        if result.search_id in self._known:
            self._known[result.search_id] = (self._known[result.search_id][0], result)

    def of(self, search_id: str) -> msg.FaceSearchResult | None:
        """What was answered; None while it is looked for, and for a question long past."""
        return self._known.get(search_id, (None, None))[1]
