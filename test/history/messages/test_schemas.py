"""Stored messages are the package's own."""

from pathlib import Path

import pytest

from facetrack_ros.history.messages.schemas import EVENT, FIELDS, TRACKS, definition

MESSAGES = Path(__file__).resolve().parents[3] / "msg"


@pytest.mark.parametrize("name", [name for name in FIELDS if name.startswith("facetrack_ros/")])
def test_the_stored_definition_is_that_of_the_message_without_its_comments(name):
    lines = [
        line.partition("#")[0].rstrip()
        for line in (MESSAGES / f"{name.rpartition('/')[2]}.msg").read_text().splitlines()
    ]
    assert [line for line in lines if line] == FIELDS[name].splitlines()


@pytest.mark.parametrize(
    ("type", "parts"),
    [
        (TRACKS, {"facetrack_ros/Track", "facetrack_ros/Face", "std_msgs/Header", "builtin_interfaces/Time"}),
        (EVENT, {"std_msgs/Header", "builtin_interfaces/Time", "builtin_interfaces/Duration"}),
    ],
)
def test_a_definition_explains_every_type_within_it(type, parts):
    assert {line[5:] for line in definition(type).splitlines() if line.startswith("MSG: ")} == parts
