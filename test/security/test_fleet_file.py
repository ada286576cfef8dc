"""The fleet file: only the founding key changes it, and each change by another hand is found."""

import random

import pytest
import yaml

from facetrack_ros.errors import ConfigError, InvalidInput
from facetrack_ros.security.fleet_file import OPERATOR, ROBOT, FleetFile
from facetrack_ros.security.keys import Identity
from facetrack_ros.security.permissions import OF_KIND, PERMISSIONS
from facetrack_ros.security.signing import sign

NOW_NS = 1_700_000_000 * 10**9


@pytest.fixture
def founder():
    return Identity.new("founder")


@pytest.fixture
def members():
    return {name: Identity.new(name) for name in ("robot1", "robot2", "alice", "bob")}


@pytest.fixture
def fleet(founder, members):
    fleet = FleetFile.new("warehouse", founder)
    for name in ("robot2", "robot1"):
        fleet = fleet.with_member(founder, name, ROBOT, members[name].public, ())
    fleet = fleet.with_member(founder, "alice", OPERATOR, members["alice"].public, ["forget", "search"])
    return fleet.with_member(founder, "bob", OPERATOR, members["bob"].public, ["audit"])


def test_a_fleet_file_reads_back(tmp_path, fleet, founder):
    written = fleet.write(tmp_path / "fleet.yaml", founder, NOW_NS)
    again = FleetFile.read(tmp_path / "fleet.yaml")
    assert again == written
    assert (again.version, again.changed) == (1, "2023-11-14T22:13:20Z")
    assert [member.name for member in again.members] == ["robot1", "robot2", "alice", "bob"]
    assert again.by_name["alice"].may == ("search", "forget")
    assert again.write(tmp_path / "fleet.yaml", founder, NOW_NS).version == 2


def test_who_holds_the_fleet_key(fleet, members):
    public = {
        name: key and key.public_key().public_bytes_raw()
        for name, identity in members.items()
        for key in [fleet.open_fleet_key(identity)]
    }
    assert public == {"robot1": fleet.fleet_key, "robot2": fleet.fleet_key, "alice": fleet.fleet_key, "bob": None}
    with pytest.raises(InvalidInput):
        fleet.open_fleet_key(Identity.new("robot1"))


def test_a_removed_member_does_not_get_the_new_fleet_key(fleet, founder, members):
    old = fleet.open_fleet_key(members["robot2"]).private_bytes_raw()
    smaller = fleet.without_member("robot2")
    assert "robot2" not in smaller.by_name
    assert smaller.open_fleet_key(members["robot2"]) is None
    for name in ("robot1", "alice"):
        new = smaller.open_fleet_key(members[name])
        assert new.private_bytes_raw() != old
        assert new.public_key().public_bytes_raw() == smaller.fleet_key
    grown = smaller.with_member(founder, "robot3", ROBOT, Identity.new("robot3").public, ())
    assert grown.fleet_key == smaller.fleet_key


def test_a_change_of_any_byte_is_found_or_changes_nothing(tmp_path, fleet, founder):
    path = tmp_path / "fleet.yaml"
    written = fleet.write(path, founder, NOW_NS)
    content, draw = path.read_bytes(), random.Random(1)
    refused = 0
    for index in draw.sample(range(len(content)), 400):
        changed = bytearray(content)
        changed[index] ^= 1 << draw.randrange(8)
        path.write_bytes(changed)
        try:
            assert FleetFile.read(path) == written  # of a comment, or a blank
        except ConfigError:
            refused += 1
    assert refused > 350


@pytest.mark.parametrize(
    "change",
    [
        lambda tree: tree["members"].append({**tree["members"][0], "name": "robot9"}),
        lambda tree: tree["members"].pop(),
        lambda tree: tree["members"][2].update(may=list(PERMISSIONS)),
        lambda tree: tree["members"][2].update(kind=ROBOT),
        lambda tree: tree["members"][0].update(keys=Identity.new("x").public.text),
        lambda tree: tree["members"][0].update(fleet_key=tree["members"][1]["fleet_key"]),
        lambda tree: tree.update(version=7),
        lambda tree: tree.update(name="other"),
        lambda tree: tree.update(changed="2020-01-01T00:00:00Z"),
        lambda tree: tree.update(fleet_key=Identity.new("x").public.text[:44]),
        lambda tree: tree.update(founder=Identity.new("founder").public.text),
        lambda tree: tree.update(more=[1, {"a": 2}]),
        lambda tree: tree.update(more=object),
        lambda tree: tree.pop("signature"),
        lambda tree: tree.clear(),
    ],
)
def test_changes_by_hand_are_refused(tmp_path, fleet, founder, change):
    path = tmp_path / "fleet.yaml"
    fleet.write(path, founder, NOW_NS)
    tree = yaml.safe_load(path.read_text())
    change(tree)
    path.write_text(yaml.dump(tree))
    with pytest.raises(ConfigError, match=r"fleet\.yaml"):
        FleetFile.read(path)


@pytest.mark.parametrize("content", ["", "[]", "a: b", "[" * 3000, "\x00", "facetrack_fleet: 1"])
def test_other_files_are_refused_in_a_sentence(tmp_path, content):
    (tmp_path / "fleet.yaml").write_text(content)
    with pytest.raises(ConfigError):
        FleetFile.read(tmp_path / "fleet.yaml")
    with pytest.raises(ConfigError):
        FleetFile.read(tmp_path / "missing.yaml")


def test_what_is_signed_and_not_possible_is_refused_too(tmp_path, fleet, founder):
    path = tmp_path / "fleet.yaml"
    fleet.write(path, founder, NOW_NS)
    good = yaml.safe_load(path.read_text())
    good.pop("signature")
    import base64

    for key, value in (("members", "none"), ("members", [1]), ("version", "1"), ("version", True), ("name", "a b")):
        tree = {**good, key: value}
        tree["signature"] = base64.b64encode(sign(founder, "facetrack_fleet", tree)).decode()
        path.write_text(yaml.safe_dump(tree))
        with pytest.raises(ConfigError):
            FleetFile.read(path)


def test_only_the_founding_key_writes(tmp_path, fleet):
    with pytest.raises(ConfigError):
        fleet.write(tmp_path / "fleet.yaml", Identity.new("founder"), NOW_NS)
    assert not list(tmp_path.iterdir())


def test_members_that_are_not_possible(fleet, founder, members):
    new = Identity.new("robot3").public
    for name, kind, keys in (
        ("founder", ROBOT, new),
        ("../x", ROBOT, new),
        ("alice", ROBOT, new),
        ("robot1", OPERATOR, new),
        ("robot3", ROBOT, members["robot1"].public),
    ):
        with pytest.raises(InvalidInput):
            fleet.with_member(founder, name, kind, keys, ())
    with pytest.raises(InvalidInput):
        fleet.without_member("robot3")


def test_every_kind_of_request_needs_a_known_permission():
    assert set(OF_KIND.values()) - {""} == set(PERMISSIONS)
