"""The SROS2 policies permit what nodes and commands really do."""

import importlib.util
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def script(monkeypatch, domain):
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    spec = importlib.util.spec_from_file_location("write_sros2_policies", ROOT / "docs" / "write_sros2_policies.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("write_node_pages", None)


def test_the_policies_match_nodes_and_commands(script):
    made = script.policies()
    assert {file.name for file in script.FOLDER.glob("*")} == set(made)
    for name, text in made.items():
        assert (script.FOLDER / name).read_text() == text, f"{name}: run python docs/write_sros2_policies.py"
    assert {f"{node.NAME}.policy.xml" for node in script.NODES} <= set(made)
    allowed = {}
    for name, text in made.items():
        for rule in ElementTree.fromstring(text).iterfind(".//profile/*"):
            for what in rule.attrib:
                allowed.setdefault((name, what), set()).update(each.text for each in rule)
    assert "/facetrack/search/request" in allowed["history.policy.xml", "subscribe"]
    assert "/facetrack/signed/search/request" in allowed["history.policy.xml", "subscribe"]
    assert "/robot1/face_search" in allowed["search.policy.xml", "reply"]
    assert "/robot1/face_search" in allowed["robot.policy.xml", "reply"]
    assert "/robot1/face_search" not in allowed["history.policy.xml", "reply"]
    assert "/*/face_search" in allowed["facetrack_search.policy.xml", "request"]
    assert "/facetrack/gallery" not in allowed["facetrack_status.policy.xml", "publish"]
