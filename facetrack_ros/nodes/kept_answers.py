"""A robot's last answers, for an asker that asks again because a message was lost."""

from collections import OrderedDict

from facetrack_ros import msg

_KEPT = 32


class KeptAnswers:
    """Which questions are known, and what was answered. A question is searched once, however often it comes.

    Not thread-safe: for callbacks of one executor and what they hand to one worker, a call here being one step of Python.
    """

    def __init__(self):
        self._answers: "OrderedDict[str, msg.FaceSearchResult | None]" = OrderedDict()

    def begin(self, search_id: str) -> bool:
        """A question came; whether it is a new one."""
        if search_id in self._answers:
            return False
        self._answers[search_id] = None
        while len(self._answers) > _KEPT:
            self._answers.popitem(last=False)
        return True

    def keep(self, result: msg.FaceSearchResult) -> None:
        """It was answered."""
        if result.search_id in self._answers:
            self._answers[result.search_id] = result

    def of(self, search_id: str) -> "msg.FaceSearchResult | None":
        """What was answered; None while it is looked for, and for a question long past."""
        return self._answers.get(search_id)
