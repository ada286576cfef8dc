"""Receipts of a request: who is waited for, what counts, and the line of each robot."""

from dataclasses import replace

import pytest

from facetrack_ros.core.fleet.fleet_request import DONE, PENDING, REFUSED, FleetReceipt, FleetRequest
from facetrack_ros.errors import InvalidInput
from facetrack_ros.search.fleet import fleet_answer
from facetrack_ros.search.fleet.receipt_collector import OTHERS, ReceiptCollector
from facetrack_ros.search.fleet_roster import RosterEntry

REQUEST = FleetRequest("f1", "list_people")
MINUTE_NS = 60_000_000_000


def entry(robot, left=False, silent_ns=0, **fields):
    return RosterEntry(robot, "model", left, silent_ns, f"{robot}-1", **fields)


def collector(*entries, request=REQUEST, known=None, **options):
    known = {(each.robot_id, each.instance_id) for each in entries} if known is None else known
    return ReceiptCollector(request, entries, lambda *key: key in known, **options)


def receipt(robot, state=DONE, instance=None, **fields):
    return FleetReceipt("f1", robot, f"{robot}-1" if instance is None else instance, state, **fields)


def lines(answer):
    return [(line.robot_id, line.state) for line in answer.lines]


def test_each_robot_has_a_line_done_refused_or_missing():
    robots = collector(entry("robot1"), entry("robot2"), entry("robot3"))
    robots.add(receipt("robot1", body=b'{"a": 1}'))
    robots.add(receipt("robot2", REFUSED, reason="no"))
    assert set(robots.missing) == {"robot3"}
    answer = robots.close()
    assert lines(answer) == [("robot1", "done"), ("robot2", "refused"), ("robot3", "missing")]
    assert not answer.complete
    assert answer.done[0].values == {"a": 1}
    assert answer.not_done["robot2"] == "no"
    assert answer.to_json()[1] == {"robot_id": "robot2", "state": "refused", "reason": "no"}


def test_robots_that_left_or_are_silent_are_not_waited_for_but_named_and_may_answer():
    robots = collector(
        entry("gone", left=True), entry("silent", silent_ns=MINUTE_NS), entry("quiet", silent_ns=MINUTE_NS)
    )
    assert not robots.missing
    robots.add(receipt("quiet"))
    assert lines(robots.close()) == [("gone", "missing"), ("quiet", "done"), ("silent", "missing")]


def test_a_robot_that_another_one_hears_is_waited_for():
    robots = collector(
        entry("robot1"), entry("robot2", told_by="robot1", awaited=True), entry("robot3", told_by="robot1")
    )
    assert set(robots.missing) == {"robot1", "robot2"}
    assert "robot1 knows it" in robots.close().not_done["robot3"]


def test_robots_that_the_request_does_not_name_are_not_waited_for_and_unknown_ones_are_missing():
    request = replace(REQUEST, robots=("robot1", "robot9"))
    robots = collector(entry("robot1"), entry("robot2"), request=request, crowded="full")
    robots.add(receipt("robot1"))
    robots.add(receipt("robot2"))
    assert not robots.missing
    assert lines(robots.close()) == [("robot1", "done"), ("robot9", "missing")]


def test_a_full_roster_makes_an_answer_of_all_incomplete():
    robots = collector(entry("robot1"), crowded="full")
    robots.add(receipt("robot1"))
    assert robots.close().not_done == {OTHERS: "full"}


def test_the_own_robot_is_waited_for_before_it_is_heard():
    assert set(collector(own_robot="robot1").missing) == {"robot1"}


def test_a_busy_robot_is_asked_again_and_its_reason_told():
    robots = collector(entry("robot1"))
    robots.add(receipt("robot1", PENDING, reason="busy"))
    assert robots.missing == {"robot1": "busy"}
    assert robots.close().not_done == {"robot1": "busy"}
    robots.add(receipt("robot1"))
    assert lines(robots.close()) == [("robot1", "done")]


def test_a_receipt_of_an_unknown_process_waits_for_its_heartbeat():
    known = {("robot1", "robot1-1")}
    robots = collector(entry("robot1"), known=known)
    robots.add(receipt("robot2"))
    robots.add(receipt("robot1", instance="forged"))
    assert set(robots.missing) == {"robot1"}
    known.add(("robot2", "robot2-1"))
    robots.on_roster([])
    robots.add(receipt("robot1"))
    answer = robots.close()
    assert lines(answer) == [("robot1", "done"), ("robot1", "missing"), ("robot2", "done")]
    assert "heartbeat" in answer.not_done["robot1"]
    assert robots.forged == 1


