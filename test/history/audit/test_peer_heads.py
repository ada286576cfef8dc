"""What a robot remembers of the audit logs of others, and what it finds wrong."""

import pytest

from facetrack_ros.history.audit.hash_chain import ChainHead, HashChain
from facetrack_ros.history.audit.peer_heads import MOST_ROBOTS, NAME, WARNED_NS, PeerHeads, known_heads
from facetrack_ros.history.audit.verification import verify_chain

NOW_NS = 1_700_000_000 * 10**9


def head(number, mark="a"):
    return ChainHead(number, (mark * 64)[:60] + f"{number % 10_000:04d}")


def test_a_log_that_grows_is_right(tmp_path):
    peers = PeerHeads(tmp_path)
    for number in (5, 5, 6, 20):
        assert peers.note("robot2", head(number), head(5), NOW_NS) == ""
    assert peers.note("robot2", head(21), head(20), NOW_NS) == ""  # restarted
    assert peers.warnings(NOW_NS) == []


@pytest.mark.parametrize(
    ("now", "opened", "word"),
    [
        (head(18), head(5), "cut short"),
        (head(20, "b"), head(5), "written anew"),
        (head(25), head(19), "cut short"),  # it has grown past the cut since
        (head(25), head(20, "b"), "written anew"),
    ],
)
def test_a_log_cut_short_or_written_anew_is_told_also_after_a_restart(tmp_path, now, opened, word):
    peers = PeerHeads(tmp_path)
    peers.note("robot2", head(20), head(5), NOW_NS)
    peers.save()
    again = PeerHeads(tmp_path)
    assert word in again.note("robot2", now, opened, NOW_NS)
    assert again.note("robot2", now, now, NOW_NS) == ""
    again.save()
    (warning,) = PeerHeads(tmp_path).warnings(NOW_NS)
    assert word in warning
    assert again.warnings(NOW_NS + WARNED_NS) == []


def test_robots_are_bounded(tmp_path):
    peers = PeerHeads(tmp_path)
    for number in range(MOST_ROBOTS + 50):
        peers.note(f"robot{number}", head(20), head(5), NOW_NS)
    peers.save()
    assert known_heads(tmp_path, "robot0", "robot1") == []
    assert len(known_heads(tmp_path, f"robot{MOST_ROBOTS}", "robot1")) == 1


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"robot2": {"number": "x"}}', b"\0" * 100, b"[" * 100_000])
def test_a_damaged_memory_is_set_aside(tmp_path, content):
    (tmp_path / NAME).write_bytes(content)
    assert known_heads(tmp_path, "robot2", "robot1") == []
    peers = PeerHeads(tmp_path)
    assert peers.note("robot2", head(1), head(0), NOW_NS) == ""
    peers.save()
    assert (tmp_path / f"{NAME}.damaged-1").exists()


def test_what_a_robot_remembers_finds_a_stored_log_that_was_cut(tmp_path):
    folders = [tmp_path / name for name in ("robot1", "robot2", "forged")]
    for folder in folders:
        folder.mkdir()
    chain, forged = HashChain(folders[1], "audit", "robot2"), HashChain(folders[2], "audit", "robot2")
    for number in range(6):
        chain.append("search", {"number": number}, NOW_NS)
    for number in range(4):
        forged.append("search", {"number": number}, NOW_NS)
    peers = PeerHeads(folders[0])
    peers.note("robot2", chain.head(), chain.empty_head, NOW_NS)
    peers.save()
    known = known_heads(folders[0], "robot2", "robot1")
    assert verify_chain(chain, known).intact
    assert not verify_chain(forged, known).intact
