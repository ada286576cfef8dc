"""Errors of a thread are logged and suppressed."""

import pytest

from facetrack_ros.concurrency.error_log import ErrorLog
from facetrack_ros.errors import FacetrackError


def test_a_message_is_logged_once_and_an_unexpected_error_each_time_with_its_traceback(caplog):
    errors = ErrorLog()
    for error in (FacetrackError("no model"), FacetrackError("no model"), FacetrackError("disk full")):
        with errors:
            raise error
    assert [record.getMessage() for record in caplog.records] == ["no model", "disk full"]
    caplog.clear()
    for _ in range(2):
        with errors:
            raise ZeroDivisionError("by zero")
    assert caplog.text.count("Traceback") == 2
    assert caplog.text.count("by zero") >= 2


def test_what_ends_the_process_is_not_suppressed():
    with pytest.raises(KeyboardInterrupt), ErrorLog():
        raise KeyboardInterrupt
