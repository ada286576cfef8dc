"""``facetrack fleet``: a fleet is set up, changed and shown by commands."""

import json

import pytest

from facetrack_ros.cli.main import main
from facetrack_ros.errors import ConfigError
from facetrack_ros.security.fleet_file import FleetFile
from facetrack_ros.security.keys_folder import KEYS_VARIABLE, OPEN, KeysFolder, membership_of, mesh_sentence


def facetrack(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return ended.value.code


@pytest.fixture
def founded(tmp_path):
    keys = str(tmp_path / "alices")
    assert facetrack("fleet", "init", "--name", "warehouse", "--operator", "alice", "--keys", keys) == 0
    return tmp_path / "alices"


def test_two_robots_and_an_operator_on_three_machines(tmp_path, founded, monkeypatch):
    for robot in ("robot1", "robot2"):
        machine = tmp_path / robot
        assert facetrack("fleet", "join", "--robot", robot, "--keys", str(machine)) == 0
        (founded / f"{robot}.pub").write_bytes((machine / f"{robot}.pub").read_bytes())
    admit = [f"--admit={founded / robot}.pub" for robot in ("robot1", "robot2")]
    assert facetrack("fleet", "join", *admit, "--keys", str(founded)) == 0
    for machine in (tmp_path / "robot1", tmp_path / "robot2"):
        (machine / "fleet.yaml").write_bytes((founded / "fleet.yaml").read_bytes())
    monkeypatch.setenv(KEYS_VARIABLE, str(tmp_path / "robot1"))
    robot = membership_of("", "", "robot1")
    assert "fleet warehouse, version 2 (2 robots, 1 operator), as robot1" in mesh_sentence(robot)
    assert membership_of(OPEN, "", "robot1") is None
    with pytest.raises(ConfigError, match=r"robot2\.key"):
        membership_of("", "", "robot2")
    with pytest.raises(ConfigError, match="is called robot2"):
        membership_of("", str(tmp_path / "robot1" / "robot1.key"), "robot2")
    monkeypatch.setenv(KEYS_VARIABLE, str(founded))
    assert membership_of("", "").name == "alice"
    with pytest.raises(ConfigError, match="an operator"):
        membership_of("", "", "alice")
    files = {path.name: path.stat().st_mode & 0o777 for path in founded.glob("*.key")}
    assert files == {"alice.key": 0o600, "founder.key": 0o600}


def test_where_the_fleet_was_founded_a_key_is_admitted_at_once(founded):
    assert facetrack("fleet", "join", "--robot", "robot1", "--keys", str(founded)) == 0
    assert [member.name for member in FleetFile.read(founded / "fleet.yaml").of_kind("robot")] == ["robot1"]
    assert facetrack("fleet", "join", "--robot", "robot1", "--keys", str(founded)) == 0


def test_an_operator_is_allowed_more_and_less_and_removed(founded, capsys):
    keys = ("--keys", str(founded))
    assert facetrack("fleet", "join", "--operator", "bob", *keys) == 0
    path = founded / "fleet.yaml"
    assert FleetFile.read(path).by_name["bob"].may == ("search", "frames")
    assert facetrack("fleet", "operators", "bob", "--may", "forget,audit", *keys) == 0
    fleet = FleetFile.read(path)
    assert fleet.by_name["bob"].may == ("forget", "audit")
    assert fleet.by_name["bob"].fleet_key == b""
    for unknown in ("fly", "configure"):
        assert facetrack("fleet", "operators", "bob", "--may", unknown, *keys) == 2
    assert facetrack("fleet", "operators", "carol", *keys) == 2
    capsys.readouterr()
    assert facetrack("fleet", "operators", *keys) == 0
    assert "bob: forget, audit" in capsys.readouterr().out
    assert facetrack("fleet", "remove", "bob", *keys) == 0
    assert "bob" not in FleetFile.read(path).by_name
    assert facetrack("fleet", "remove", "bob", *keys) == 2


def test_status(tmp_path, founded, capsys):
    assert facetrack("fleet", "status", "--keys", str(tmp_path / "none")) == 1
    assert "the mesh is open" in capsys.readouterr().out
    assert facetrack("fleet", "status", "--keys", str(founded), "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["fleet"]["name"] == "warehouse"
    assert shown["keys"] == {"alice": "", "founder": ""}
    assert facetrack("fleet", "join", "--robot", "robot1", "--keys", str(founded)) == 0
    assert facetrack("fleet", "remove", "robot1", "--keys", str(founded)) == 0
    assert facetrack("fleet", "status", "--keys", str(founded)) == 2
    (founded / "fleet.yaml").write_text((founded / "fleet.yaml").read_text().replace("warehouse", "other"))
    assert facetrack("fleet", "status", "--keys", str(founded)) == 2


def test_nothing_is_overwritten(founded):
    before = {path.name: path.read_bytes() for path in founded.iterdir()}
    assert facetrack("fleet", "init", "--operator", "alice", "--keys", str(founded)) == 2
    assert {path.name: path.read_bytes() for path in founded.iterdir()} == before


@pytest.mark.parametrize("content", ["", "robot r1", "cat r1 AAAA", "robot r1 AAAA", "robot ../r1 AAAA extra"])
def test_public_keys_that_are_none(tmp_path, founded, content):
    (tmp_path / "x.pub").write_text(content)
    assert facetrack("fleet", "join", "--admit", str(tmp_path / "x.pub"), "--keys", str(founded)) == 2
    assert FleetFile.read(founded / "fleet.yaml").version == 1


def test_a_known_name_with_another_key_is_not_replaced(tmp_path, founded):
    assert facetrack("fleet", "join", "--robot", "robot1", "--keys", str(founded)) == 0
    assert facetrack("fleet", "join", "--robot", "robot1", "--keys", str(tmp_path / "elsewhere")) == 0
    other = str(tmp_path / "elsewhere" / "robot1.pub")
    assert facetrack("fleet", "join", "--admit", other, "--keys", str(founded)) == 2


def test_only_where_the_fleet_was_founded(tmp_path):
    assert facetrack("fleet", "join", "--robot", "robot1", "--keys", str(tmp_path)) == 0
    admit = ("fleet", "join", "--admit", str(tmp_path / "robot1.pub"))
    assert facetrack(*admit, "--keys", str(tmp_path)) == 2


def test_the_usual_folder(monkeypatch, tmp_path):
    monkeypatch.delenv(KEYS_VARIABLE, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert KeysFolder().path == tmp_path / ".config" / "facetrack"
    assert membership_of("", "", "robot1") is None
