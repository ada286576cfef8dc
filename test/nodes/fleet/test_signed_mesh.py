"""Requests to the fleet and receipts in a closed fleet: who signed them, and what they may ask."""

import time
from dataclasses import fields, replace
from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from facetrack_ros.core.fleet.fleet_request import DONE, REFUSED, FleetReceipt, FleetRequest
from facetrack_ros.errors import InvalidInput
from facetrack_ros.nodes.fleet.requests.fleet_trust import OpenMesh, SignedMesh, trust_of
from facetrack_ros.security.fleet_file import OPERATOR, ROBOT, FleetFile
from facetrack_ros.security.keys import Identity
from facetrack_ros.security.membership import Membership
from facetrack_ros.security.signing import WINDOW_NS

NOW_NS = time.time_ns()


@pytest.fixture
def trust(tmp_path):
    """The trust of each member."""
    founder = Identity.new("founder")
    fleet = FleetFile.new("warehouse", founder)
    identities = {name: Identity.new(name) for name in ("robot1", "robot2", "alice", "bob")}
    for name, may in (("robot1", ()), ("robot2", ()), ("alice", ("search", "forget")), ("bob", ("enrol",))):
        kind = ROBOT if name.startswith("robot") else OPERATOR
        fleet = fleet.with_member(founder, name, kind, identities[name].public, may)
    fleet.write(tmp_path / "fleet.yaml", founder, NOW_NS)
    clock = SimpleNamespace(now=lambda: SimpleNamespace(nanoseconds=NOW_NS))
    nodes = {
        name: SimpleNamespace(fleet=Membership(tmp_path / "fleet.yaml", identity), get_clock=lambda: clock)
        for name, identity in identities.items()
    }
    return {name: trust_of(node) for name, node in nodes.items()}


def request(kind="forget", **changes):
    given = {"id": "r1", "kind": kind, "operator": "cli_root", "reason": "asked", "issued_ns": NOW_NS, "body": b"{}"}
    return FleetRequest(**given | changes)


def test_without_a_fleet_everything_is_taken():
    assert isinstance(trust_of(SimpleNamespace(fleet=None)), OpenMesh)


def test_an_operators_request_is_in_its_name_and_any_change_is_found(trust):
    assert isinstance(trust["alice"], SignedMesh)
    signed = trust["alice"].signed_request(request())
    assert (signed.operator, signed.signer, len(signed.nonce)) == ("alice", "alice", 16)
    trust["robot1"].check_request(signed)
    trust["robot1"].check_request(replace(signed, missing=("robot2",), part=3))  # when it is sent again
    others = {str: "x", int: 7, bytes: b"1", tuple: ("robot2",)}
    for field in fields(FleetRequest):
        if field.name not in ("missing", "part"):
            changed = replace(signed, **{field.name: others[type(getattr(signed, field.name))]})
            with pytest.raises(InvalidInput):
                trust["robot1"].check_request(changed)


def test_what_is_not_allowed_is_refused(trust):
    for member, kind in (("alice", "enrol"), ("bob", "forget"), ("bob", "list_people"), ("alice", "missed")):
        with pytest.raises(InvalidInput, match="may not"):
            trust["robot1"].check_request(trust[member].signed_request(request(kind)))
    with pytest.raises(InvalidInput, match="may not"):
        trust["robot1"].check_request(trust["robot2"].signed_request(request("unheard_of")))
    trust["robot1"].check_request(trust["robot2"].signed_request(request("missed")))
    with pytest.raises(InvalidInput, match="not signed"):
        trust["robot1"].check_request(request())


def test_an_old_request_is_taken_from_a_robot_that_kept_it_only(trust):
    old = trust["alice"].signed_request(request(issued_ns=NOW_NS - 2 * WINDOW_NS))
    with pytest.raises(InvalidInput, match="signed"):
        trust["robot1"].check_request(old)
    trust["robot1"].check_request(old, relayed=True)


def test_a_receipt_is_its_robots(trust):
    receipt = FleetReceipt("r1", "robot1", "i1", DONE, body=b"{}", stamp_ns=NOW_NS)
    signed = trust["robot1"].signed_receipt(receipt)
    trust["alice"].check_receipt(signed)
    changes = {"request_id": "r2", "state": REFUSED, "body": b"[]", "robot_id": "robot2", "part": 1, "stamp_ns": 1}
    for name, value in changes.items():
        with pytest.raises(InvalidInput):
            trust["alice"].check_receipt(replace(signed, **{name: value}))
    for forged in (receipt, trust["robot2"].signed_receipt(receipt), trust["alice"].signed_receipt(receipt)):
        with pytest.raises(InvalidInput):
            trust["bob"].check_receipt(forged)
