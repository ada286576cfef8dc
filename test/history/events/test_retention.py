"""Event logs are deleted by whole days."""

from datetime import datetime, timezone

import pytest

from facetrack_ros.errors import StoreError
from facetrack_ros.history.events.retention import prune_event_logs

HOUR_NS = 3_600_000_000_000
NOW_NS = int(datetime(2026, 5, 20, 12, tzinfo=timezone.utc).timestamp()) * 10**9


@pytest.fixture
def logs(tmp_path):
    names = [f"events-2026-05-{day:02}.jsonl" for day in range(11, 21)]
    for name in (
        *names,
        "events-2026-05-11.csv",
        "events-2026-05-11.jsonl.damaged-1",
        "events-2026-13-45.jsonl",
        "ids",
    ):
        (tmp_path / name).write_text("{}\n")
    return tmp_path


def left(folder):
    return sorted(file.name for file in folder.iterdir())


def test_only_days_that_ended_before_the_limit_go(logs):
    assert prune_event_logs(logs, 7 * 24 * HOUR_NS, NOW_NS) == 4
    # The 13th ended at midnight of the 14th, six and a half days ago.
    assert left(logs)[0] == "events-2026-05-13.jsonl"
    assert "events-2026-13-45.jsonl" in left(logs)
    assert "ids" in left(logs)


def test_without_a_limit_all_stay(logs):
    before = left(logs)
    assert prune_event_logs(logs, 0, NOW_NS) == 0
    assert left(logs) == before


def test_more_than_half_is_refused_unless_a_user_asked(logs):
    before = left(logs)
    with pytest.raises(StoreError, match=r"event_logging\.max_age_h"):
        prune_event_logs(logs, 48 * HOUR_NS, NOW_NS)
    assert left(logs) == before
    assert prune_event_logs(logs, 48 * HOUR_NS, NOW_NS, brake=False) > 5
    assert left(logs)[0] == "events-2026-05-18.jsonl"
