"""What members take from each other: signed, sealed, once, and only what the signer may send."""

import random
from dataclasses import replace

import pytest

from facetrack_ros.errors import ConfigError, InvalidInput
from facetrack_ros.security.fleet_file import OPERATOR, ROBOT, FleetFile
from facetrack_ros.security.keys import Identity
from facetrack_ros.security.membership import (
    ANY_MEMBER,
    EVERYONE,
    FLEET,
    ROBOTS_ONLY,
    Envelope,
    Membership,
    request_guard,
)
from facetrack_ros.security.signing import WINDOW_NS, ReplayGuard

NOW_NS = 1_700_000_000 * 10**9
TOPIC = "/facetrack/search/request"


class Fleet:
    def __init__(self, folder):
        self.founder, self.path = Identity.new("founder"), folder / "fleet.yaml"
        self.identities = {name: Identity.new(name) for name in ("robot1", "robot2", "alice", "bob")}
        file = FleetFile.new("warehouse", self.founder)
        for name in ("robot1", "robot2"):
            file = file.with_member(self.founder, name, ROBOT, self.identities[name].public, ())
        file = file.with_member(self.founder, "alice", OPERATOR, self.identities["alice"].public, ["search"])
        file = file.with_member(self.founder, "bob", OPERATOR, self.identities["bob"].public, ["audit"])
        self.file = file.write(self.path, self.founder, NOW_NS)
        self.members = {name: Membership(self.path, identity) for name, identity in self.identities.items()}

    def __getattr__(self, name):
        return self.members[name]


@pytest.fixture
def fleet(tmp_path):
    return Fleet(tmp_path)


def test_a_sealed_request_of_an_operator_reaches_robots(fleet):
    envelope = fleet.alice.wrap(TOPIC, b"content", FLEET, NOW_NS)
    assert b"content" not in envelope.payload
    for robot in (fleet.robot1, fleet.robot2):
        content, signer = robot.unwrap(TOPIC, envelope, "search", NOW_NS, ReplayGuard())
        assert (content, signer.name) == (b"content", "alice")


def test_an_answer_is_read_by_its_asker_only(fleet):
    envelope = fleet.robot1.wrap(TOPIC, b"face", "alice", NOW_NS, answers=b"1" * 16)
    assert fleet.alice.unwrap(TOPIC, envelope, ROBOTS_ONLY, NOW_NS)[0] == b"face"
    assert not fleet.alice.is_for_another(envelope)
    for other in (fleet.robot2, fleet.bob):
        assert other.is_for_another(envelope)
        with pytest.raises(InvalidInput, match="another reader"):
            other.unwrap(TOPIC, envelope, ROBOTS_ONLY, NOW_NS)
    with pytest.raises(InvalidInput):
        fleet.robot1.wrap(TOPIC, b"face", "carol", NOW_NS)


def test_who_may_not_search_reads_nothing_that_is_shared(fleet):
    envelope = fleet.robot1.wrap(TOPIC, b"template", FLEET, NOW_NS)
    with pytest.raises(InvalidInput, match="may not search"):
        fleet.bob.unwrap(TOPIC, envelope, ROBOTS_ONLY, NOW_NS)


def test_permissions(fleet):
    def taken(signer, permission):
        try:
            fleet.robot1.unwrap(TOPIC, signer.wrap(TOPIC, b"x", EVERYONE, NOW_NS), permission, NOW_NS)
        except InvalidInput as error:
            assert error.kind == "permission"  # noqa: PT017 - both outcomes are results
            return False
        return True

    assert taken(fleet.alice, "search")
    assert not taken(fleet.alice, "forget")
    assert not taken(fleet.alice, ROBOTS_ONLY)
    assert not taken(fleet.bob, "search")
    assert taken(fleet.bob, ANY_MEMBER)
    assert taken(fleet.robot2, ROBOTS_ONLY)
    assert taken(fleet.robot2, "search")


def test_a_change_of_any_field_is_refused(fleet):
    envelope = fleet.alice.wrap(TOPIC, b"content", FLEET, NOW_NS, answers=b"2" * 16)
    other = fleet.alice.wrap(TOPIC, b"content", FLEET, NOW_NS)
    changes = {
        "signer": "robot1",
        "reader": EVERYONE,
        "nonce": other.nonce,
        "issued_ns": NOW_NS + 1,
        "answers": b"",
        "payload": other.payload,
        "signature": other.signature,
    }
    assert set(changes) == set(Envelope.__dataclass_fields__)
    for name, value in changes.items():
        with pytest.raises(InvalidInput):
            fleet.robot1.unwrap(TOPIC, replace(envelope, **{name: value}), "search", NOW_NS)
    with pytest.raises(InvalidInput, match="signature"):
        fleet.robot1.unwrap(f"{TOPIC}2", envelope, "search", NOW_NS)


def test_a_member_cannot_sign_what_another_sealed(fleet):
    """The payload opens only inside of the envelope of the member that sealed it."""
    stolen = fleet.alice.wrap(TOPIC, b"content", FLEET, NOW_NS)
    mine = fleet.robot2.wrap(TOPIC, b"", EVERYONE, NOW_NS)
    mine = replace(mine, payload=stolen.payload, reader=FLEET)
    around = mine.around(fleet.file.id, TOPIC, mine.payload)
    mine = replace(mine, signature=fleet.robot2.identity.sign(around))
    with pytest.raises(InvalidInput, match="changed"):
        fleet.robot1.unwrap(TOPIC, mine, "search", NOW_NS)


