"""File names made of names from others lead to no other folder."""

from types import SimpleNamespace

import pytest

from facetrack_ros.search.report.evidence import match_name


def test_names_of_robots_stay_as_they_are():
    match = SimpleNamespace(robot_id="robot1 (2 of that name)", camera_id="front")
    assert match_name(1, match) == "match_01_robot1 (2 of that name)_front"


@pytest.mark.parametrize("name", ["../../etc/x", "/etc/x", "a\\b", "\x1b[2J", "a\0b", "\u202eb", "x" * 1000])
def test_odd_names_become_one_file_name(name):
    made = match_name(1, SimpleNamespace(robot_id=name, camera_id=name))
    assert made.isprintable()
    assert not set(made) & set("/\\")
    assert len(made) < 200
