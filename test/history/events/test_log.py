"""The event log keeps whole lines, a file a day, in both formats."""

import json
import os
import resource
import shutil
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PERSON_OUT, PersonEvent
from facetrack_ros.errors import StoreError
from facetrack_ros.history.events.format import CSV_COLUMNS, event_to_dict, read_events
from facetrack_ros.history.events.log import EventLog

DAY_NS = 86_400 * 10**9
NOON = 1_795_348_800 * 10**9  # 2026-11-22T12:00:00Z
IN = PersonEvent(
    PERSON_IN, NOON + 123_456_000, "robot1", "front", "p_robot1_1", 7, bbox=(1.0, 2.0, 30.5, 40.25), confidence=0.75
)
OUT = PersonEvent(
    PERSON_OUT,
    NOON + 5 * 10**9,
    "robot1",
    "front",
    "p_robot1_1",
    90,
    last_seen_ns=NOON + 4 * 10**9,
    duration_ns=3_876_544_000,
    last_bbox=(5.0, 6.0, 7.0, 8.0),
)
MATCHED = PersonEvent(
    FACE_MATCHED,
    NOON + 6 * 10**9,
    "robot1",
    "front",
    "p_robot1_1",
    91,
    reference_face_id='Ann, "the" guest',
    similarity=0.5,
)


def log_of(directory, format, *events):
    log = EventLog(directory, format)
    for event in events:
        assert log.append(event)
    log.close()
    return log


def test_each_kind_of_event_has_its_keys():
    assert list(event_to_dict(IN)) == [
        "event",
        "person_id",
        "robot_id",
        "camera_id",
        "timestamp",
        "frame_number",
        "bbox",
        "confidence",
    ]
    assert list(event_to_dict(OUT))[6:] == ["last_seen_timestamp", "duration_sec", "last_bbox", "reason"]
    assert list(event_to_dict(MATCHED))[6:] == ["reference_face_id", "similarity", "search_id"]
    assert event_to_dict(IN)["timestamp"] == pytest.approx(1_795_348_800.123456, abs=1e-6)
    assert event_to_dict(OUT)["duration_sec"] == 3.876544


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_written_records_are_read_back(tmp_path, format):
    log_of(tmp_path, format, IN, OUT, MATCHED)
    assert list(read_events(tmp_path)) == [event_to_dict(event) for event in (IN, OUT, MATCHED)]


def test_csv_has_one_header_and_one_set_of_columns(tmp_path):
    for event in (IN, OUT, MATCHED):
        log_of(tmp_path, "csv", event)
    lines = next(tmp_path.glob("*.csv")).read_text().splitlines()
    assert lines[0] == ",".join(CSV_COLUMNS)
    assert len(lines) == 4
    assert lines[1].count(",") == len(CSV_COLUMNS) - 1


def test_a_newline_in_a_name_does_not_break_a_csv_line(tmp_path):
    log_of(tmp_path, "csv", PersonEvent(FACE_MATCHED, NOON, "r", "c", "p", 1, reference_face_id="a\nb", similarity=0.5))
    assert [event["reference_face_id"] for event in read_events(tmp_path)] == ["a b"]


def test_a_file_a_day_by_the_events_own_utc_date(tmp_path):
    midnight = NOON + DAY_NS // 2
    log_of(
        tmp_path,
        "jsonl",
        *(
            PersonEvent(PERSON_IN, stamp, "r", "c", "p", 1, (0, 0, 1, 1), 0.5)
            for stamp in (midnight - 1, midnight, midnight - 1)
        ),
    )
    assert {path.name: len(path.read_text().splitlines()) for path in tmp_path.iterdir()} == {
        "events-2026-11-22.jsonl": 2,
        "events-2026-11-23.jsonl": 1,
    }


@pytest.mark.parametrize("format", ["jsonl", "csv"])
@settings(max_examples=50, deadline=None)
@given(cut=st.integers(1, 500))
def test_only_an_incomplete_last_line_is_lost(tmp_path_factory, format, cut):
    directory = tmp_path_factory.mktemp("log")
    log_of(directory, format, IN, OUT)
    path = next(directory.iterdir())
    data = path.read_bytes()[:-cut]
    path.write_bytes(data)
    whole = max(data.count(b"\n") - (format == "csv"), 0)
    assert list(read_events(directory)) == [event_to_dict(event) for event in (IN, OUT)[:whole]]
    log_of(directory, format, MATCHED)
    assert list(read_events(directory)) == [event_to_dict(event) for event in (*(IN, OUT)[:whole], MATCHED)]


def test_a_damaged_line_in_the_middle_is_left_out_with_a_warning(tmp_path, caplog):
    log_of(tmp_path, "jsonl", IN)
    path = next(tmp_path.iterdir())
    path.write_bytes(b"\0\0\0\n" + path.read_bytes())
    assert [event["event"] for event in read_events(tmp_path)] == [PERSON_IN]
    assert "event 1 of" in caplog.text


