"""Every benchmark that has a short run completes it and writes its numbers; the numbers are not checked."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def data_folder() -> Path:
    """The data folder; skip the test without one."""
    folder = Path(os.environ.get("FACETRACK_DATA") or BENCHMARKS.parents[1] / "shared" / "data")
    if not (folder / "clips").is_dir():
        pytest.skip(f"no clips in {folder}; set FACETRACK_DATA to the data folder")
    return folder


@pytest.fixture
def run_all(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("run_all")


def test_one_command_runs_every_benchmark(run_all):
    scripts = {file.stem for file in BENCHMARKS.glob("*.py")}
    assert scripts == {benchmark.script for benchmark in run_all.BENCHMARKS} | set(
        (*run_all.PARTS, *run_all.OF_OTHER_PICTURES)
    )
    names = [benchmark.name for benchmark in run_all.BENCHMARKS]
    assert len(names) == len(set(names))


def test_short_runs_write_their_numbers(run_all, tmp_path, domain):
    pytest.importorskip("rclpy", reason="needs ROS 2")
    data = data_folder()
    environment = {
        **os.environ,
        "ROS_DOMAIN_ID": str(domain),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "FACETRACK_DOWNLOAD": "0",
        "FACETRACK_MODELS": str(data / "models"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "run_all.py", data, "--small", "--json", tmp_path / "numbers"],
        capture_output=True,
        text=True,
        env=environment,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    for benchmark in run_all.BENCHMARKS:
        if benchmark.small is not None:
            assert json.loads((tmp_path / "numbers" / f"{benchmark.name}.json").read_text()), benchmark.name
