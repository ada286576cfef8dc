"""Errors of a thread are logged and suppressed."""

import logging

import pytest

from facetrack_ros.concurrency.error_log import REPEAT_S, ErrorLog
from facetrack_ros.errors import FacetrackError


def test_each_message_is_logged_once(caplog):
    errors = ErrorLog()
    for error in (FacetrackError("no model"), FacetrackError("no model"), FacetrackError("disk full")):
        with errors:
            raise error
    assert caplog.messages == ["no model", "disk full"]


def test_an_unexpected_error_of_one_line_is_logged_with_its_traceback_once_a_minute(caplog, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(logging.time, "time", lambda: clock[0])
    monkeypatch.setattr(logging.time, "time_ns", lambda: int(clock[0] * 1e9), raising=False)
    errors = ErrorLog()

    def raise_it():
        with errors:
            raise ZeroDivisionError("by zero")

    for _ in range(300):
        raise_it()
    with errors:
        raise ZeroDivisionError("of another line")
    assert caplog.text.count("Traceback") == 2
    assert "of another line" in caplog.messages[1]
    clock[0] += REPEAT_S + 1
    raise_it()
    assert "(299 more of the kind since the last time)" in caplog.messages[2]


def test_what_ends_the_process_is_not_suppressed():
    with pytest.raises(KeyboardInterrupt), ErrorLog():
        raise KeyboardInterrupt
