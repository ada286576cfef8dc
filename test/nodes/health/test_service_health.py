"""What a service tells of its health."""

from facetrack_ros.nodes.health import service_health
from facetrack_ros.nodes.health.service_health import ServiceHealth
from facetrack_ros.nodes.health.status import OK, STALE, WARN


def test_answers_and_refusals_are_counted_and_only_what_went_wrong_warns_for_a_minute(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(service_health.time, "monotonic", lambda: now[0])
    health = ServiceHealth("search", "searches answered")
    assert health.look({}).level == OK
    assert health.look({}).sentence == "0 searches answered"
    health.done(0.123)
    health.refused("no face in the picture")
    seen = health.look({"under way": "2"})
    assert seen.level == OK
    assert seen.values == {
        "searches answered": "1",
        "refused": "1",
        "last took (ms)": "123",
        "under way": "2",
        "last refusal": "no face in the picture",
        "last error": "none",
    }
    health.failed("robot2 did not answer")
    assert health.look({}).level == WARN
    assert health.look({}).sentence == "robot2 did not answer"
    now[0] += 61
    seen = health.look({})
    assert seen.level == OK
    assert seen.values["last error"] == "robot2 did not answer"
    assert seen.values["last error (s ago)"] == "61"
    assert health.look({}, "is inactive").level == STALE
