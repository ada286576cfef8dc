"""What the page on security claims: its tests exist, and its bounds are those of the code."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docs" / "security.md").read_text()
CLAIMS = re.findall(r"`((?:\w+/)*test_\w+\.py)::(test_\w+)`", TEXT)
BOUNDS = re.findall(r"^\| [^|]+ \| ([\d,.]+) \| `([\w.]+)` \|$", TEXT, re.MULTILINE)


def test_the_page_names_tests_and_bounds():
    assert len(CLAIMS) > 15
    assert len(BOUNDS) > 10
    for section in ("## What holds\n", "## What holds in a closed fleet, besides\n"):
        rows = re.findall(r"^\| (.+) \|$", TEXT.partition(section)[2].partition("##")[0], re.MULTILINE)
        assert len(rows) > 5
        assert all("::test_" in row for row in rows[2:]), "every claim is held by a test"


@pytest.mark.parametrize(("file", "test"), CLAIMS)
def test_a_claim_is_held_by_a_test_that_exists(file, test):
    assert f"def {test}(" in (ROOT / "test" / file).read_text()


@pytest.mark.parametrize(("value", "path"), BOUNDS)
def test_a_bound_is_that_of_the_code(value, path):
    if path.startswith("nodes."):
        pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    parts = path.split(".")
    module = next(number for number in range(len(parts), 0, -1) if _is_module(parts[:number]))
    bound = import_module(f"facetrack_ros.{'.'.join(parts[:module])}")
    for name in parts[module:]:
        bound = getattr(bound, name)
    assert value == f"{bound:,}"


def _is_module(parts):
    path = ROOT / "facetrack_ros" / Path(*parts)
    return path.is_dir() or path.with_suffix(".py").is_file()