def test_messages_of_another_fleet_and_of_strangers(fleet, tmp_path):
    (tmp_path / "other").mkdir()
    other = Fleet(tmp_path / "other")
    with pytest.raises(InvalidInput, match="signature"):
        fleet.robot1.unwrap(TOPIC, other.robot2.wrap(TOPIC, b"x", EVERYONE, NOW_NS), ANY_MEMBER, NOW_NS)
    with pytest.raises(InvalidInput, match="not signed"):
        fleet.robot1.unwrap(TOPIC, Envelope("alice", "", b"1" * 16, NOW_NS, b"", b"x"), ANY_MEMBER, NOW_NS)
    with pytest.raises(InvalidInput, match="no member"):
        fleet.robot1.unwrap(TOPIC, Envelope("carol", "", b"1" * 16, NOW_NS, b"", b"x", bytes(64)), ANY_MEMBER, NOW_NS)


def test_replayed_expired_and_from_before_the_start(fleet):
    guard = request_guard(NOW_NS)
    envelope = fleet.alice.wrap(TOPIC, b"content", FLEET, NOW_NS + 1)
    fleet.robot1.unwrap(TOPIC, envelope, "search", NOW_NS + 1, guard)
    for now_ns, later in (
        (NOW_NS + 2, guard),
        (NOW_NS + 2 * WINDOW_NS, ReplayGuard()),
        (NOW_NS + 2, request_guard(NOW_NS + 2)),
    ):
        with pytest.raises(InvalidInput):
            fleet.robot1.unwrap(TOPIC, envelope, "search", now_ns, later)


def test_what_is_shared_may_be_old_and_not_of_the_future(fleet):
    old = fleet.robot2.wrap(TOPIC, b"template", FLEET, NOW_NS)
    later_ns = NOW_NS + 1000 * WINDOW_NS
    assert fleet.robot1.unwrap(TOPIC, old, ROBOTS_ONLY, later_ns)[0] == b"template"
    with pytest.raises(InvalidInput):
        fleet.robot1.unwrap(TOPIC, fleet.robot2.wrap(TOPIC, b"x", FLEET, later_ns), ROBOTS_ONLY, NOW_NS)


def test_forged_replayed_and_malformed_messages(fleet):
    """None is accepted, and nothing is remembered of them."""
    draw, guard = random.Random(1), ReplayGuard()
    good = [fleet.alice.wrap(TOPIC, draw.randbytes(200), FLEET, NOW_NS) for _ in range(20)]
    for envelope in good:
        fleet.robot1.unwrap(TOPIC, envelope, "search", NOW_NS, guard)
    robot, remembered, refused = fleet.robot1, len(guard), 0
    for number in range(2000):
        envelope = draw.choice(good)
        kind = number % 5
        if kind == 1:
            envelope = replace(
                envelope, signer=draw.choice(["alice", "robot2", "", "x" * 1000]), nonce=draw.randbytes(16)
            )
        elif kind == 2:
            envelope = replace(envelope, signature=draw.randbytes(draw.choice([0, 1, 63, 64, 65, 500])))
        elif kind == 3:
            envelope = replace(
                envelope, payload=draw.randbytes(draw.randrange(300)), issued_ns=draw.randrange(-(2**40), 2**62)
            )
        elif kind == 4:
            envelope = Envelope(
                "alice", FLEET, draw.randbytes(draw.randrange(20)), NOW_NS, b"", b"", draw.randbytes(64)
            )
        with pytest.raises(InvalidInput):
            robot.unwrap(TOPIC, envelope, "search", NOW_NS, guard)
        refused += 1
    assert (refused, len(guard)) == (2000, remembered)


class TestChangesOfTheFileWhileItRuns:
    LATER_NS = NOW_NS + 10 * 10**9

    def test_a_removed_member_is_refused(self, fleet):
        envelope = fleet.robot2.wrap(TOPIC, b"x", EVERYONE, self.LATER_NS)
        fleet.file.without_member("robot2").write(fleet.path, fleet.founder, self.LATER_NS)
        with pytest.raises(InvalidInput, match="no member"):
            fleet.robot1.unwrap(TOPIC, envelope, ROBOTS_ONLY, self.LATER_NS)
        assert fleet.robot1.fleet.version == 2
        assert fleet.robot1.problem == ""

    def test_an_older_file_or_one_of_another_fleet_or_a_damaged_one_is_not_taken(self, fleet, tmp_path):
        first = fleet.path.read_bytes()
        fleet.file.without_member("bob").write(fleet.path, fleet.founder, NOW_NS)
        robot = Membership(fleet.path, fleet.identities["robot1"])
        (tmp_path / "other").mkdir()
        for number, content in enumerate((first, b"nonsense", Fleet(tmp_path / "other").path.read_bytes())):
            fleet.path.write_bytes(content)
            robot.refresh(self.LATER_NS + number * 10 * 10**9)
            assert robot.fleet.version == 2
            assert "version 2 stays in use" in robot.problem

    def test_a_file_without_this_member_is_refused_at_the_start(self, fleet):
        with pytest.raises(ConfigError, match="join"):
            Membership(fleet.path, Identity.new("carol"))
        with pytest.raises(ConfigError, match="another key"):
            Membership(fleet.path, Identity.new("robot1"))
