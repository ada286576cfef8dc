"""The gate of a node: refuses, counts by kind and sender, logs once a minute; no message raises."""

import asyncio
from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy")

from facetrack_ros.concurrency.sender_limits import RateLimit
from facetrack_ros.core.validation import identifier
from facetrack_ros.errors import InvalidInput, StoreError
from facetrack_ros.nodes.base import throttled_log
from facetrack_ros.nodes.base.inbox import Inbox


class Log:
    def __init__(self):
        self.lines = []

    def warning(self, sentence):
        self.lines.append(sentence)


class Response:
    def __init__(self):
        self.success, self.message, self.found = False, "", []


@pytest.fixture
def now(monkeypatch):
    clock = SimpleNamespace(s=1000.0)
    monkeypatch.setattr(throttled_log.time, "monotonic", lambda: clock.s)
    return clock


@pytest.fixture
def log():
    return Log()


@pytest.fixture
def inbox(log, now):
    return Inbox(log, lambda: now.s)


def test_a_message_is_converted_and_handled(inbox):
    handled = []
    gate = inbox.gate("number", handled.append, convert=int)
    gate("3", {})
    assert handled == [3]
    assert inbox.refused == 0
    assert inbox.values() == {}


def test_a_message_that_does_not_convert_is_counted_by_kind_and_sender(inbox, log):
    gate = inbox.gate("id", print, convert=lambda text: identifier(text, "the id"), sender=lambda text: "robot9\x1b[2J")
    for _ in range(300):
        gate("../../x", {})
    assert inbox.values()["refused: id of robot9\\x1b[2J"] == "300"
    assert len(log.lines) == 1
    assert "../../x" in log.lines[0]
    assert log.lines[0].isprintable()


def test_each_kind_of_refusal_is_logged_once_a_minute(inbox, log, now):
    def handle(value):
        raise InvalidInput(f"{value} is not wanted", value)

    gate = inbox.gate("word", handle)
    for word in ("one", "two", "one", "two"):
        gate(word, {})
    assert len(log.lines) == 2
    now.s += 61
    gate("one", {})
    assert "1 more of the kind" in log.lines[2]


def test_an_unexpected_error_loses_that_message_only_and_has_one_traceback(inbox, log):
    handled = []

    def handle(value):
        handled.append(1 / value)

    gate = inbox.gate("number", handle, sender=lambda value: "robot2")
    for value in (0, 0, 0, 2):
        gate(value, {})
    assert handled == [0.5]
    assert inbox.values()["errors: number"] == "3"
    assert len(log.lines) == 1
    assert "Traceback" in log.lines[0]
    assert "robot2" in log.lines[0]


def test_an_error_of_the_disk_has_no_traceback(inbox, log):
    def handle(value):
        raise StoreError("the disk is full")

    inbox.gate("entry", handle)("x", {})
    assert log.lines == ["entry is lost: the disk is full"]


def test_a_sender_beyond_its_rate_is_dropped_and_others_are_heard(inbox, now):
    handled = []
    gate = inbox.gate("line", handled.append, sender=lambda line: line[0], limit=RateLimit(per_s=1, burst=5))
    for _ in range(1000):
        gate("a", {})
    gate("b", {})
    assert handled == ["a"] * 5 + ["b"]
    assert inbox.values()["refused: line of a"] == "995"
    now.s += 2
    gate("a", {})
    assert len(handled) == 7


def test_the_counts_are_bounded(inbox):
    gate = inbox.gate("id", print, convert=lambda text: identifier(text, "the id"), sender=lambda text: text)
    for number in range(1000):
        gate(f"{number} {'x' * 1000}", {})
    values = inbox.values()
    assert inbox.refused == 1000
    assert len(values) < 50
    assert all(len(key) < 100 for key in values)


def test_a_dispatched_message_is_guarded_too(inbox):
    calls = []
    gate = inbox.gate("number", lambda value: 1 / value, dispatch=calls.append)
    gate(0, {})
    assert inbox.values() == {}
    calls[0]()
    assert inbox.values()["errors: number"] == "1"


def test_a_handler_may_take_the_info(inbox):
    handled = []
    inbox.gate("x", lambda value, info: handled.append((value, info)), info=True)(1, {"received_timestamp": 2})
    assert handled == [(1, {"received_timestamp": 2})]


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (InvalidInput("give a\x1b name"), "give a\\x1b name"),
        (ZeroDivisionError("by zero"), "unexpected ZeroDivisionError: by zero"),
    ],
)
def test_a_request_that_raises_is_refused_with_a_sentence(inbox, error, message):
    async def handle(request, response):
        response.success, response.found = True, [1]
        raise error

    response = asyncio.run(inbox.serve("request", handle)(None, Response()))
    assert (response.success, response.message, response.found) == (False, message, [])


def test_a_request_that_is_served(inbox):
    async def handle(request, response):
        response.success, response.found = True, [request]

    response = asyncio.run(inbox.serve("request", handle)(7, Response()))
    assert response.success
    assert response.found == [7]


def test_a_request_that_the_check_refuses_is_not_handled(inbox):
    handled = []

    def check(request):
        raise InvalidInput("the name is odd", "name")

    response = asyncio.run(inbox.serve("request", lambda *both: handled.append(both), check=check)(7, Response()))
    assert (response.success, response.message, handled) == (False, "the name is odd", [])
    assert inbox.values()["refused: request of a client"] == "1"