def test_many_receipts_of_unknown_processes_cost_little():
    robots = collector()
    for number in range(500):
        robots.add(receipt(f"robot{number}"))
    answer = robots.close()
    assert len(answer.lines) <= 10
    assert robots.forged == 500


def test_of_two_different_receipts_the_first_counts_and_the_clash_is_told():
    robots = collector(entry("robot1"))
    robots.add(receipt("robot1", body=b'{"a": 1}'))
    robots.add(receipt("robot1", body=b'{"a": 1}'))
    assert robots.close().complete
    robots.add(receipt("robot1", body=b'{"a": 2}'))
    answer = robots.close()
    assert answer.done[0].values == {"a": 1}
    assert "forged" in answer.not_done["robot1"]


def test_parts_are_put_together_in_any_order():
    robots = collector(entry("robot1"))
    robots.add(receipt("robot1", body=b"{", part=0, parts=3))
    assert robots.next_parts == {"robot1": 1}
    robots.add(receipt("robot1", body=b"}", part=2, parts=3))
    assert set(robots.missing) == {"robot1"}
    robots.add(receipt("robot1", body=b'"a": 3', part=1, parts=3))
    assert not robots.next_parts
    assert robots.close().done[0].values == {"a": 3}


def test_two_processes_of_one_name_are_both_waited_for():
    known = {("robot1", "one"), ("robot1", "two")}
    robots = collector(entry("robot1", claims=2), known=known)
    robots.add(receipt("robot1", instance="one"))
    assert robots.missing == {"robot1": "1 of 2 of that name answered"}
    robots.add(receipt("robot1", instance="two"))
    assert lines(robots.close()) == [("robot1", "done"), ("robot1", "done")]


def test_a_robot_that_leaves_is_not_waited_for_any_more():
    robots = collector(entry("robot1"), entry("robot2"))
    robots.on_roster([entry("robot1", left=True)])
    assert set(robots.missing) == {"robot2"}
    assert "left" in robots.close().not_done["robot1"]


def test_an_answer_that_is_no_json_is_refused():
    robots = collector(entry("robot1"))
    robots.add(receipt("robot1", body=b"[1]"))
    line = robots.close().lines[0]
    assert line.state == fleet_answer.REFUSED
    assert "cannot be used" in line.reason


@pytest.mark.parametrize(
    "fields",
    [
        {"id": ""},
        {"id": "a b"},
        {"kind": ""},
        {"kind": "../x"},
        {"operator": "\x1b[2J"},
        {"reason": "x" * 501},
        {"issued_ns": -1},
        {"deadline_ns": 2**62},
        {"robots": ("r",) * 501},
        {"missing": ("\x07",)},
        {"body": bytes(900_001)},
        {"requester": "a b"},
        {"nonce": bytes(65)},
        {"signature": bytes(513)},
        {"part": 128},
    ],
)
def test_an_impossible_request_is_refused(fields):
    REQUEST.check()
    with pytest.raises(InvalidInput):
        replace(REQUEST, **fields).check()


@pytest.mark.parametrize(
    "fields",
    [
        {"request_id": ""},
        {"robot_id": "a/b"},
        {"instance_id": "a b"},
        {"state": 0},
        {"state": 4},
        {"reason": "\x07"},
        {"body": bytes(500_001)},
        {"parts": 0},
        {"parts": 129},
        {"part": 1},
        {"stamp_ns": -1},
        {"signature": bytes(513)},
    ],
)
def test_an_impossible_receipt_is_refused(fields):
    receipt("robot1").check()
    with pytest.raises(InvalidInput):
        replace(receipt("robot1"), **fields).check()


@pytest.mark.parametrize("body", [b"[]", b"{", b"\xff", b"[" * 100_000, b"9" * 10_000])
def test_a_body_that_is_no_object_is_refused(body):
    with pytest.raises(InvalidInput):
        _ = replace(REQUEST, body=body).values


def test_the_digest_does_not_change_when_a_request_is_sent_again():
    assert replace(REQUEST, missing=("robot1",), part=3).digest == REQUEST.digest
    assert replace(REQUEST, body=b"{}").digest != REQUEST.digest


def test_a_receipt_too_long_for_its_parts_is_refused():
    assert [part.state for part in receipt("robot1", body=bytes(70_000_000)).in_parts()] == [REFUSED]
    assert [len(part.body) for part in receipt("robot1", body=bytes(1_200_000)).in_parts()] == [
        500_000,
        500_000,
        200_000,
    ]
