"""The log of requests that change something: it survives restarts and damage, is bounded, and knows what was done."""

import json
from dataclasses import replace

import pytest

from facetrack_ros.core.fleet.fleet_request import DONE, FleetReceipt, FleetRequest
from facetrack_ros.core.sealed_files.data_key import DataKey
from facetrack_ros.core.sealed_files.folder_keys import set_key
from facetrack_ros.errors import StoreError
from facetrack_ros.history.requests import request_log
from facetrack_ros.history.requests.request_log import RequestLog, request_from_dict, request_to_dict


def request(number, issued_ns=None, **fields):
    issued = number if issued_ns is None else issued_ns
    return replace(FleetRequest(f"f{number}", "enrol", "ann", issued_ns=issued, body=b'{"a":1}'), **fields)


def receipt(number):
    return FleetReceipt(f"f{number}", "robot1", "i", DONE, body=b'{"added":[]}', stamp_ns=5)


def opened(folder):
    log = RequestLog(folder)
    log.open()
    return log


def test_what_was_asked_and_done_is_there_after_a_restart(tmp_path):
    log = opened(tmp_path / "robot1")
    signed = request(2, robots=("robot1",), nonce=b"\x00\xff", signer="ann", signature=b"s" * 64)
    log.add(request(1))
    log.add(signed)
    log.add(request(3, robots=("robot2",)))
    log.finish("f1", receipt(1))
    again = opened(tmp_path / "robot1")
    assert [each.request for each in again.requests()] == [request(1), signed, request(3, robots=("robot2",))]
    assert again.get("f1").receipt == receipt(1)
    assert [each.id for each in again.to_do("robot1")] == ["f2"]
    assert [each.id for each in again.lacking(["f1", "f9"])] == ["f2", "f3"]
    assert "f3" in again
    assert "f4" not in again


def test_requests_are_in_order_of_their_issue(tmp_path):
    log = opened(tmp_path)
    for number, issued_ns in ((1, 30), (2, 10), (3, 20)):
        log.add(request(number, issued_ns))
        log.finish(f"f{number}", receipt(number))
    assert [each.request.id for each in log.requests()] == ["f2", "f3", "f1"]
    assert [each.id for each in log.later(request(2, 10), ("enrol",))] == ["f3", "f1"]
    assert log.later(request(2, 10), ("remove",)) == []


def test_a_damaged_line_and_a_cut_one_harm_no_other(tmp_path, caplog):
    log = opened(tmp_path)
    for number in range(3):
        log.add(request(number))
    lines = log.path.read_bytes().splitlines(keepends=True)
    odd = [b"{}\n", b"[1]\n", b'{"request": {"id": 5}}\n', b'{"request": {"id": "a", "kind": "b", "body": "\xff"}}\n']
    log.path.write_bytes(lines[0] + b"".join(odd) + lines[2] + lines[1][:-9])
    again = opened(tmp_path)
    assert [each.request.id for each in again.requests()] == ["f0", "f2"]
    assert "damaged" in caplog.text
    again.add(request(7))
    assert [each.request.id for each in opened(tmp_path).requests()] == ["f0", "f2", "f7"]


def test_the_log_is_bounded_and_what_goes_is_not_done_again(tmp_path, monkeypatch):
    monkeypatch.setattr(request_log, "MOST_REQUESTS", 5)
    log = opened(tmp_path)
    log.add(request(1, operator="bob"))
    for number in range(2, 300):
        log.add(request(number))
    assert len(log.requests()) == 5
    assert log.get("f1") is not None, "who asks much pushes out no one else's"
    assert log.get("f9") is None
    assert "f9" in log
    again = opened(tmp_path)
    assert "f9" in again
    assert len(again.requests()) == 5
    assert len(log.path.read_bytes().splitlines()) < 1000


def test_an_encrypted_log_stays_encrypted_when_it_is_written_anew(tmp_path):
    set_key(tmp_path, DataKey(bytes(range(32))))
    log = opened(tmp_path)
    for number in range(1, 4):
        log.add(request(number))
    log.forget("f1")
    assert not any(word in log.path.read_bytes() for word in (b'"f2"', b'"ann"', b'"forgotten"'))
    assert [kept.request.id for kept in opened(tmp_path).requests()] == ["f2", "f3"]


def test_of_a_forgotten_request_only_the_id_is_kept(tmp_path):
    log = opened(tmp_path)
    for number in range(1, 3):
        log.add(request(number))
    log.forget("f1")
    for each in (log, opened(tmp_path)):
        assert "f1" in each
        assert [kept.request.id for kept in each.requests()] == ["f2"]


def test_large_bodies_are_bounded_together(tmp_path, monkeypatch):
    monkeypatch.setattr(request_log, "MOST_BYTES", 1000)
    log = opened(tmp_path)
    for number in range(10):
        log.add(request(number, body=b'"' + b"x" * 400 + b'"'))
    assert [each.request.id for each in log.requests()] == ["f8", "f9"]


def test_a_log_that_cannot_be_written_says_so(tmp_path):
    log = opened(tmp_path / "robot1")
    (tmp_path / "robot1").write_text("a file")
    with pytest.raises(StoreError):
        log.add(request(1))
    assert "f1" not in log


def test_something_else_in_its_place_is_moved_away(tmp_path):
    (tmp_path / "requests.jsonl").mkdir()
    log = opened(tmp_path)
    log.add(request(1))
    assert "f1" in opened(tmp_path)


def test_a_request_as_json_has_no_sending(tmp_path):
    sent = request(1, missing=("robot1",), part=2)
    assert request_from_dict(json.loads(json.dumps(request_to_dict(sent)))) == request(1)
