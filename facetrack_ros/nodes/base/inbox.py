"""Gate of a node for everything from outside: checks, limits, counts and logs messages and requests."""

import threading
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from rclpy.impl.rcutils_logger import RcutilsLogger

from facetrack_ros.concurrency.sender_limits import RateLimit, SenderLimits
from facetrack_ros.core.printable import escaped, printable
from facetrack_ros.errors import FacetrackError, InvalidInput
from facetrack_ros.nodes.base.fleet_rules import check_signer
from facetrack_ros.nodes.base.throttled_log import ThrottledLog

# Senders counted by name for each kind of message; the rest count as "others". Names of others are cut.
_MOST_SENDERS, _LONGEST_SENDER = 32, 64
_OTHERS = "others"
# A sentence may list where each of a picture's faces is.
_LONGEST_ANSWER = 20_000


class Inbox:
    """Counts and logs what a node refuses, by kind and sender, and the errors of its handlers. Thread-safe.

    Each kind of refusal is logged at once and then once a minute. An unexpected error of a handler is logged with its
    traceback, once a minute for each kind of message; only that message is lost.
    """

    def __init__(self, logger: RcutilsLogger, clock: Callable[[], float] = time.monotonic):
        self._log, self._clock = ThrottledLog(logger), clock
        self._lock = threading.Lock()
        self._refused: dict[str, Counter[str]] = {}
        self._faults: Counter[str] = Counter()
        self._last, self._last_s = "", float("-inf")

    def gate(
        self,
        what: str,
        handle: Callable[..., Any],
        convert: Callable[[Any], Any] = lambda message: message,
        sender: Callable[[Any], str] = lambda message: "",
        limit: RateLimit | None = None,
        dispatch: Callable[[Callable[[], None]], Any] = lambda call: call(),
        info: bool = False,
    ) -> "Gate":
        """The callback of a subscription.

        :param what: the kind of message in words, such as "gallery entry".
        :param handle: takes the converted value, or refuses it with an :class:`InvalidInput`.
        :param convert: checks a message and makes a value of it; raises InvalidInput.
        :param sender: who sent a message, as far as it says; not checked.
        :param limit: of each sender; None: none.
        :param dispatch: runs conversion and handling, on a worker say; default: at once.
        :param info: whether ``handle`` takes the message's info too.
        """
        limits = None if limit is None else SenderLimits(limit)
        return Gate(self, what, handle, convert, sender, limits, dispatch, info)

    def serve(
        self,
        what: str,
        handle: Callable[[Any, Any], Awaitable[None] | None],
        raised: Callable[[Exception], str] = lambda error: _said(error),
        check: Callable[[Any], None] = lambda request: None,
    ) -> Callable[[Any, Any], Awaitable[Any]]:
        """The callback of a service whose response has ``success`` and ``message``.

        :param what: the kind of request in words.
        :param handle: takes request and response, and fills this; an exception refuses the request.
        :param check: refuses a request with an :class:`InvalidInput` before it is handled.
        :param raised: takes the exception, and returns the response's sentence.
        """

        async def callback(request: Any, response: Any) -> Any:
            try:
                check(request)
                waiting = handle(request, response)
                if waiting is not None:
                    await waiting
            except Exception as error:  # the client waits for a response in any case
                response = type(response)()
                response.success = False
                response.message = printable(raised(error), _LONGEST_ANSWER)
                if isinstance(error, InvalidInput):
                    self.refuse(what, "a client", str(error), error.kind)
                elif not isinstance(error, FacetrackError):
                    self.fault(what, "", error)
            return response

        return callback

    def admits(self, limits: SenderLimits, sender: str) -> bool:
        """Whether a sender is within its limit."""
        with self._lock:
            return limits.admit(sender, self._clock())

    def refuse(self, what: str, sender: str, reason: str, kind: str = "value") -> None:
        """Count and log something that was refused.

        :param kind: of the reason; each has a line of its own in the log.
        """
        name = printable(sender, _LONGEST_SENDER) or "an unnamed sender"
        with self._lock:
            counts = self._refused.setdefault(what, Counter())
            counts[name if name in counts or len(counts) < _MOST_SENDERS else _OTHERS] += 1
            self._last, self._last_s = f"{what} of {name} is refused: {printable(reason)}", self._clock()
            self._log.warn((what, kind), self._last)

    def fault(self, what: str, sender: str, error: Exception) -> None:
        """Count and log an error of a handler; an unexpected one with its traceback."""
        known = isinstance(error, FacetrackError)
        of = f" of {printable(sender, _LONGEST_SENDER)}" if sender else ""
        with self._lock:
            self._faults[what] += 1
            self._last, self._last_s = f"{what}{of} is lost: {printable(_said(error))}", self._clock()
            trace = "" if known else "\n" + escaped("".join(traceback.format_exception(error, limit=-20)))
            self._log.warn((what, type(error)), self._last + trace)

    @property
    def refused(self) -> int:
        """Number refused."""
        with self._lock:
            return sum(counts.total() for counts in self._refused.values())

    def values(self) -> dict[str, str]:
        """Counts by kind and sender, for diagnostics; empty while nothing was refused."""
        with self._lock:
            found = {
                f"refused: {what} of {sender}": str(number)
                for what, counts in self._refused.items()
                for sender, number in counts.most_common()
            }
            found |= {f"errors: {what}": str(number) for what, number in self._faults.items()}
            return found | ({"last refusal": self._last} if self._last else {})

    def last(self) -> tuple[str, float]:
        """The last refusal or error as a sentence, and how many seconds ago it was; "" if there was none."""
        with self._lock:
            return self._last, self._clock() - self._last_s


class Gate:
    """Callback of a subscription: limits, converts and handles each message; see :meth:`Inbox.gate`."""

    def __init__(
        self,
        inbox: Inbox,
        what: str,
        handle: Callable[..., Any],
        convert: Callable[[Any], Any],
        sender: Callable[[Any], str],
        limits: SenderLimits | None,
        dispatch: Callable[[Callable[[], None]], Any],
        info: bool,
    ):
        self._inbox, self._what, self._handle, self._convert, self._sender = inbox, what, handle, convert, sender
        self._limits, self._dispatch, self._info = limits, dispatch, info

    def __call__(self, message: Any, info: dict) -> None:  # rclpy passes the info to callbacks of two arguments
        """Take a message; raises nothing."""
        sender = ""
        try:
            sender = self._sender(message)
            check_signer(info, sender)
            if self._limits is not None and not self._inbox.admits(self._limits, sender):
                self._inbox.refuse(self._what, sender, self._rate_sentence(), "rate")
                return
            self._dispatch(partial(self._pass, message, sender, info))
        except InvalidInput as error:
            self._inbox.refuse(self._what, sender, str(error), error.kind)
        except Exception as error:
            self._inbox.fault(self._what, sender, error)

    def _pass(self, message: Any, sender: str, info: dict) -> None:
        try:
            value = self._convert(message)
            if self._info:
                self._handle(value, info)
            else:
                self._handle(value)
        except InvalidInput as error:
            self._inbox.refuse(self._what, sender, str(error), error.kind)
        except Exception as error:
            self._inbox.fault(self._what, sender, error)

    def _rate_sentence(self) -> str:
        assert self._limits is not None
        limit = self._limits.limit
        return f"more than {limit.per_s:g} a second come from there; {limit.burst:g} at once are taken"


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, FacetrackError) else f"unexpected {type(error).__name__}: {error}"