@pytest.mark.parametrize("remove", [lambda folder: next(folder.glob("events-*")).unlink(), shutil.rmtree])
def test_a_new_file_replaces_a_deleted_one(tmp_path, remove):
    log = EventLog(tmp_path / "robot1")
    log.append(IN)
    remove(tmp_path / "robot1")
    log.append(OUT)
    log.close()
    assert list(read_events(tmp_path / "robot1")) == [event_to_dict(OUT)]


def test_a_full_disk_is_reported_once_and_leaves_no_partial_line(tmp_path):
    program = f"""
import resource, sys
from facetrack_ros.errors import StoreError
from facetrack_ros.history.events.log import EventLog
from facetrack_ros.core.event import PERSON_IN, PersonEvent
log = EventLog({str(tmp_path)!r})
event = PersonEvent(PERSON_IN, {NOON}, "robot1", "front", "p_1", 1, (0, 0, 1, 1), 0.5)
assert log.append(event)
resource.setrlimit(resource.RLIMIT_FSIZE, (200, {resource.RLIM_INFINITY}))
try:
    log.append(event)
    sys.exit("the first failure was not reported")
except StoreError as error:
    print(error)
assert not log.append(event) and log.unwritten == 2 and log.written == 1
resource.setrlimit(resource.RLIMIT_FSIZE, ({resource.RLIM_INFINITY}, {resource.RLIM_INFINITY}))
assert log.append(event) and log.unwritten == 0 and log.written == 4
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "make room" in done.stdout
    lines = next(tmp_path.iterdir()).read_text().splitlines()
    assert len(lines) == 4
    assert all(json.loads(line) for line in lines)


def test_events_beyond_the_pending_limit_are_counted_as_lost(tmp_path, monkeypatch):
    monkeypatch.setattr("facetrack_ros.history.events.log.MAX_PENDING", 3)
    log = EventLog(tmp_path / "log")
    (tmp_path / "log").rmdir()
    (tmp_path / "log").write_text("in its place")
    with pytest.raises(StoreError, match="events wait"):
        log.append(IN)
    assert not any(log.append(event) for event in (OUT, OUT, OUT, MATCHED))
    assert (log.unwritten, log.lost) == (5, 2)
    (tmp_path / "log").unlink()
    assert log.append(MATCHED)
    assert (log.unwritten, log.lost) == (3, 3)
    assert [event["event"] for event in read_events(tmp_path / "log")] == [OUT.event, MATCHED.event, MATCHED.event]


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_with_fsync_each_event_is_on_the_medium_when_append_returns(tmp_path, monkeypatch, format):
    synced = []
    monkeypatch.setattr("os.fsync", lambda file: synced.append(next(tmp_path.glob("*")).stat().st_size))
    log = EventLog(tmp_path, format, fsync=True)
    for event in (IN, OUT):
        log.append(event)
    assert len(synced) == 2
    assert synced[1] == next(tmp_path.glob("*")).stat().st_size


def test_no_event_is_lost_when_room_is_made_on_a_full_disk(tmp_path):
    """A real full disk: a tmpfs of 64 kB in a namespace of its own."""
    program = f"""
import subprocess, sys
from pathlib import Path
if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", {str(tmp_path)!r}]).returncode:
    sys.exit(77)
from facetrack_ros.errors import StoreError
from facetrack_ros.history.events.format import read_events
from facetrack_ros.history.events.log import EventLog
from facetrack_ros.core.event import PERSON_IN, PersonEvent
ballast = Path({str(tmp_path)!r}) / "ballast"
ballast.write_bytes(bytes(40_000))
log, reported = EventLog({str(tmp_path)!r}), 0
for number in range(200):
    try:
        log.append(PersonEvent(PERSON_IN, {NOON} + number, "robot1", "front", "p_1", number, (0, 0, 1, 1), 0.5))
    except StoreError:
        reported += 1
assert reported == 1 and log.unwritten > 0 and log.written + log.unwritten == 200
ballast.unlink()
log.append(PersonEvent(PERSON_IN, {NOON} + 200, "robot1", "front", "p_1", 200, (0, 0, 1, 1), 0.5))
assert [event["frame_number"] for event in read_events({str(tmp_path)!r})] == list(range(201))
"""
    done = subprocess.run(
        ["unshare", "--mount", "--user", "--map-root-user", sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr


def test_unknown_formats_and_unusable_folders_are_refused(tmp_path):
    with pytest.raises(StoreError, match="jsonl or csv"):
        EventLog(tmp_path, "xml")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot make the folder"):
        EventLog(tmp_path / "file")


def test_a_sparse_log_is_refused_by_its_size(tmp_path):
    log = tmp_path / "events-2026-11-22.jsonl"
    log.touch()
    os.truncate(log, 10**13)  # more than can be read into memory
    with pytest.raises(StoreError, match="larger than"):
        list(read_events(tmp_path))
