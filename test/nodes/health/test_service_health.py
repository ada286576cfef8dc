"""Diagnosis of a service."""

from facetrack_ros.nodes.health import service_health
from facetrack_ros.nodes.health.service_health import ServiceHealth
from facetrack_ros.nodes.health.status import OK, STALE, WARN


def test_requests_and_refusals_are_counted_and_only_errors_warn_for_a_minute(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(service_health.time, "monotonic", lambda: now[0])
    health = ServiceHealth("search", "searches answered")
    assert health.report({}).level == OK
    assert health.report({}).sentence == "0 searches answered"
    health.done(0.123)
    health.refused("no face in the picture")
    seen = health.report({"under way": "2"})
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
    assert health.report({}).level == WARN
    assert health.report({}).sentence == "robot2 did not answer"
    now[0] += 61
    seen = health.report({})
    assert seen.level == OK
    assert seen.values["last error"] == "robot2 did not answer"
    assert seen.values["last error (s ago)"] == "61"
    assert health.report({}, "is inactive").level == STALE
