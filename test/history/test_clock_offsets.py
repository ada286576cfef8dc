"""Clock offsets of cameras are stored with the time from which on they hold."""

import json

import pytest

from facetrack_ros.history.clock_offsets import STEADY, ClockOffsets

SECOND = 10**9
ALWAYS = (-(2**63), 2**63 - 1)


def steadily(log, camera, since_ns, behind_ns):
    for second in range(STEADY):
        log.note(camera, since_ns + second * SECOND // 10, behind_ns)


def test_a_correct_clock_adds_no_line(tmp_path):
    log = ClockOffsets(tmp_path)
    for second in range(10):
        log.note("front", second * SECOND, SECOND // 10)
    assert not log.path.exists()
    assert log.describe(*ALWAYS) == {}


def test_an_offset_holds_from_its_first_stamp_until_the_clock_is_set(tmp_path):
    log = ClockOffsets(tmp_path)
    steadily(log, "front", 100 * SECOND, 93 * SECOND)
    steadily(log, "front", 110 * SECOND, 93 * SECOND + SECOND // 5)
    steadily(log, "front", 200 * SECOND, SECOND // 10)
    steadily(log, "rear", 150 * SECOND, -20 * SECOND)
    for known in (log, ClockOffsets(tmp_path)):
        assert known.describe(0, 99 * SECOND) == {}
        assert known.describe(120 * SECOND, 130 * SECOND) == {
            "front": "the clock of camera front was 93.0 s behind the robot's, and its stamps with it"
        }
        assert list(known.describe(*ALWAYS)) == ["front", "rear"]
        assert "ahead of" in known.describe(*ALWAYS)["rear"]
        assert known.describe(201 * SECOND, 300 * SECOND, ("front",)) == {}
    assert len(log.path.read_text().splitlines()) == 3


def test_a_recording_played_too_fast_adds_one_line(tmp_path):
    log, year = ClockOffsets(tmp_path), 365 * 86_400 * SECOND
    for second in range(600):
        log.note("front", second * 4 * SECOND, year - second * 3 * SECOND)
    assert len(log.path.read_text().splitlines()) == 1


def test_frames_that_are_late_for_a_moment_are_no_offset(tmp_path):
    log = ClockOffsets(tmp_path)
    for behind_s in (0, 63, 63, 31, 0, 2, 2, 2, 0, *[3] * (STEADY - 1), 0):
        log.note("front", SECOND, behind_s * SECOND)
    assert not log.path.exists()


@pytest.mark.parametrize(
    "damage", ["{", "[]", "null", '{"camera_id": "front"}', '{"camera_id": 1, "since": 1e999, "behind_sec": 3}', "\x00"]
)
def test_a_damaged_line_costs_only_itself(tmp_path, damage):
    good = json.dumps({"camera_id": "front", "since": 1.0, "behind_sec": 9.0})
    (tmp_path / "clocks.jsonl").write_text(f"{damage}\n{good}\n{good[:9]}")
    log = ClockOffsets(tmp_path)
    assert list(log.describe(*ALWAYS)) == ["front"]
    steadily(log, "front", 5 * SECOND, 0)
    assert list(ClockOffsets(tmp_path).describe(6 * SECOND, 7 * SECOND)) == []
