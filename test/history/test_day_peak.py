"""What was held within a day is known also after a restart and a damaged file."""

from facetrack_ros.history.day_peak import DayPeak

HOUR = 3_600_000_000_000
NOW = 480_000 * HOUR


def test_the_most_of_the_last_day_counts_also_after_a_restart(tmp_path):
    path = tmp_path / "most.json"
    peak = DayPeak(path, "sightings")
    assert peak.note(100, NOW) == 100
    assert peak.note(40, NOW + HOUR) == 100
    assert DayPeak(path, "sightings").note(10, NOW + 23 * HOUR) == 100
    assert DayPeak(path, "sightings").note(10, NOW + 24 * HOUR) == 40
    assert DayPeak(path, "frames").note(7, NOW) == 7, "another series of the same file"


def test_a_deletion_that_was_asked_for_is_forgotten(tmp_path):
    peak = DayPeak(tmp_path / "most.json", "sightings")
    peak.note(100, NOW)
    peak.reset(5, NOW)
    assert peak.note(5, NOW) == 5


def test_a_damaged_file_counts_as_empty_and_one_that_cannot_be_written_is_no_error(tmp_path):
    path = tmp_path / "most.json"
    for content in (b"\xff", b"[1]", b'{"sightings": 3}', b'{"sightings": {"x": 1}}', b"[" * 100_000):
        path.write_bytes(content)
        assert DayPeak(path, "sightings").note(3, NOW) == 3
    assert DayPeak(tmp_path / "missing" / "most.json", "sightings").note(3, NOW) == 3


def test_the_file_does_not_grow(tmp_path):
    path = tmp_path / "most.json"
    peak = DayPeak(path, "sightings")
    for hour in range(1000):
        peak.note(100 + hour, NOW + hour * HOUR)
    assert path.stat().st_size < 1000
