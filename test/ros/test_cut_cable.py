"""Two robots, each in a network of its own, at the ends of a lossy cable that is cut and repaired."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def cable_here(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import cable

    if why := cable.possible():
        pytest.skip(why)


def test_answers_stay_right_while_the_cable_is_cut_and_repaired(cable_here, tmp_path, domain):
    """Discovery by address, without multicast."""
    lengths = ("--cuts", "6", "--whole", "5", "--sightings", "2000", "--timeout", "4")
    done = subprocess.run(
        [
            sys.executable,
            BENCHMARKS / "cut_cable.py",
            *lengths,
            "--discovery",
            "peers",
            "--json",
            tmp_path / "found.json",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "ROS_DOMAIN_ID": str(domain)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "found.json").read_text())["found"]
    assert found["wrong answers"] == 0, done.stdout
    assert found["answers"] > 8, done.stdout
    assert not [name for name, took in found.items() if took == "never"], done.stdout
