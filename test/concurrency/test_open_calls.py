"""A service takes a bounded number of calls and bytes, and refuses the rest at once."""

from contextlib import ExitStack

import pytest

from facetrack_ros.concurrency.open_calls import OpenCalls
from facetrack_ros.errors import BusyError


def test_calls_beyond_the_limit_are_refused_until_others_end():
    calls = OpenCalls("the search", 2)
    with ExitStack() as stack:
        stack.enter_context(calls.one())
        stack.enter_context(calls.one())
        with pytest.raises(BusyError, match="the search is busy with 2 requests: try again"), calls.one():
            pass
    with calls.one():
        assert (len(calls), calls.refused) == (1, 1)


def test_bytes_are_limited_and_one_call_may_have_any():
    calls = OpenCalls("the search", 10, most_bytes=100)
    with calls.one(1000), pytest.raises(BusyError), calls.one(1):
        pass
    with calls.one(60), calls.one(40):
        assert len(calls) == 2
    with pytest.raises(RuntimeError), calls.one(60):
        raise RuntimeError
    assert len(calls) == 0
