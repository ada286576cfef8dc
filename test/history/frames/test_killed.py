"""What is left when the process is killed, the disk is full, or the medium is read-only."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from facetrack_ros.core.event import PERSON_IN, PersonEvent
from facetrack_ros.history.events.format import read_events
from facetrack_ros.history.events.log import EventLog
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.models.contract import ModelContract

CONTRACT = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.5)
A = np.array([1, 0, 0, 0], np.float32)
STEP_NS = 100_000_000
ALWAYS = (-(2**62), 2**62)
HEAD = """
import resource, sys
import numpy as np
from facetrack_ros.errors import StoreError
from facetrack_ros.history.events.log import EventLog
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.core.event import PERSON_IN, PersonEvent
from facetrack_ros.models.contract import ModelContract
contract = ModelContract("net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.5)
box = np.zeros(4, np.float32)
def add(store, i):
    face = np.eye(4, dtype=np.float32)[0]
    store.add("front", i * 100_000_000, i, f"t{i}", "", box, box, 0.5, face, lambda: bytes(3000))
"""
WRITER = (
    HEAD
    + """
store = SightingStore(sys.argv[1], contract, "robot1")
log = EventLog(sys.argv[1])
i = store.count
while True:
    add(store, i)
    log.append(PersonEvent(PERSON_IN, i * 100_000_000, "robot1", "front", "p_1", i, (0, 0, 1, 1), 0.5))
    print(i, flush=True)
    i += 1
"""
)


def test_sigkill_loses_at_most_a_second_and_tears_nothing(tmp_path):
    for kill_after in (5, 90, 217):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for line in writer.stdout:
            written = int(line)
            kill_after -= 1
            if kill_after <= 0:
                break
        os.kill(writer.pid, signal.SIGKILL)
        written = max([written, *map(int, writer.stdout.read().split())])
        writer.wait()
        reader = SightingStore.open_readonly(tmp_path, CONTRACT)
        numbers = sorted(sighting.frame_number for sighting, _ in reader.search(A, *ALWAYS, limit=10**6)[0])
        reader.close()
        assert numbers == list(range(len(numbers))), "sightings were lost in the middle"
        assert (written - len(numbers)) * STEP_NS <= 10**9
        # What the log holds more than the store was lost there; the next run numbers on from the store.
        assert written in {event["frame_number"] for event in read_events(tmp_path)}
        EventLog(tmp_path).append(PersonEvent(PERSON_IN, 0, "robot1", "front", "p_1", 0, (0, 0, 1, 1), 0.5))


def test_a_full_disk_is_told_and_the_store_goes_on_with_what_it_holds(tmp_path):
    program = (
        HEAD
        + """
store = SightingStore(sys.argv[1], contract, "robot1")
for i in range(50):
    add(store, i)
store.flush()
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
try:
    for i in range(50, 500):
        add(store, i)
    sys.exit("the full disk was not told")
except StoreError as error:
    print(error)
held = store.count
assert 50 <= held < 500, held
assert len(store.search(np.eye(4, dtype=np.float32)[0], 0, 2**62, limit=999)[0]) == held
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
add(store, 1000)
store.close()
assert SightingStore(sys.argv[1], contract, "robot1").count == held + 1
"""
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "check room" in done.stdout


READER = (
    HEAD
    + """
import os, shutil, tempfile
if os.geteuid() == 0:
    os.setuid(65534)  # to root no folder is read-only
store = SightingStore.open_readonly(sys.argv[1], contract)
print(store.count, len(store.search(np.eye(4, dtype=np.float32)[0], 0, 2**62, limit=999)[0]))
"""
)


@pytest.mark.parametrize("left", ["closed", "running", "killed", "killed, shared index gone"])
def test_a_read_only_folder_can_be_searched_with_all_that_was_committed(tmp_path, left):
    live, there = tmp_path / "live", tmp_path / "there"
    store = SightingStore(live, CONTRACT, "robot1")
    for i in range(3):
        store.add("front", i, i, f"t{i}", "", np.zeros(4), np.zeros(4), 0.5, A, lambda: b"")
    store.flush()
    if left == "closed":
        store.close()
    if left != "running":
        shutil.copytree(live, there)
    else:
        there = live
    if left == "killed, shared index gone":
        next(there.glob("*-shm")).unlink()
    for path in (*there.iterdir(), there):
        path.chmod(0o555 if path.is_dir() else 0o444)
    for path in there.parents:
        if Path(tempfile.gettempdir()) in path.parents:
            path.chmod(0o755)
    try:
        done = subprocess.run([sys.executable, "-c", READER, str(there)], capture_output=True, text=True, timeout=60)
    finally:
        there.chmod(0o755)
    store.close()
    assert done.stdout == "3 3\n", done.stderr


def test_a_robot_killed_while_it_stores_frames_loses_at_most_a_second_of_them_and_no_acknowledged_sighting(tmp_path):
    script = Path(__file__).resolve().parents[3] / "benchmarks" / "killed.py"
    found = tmp_path / "found.json"
    done = subprocess.run(
        [
            sys.executable,
            str(script),
            "--kills",
            "3",
            "--cameras",
            "2",
            "--longest",
            "1.5",
            "--kilobytes",
            "30",
            "--json",
            str(found),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    for life in json.loads(found.read_text())["lives"]:
        assert life["missing_s"] <= 1.0, life
        assert not any(life[name] for name in ("gaps", "faces_missing", "unreadable", "warnings")), life
