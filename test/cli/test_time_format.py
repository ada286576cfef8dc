"""Times and lengths of time on the command line."""

import argparse
import time

import pytest

from facetrack_ros.cli.arguments import seconds
from facetrack_ros.cli.time_format import parse_time, zone_note
from facetrack_ros.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "ago_s"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("1.5h", 5400), ("2d", 172_800), ("1w", 604_800)]
)
def test_a_length_is_so_long_ago(text, ago_s):
    before = time.time_ns()
    assert before <= parse_time(text) + ago_s * 10**9 <= time.time_ns()
    assert zone_note(text) == ""
    assert seconds(text) == ago_s


def test_other_times_are_iso_8601():
    assert parse_time("2026-05-01T14:00:00+02:00") == 1_777_636_800 * 10**9
    for text in ("10", "m", "10 m", "10x", "-10m", "100w900000000w", "10m5"):
        with pytest.raises(ConfigError):
            parse_time(text)


def test_lengths_are_bounded():
    assert seconds("2.5") == 2.5
    for text in ("9999w", "1x", "nan"):
        with pytest.raises(argparse.ArgumentTypeError):
            seconds(text)
