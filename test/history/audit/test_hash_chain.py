"""What a chain of records holds, after kills, on several days, by several writers; each change of it is found."""

import json
import os
import random
import stat
from concurrent.futures import ProcessPoolExecutor

import pytest

from facetrack_ros.errors import StoreError
from facetrack_ros.history.audit.hash_chain import DELETED, RECOVERED, ChainHead, HashChain
from facetrack_ros.history.audit.verification import KnownHead, verify_chain

DAY_NS = 86_400 * 10**9
NOW_NS = 20_000 * DAY_NS
#: Edits of a log that are tried; 10,000 take a minute (FACETRACK_AUDIT_EDITS=10000).
EDITS = int(os.environ.get("FACETRACK_AUDIT_EDITS", "300"))


def chain_of(folder, *days, records=4, name="audit"):
    """A chain with some records on each day."""
    chain = HashChain(folder, name, "robot1")
    for day in days or (0,):
        for number in range(records):
            chain.append("search", {"operator": "Jörg", "threshold": 0.5, "found": number}, NOW_NS + day * DAY_NS)
    return chain


def kinds(chain):
    return [record["kind"] for record in chain.read()]


def append_many(folder, count):
    chain = HashChain(folder, "audit", "robot1")
    for number in range(count):
        chain.append("frames", {"number": number}, NOW_NS)


def test_records_are_numbered_and_build_on_each_other(tmp_path):
    chain = chain_of(tmp_path, 0, 1)
    records = list(chain.read())
    assert [record["n"] for record in records] == list(range(1, 9))
    assert [record["prev"] for record in records[1:]] == [record["hash"] for record in records[:-1]]
    assert [path.name for path in chain.files()] == ["audit-2024-10-04.jsonl", "audit-2024-10-05.jsonl"]
    assert records[0]["operator"] == "Jörg"
    assert records[0]["timestamp"] == NOW_NS / 1e9
    check = verify_chain(chain)
    assert check.intact
    assert check.records == 8
    assert check.head == chain.head() == ChainHead(8, records[-1]["hash"])


def test_a_day_with_a_full_file_goes_on_in_a_further_one(tmp_path, monkeypatch):
    monkeypatch.setattr("facetrack_ros.history.audit.hash_chain.MOST_OF_A_FILE", 1000)
    chain = chain_of(tmp_path, 0, 1, records=12)
    names = [path.name for path in chain.files()]
    first_day = [name for name in names if "10-04" in name]
    assert first_day[:3] == ["audit-2024-10-04.jsonl", "audit-2024-10-04_0002.jsonl", "audit-2024-10-04_0003.jsonl"]
    assert names == sorted(names)
    assert all(path.stat().st_size <= 1000 for path in chain.files())
    assert [record["n"] for record in chain.read()] == list(range(1, 25))
    assert verify_chain(chain).intact
    assert chain.head().number == 24
    chain_of(tmp_path, 0, records=1)  # the clock was set back: the newest file goes on
    assert verify_chain(chain).intact
    (tmp_path / first_day[1]).rename(tmp_path / "away")
    assert not verify_chain(chain).intact
    (tmp_path / "away").rename(tmp_path / first_day[1])
    assert chain.delete_older(DAY_NS, NOW_NS + 3 * DAY_NS) == len(first_day)
    assert verify_chain(chain).intact


def test_the_files_of_a_day_are_told_apart_whatever_the_name(tmp_path, monkeypatch):
    monkeypatch.setattr("facetrack_ros.history.audit.hash_chain.MOST_OF_A_FILE", 1000)
    names = [path.name for path in chain_of(tmp_path, records=12, name="of_all").files()]
    assert names[:2] == ["of_all-2024-10-04.jsonl", "of_all-2024-10-04_0002.jsonl"]
    assert len(names) > 2


def test_an_empty_chain_is_intact(tmp_path):
    chain = HashChain(tmp_path, "audit", "robot1")
    assert verify_chain(chain).intact
    assert chain.head() == chain.empty_head
    assert list(chain.read()) == []
    assert not list(tmp_path.iterdir())


def test_files_are_their_owners_only(tmp_path):
    chain_of(tmp_path)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_processes_append_to_one_chain(tmp_path):
    with ProcessPoolExecutor(3) as pool:
        list(pool.map(append_many, [tmp_path] * 3, [40] * 3))
    check = verify_chain(HashChain(tmp_path, "audit", "robot1"))
    assert check.intact
    assert check.records == 120


def test_an_incomplete_line_is_told_then_cut_off(tmp_path):
    chain = chain_of(tmp_path)
    with chain.files()[0].open("ab") as file:
        file.write(b'{"kind":"sea')
    assert not verify_chain(chain).intact
    chain.append("stop", {}, NOW_NS + DAY_NS)
    assert verify_chain(chain).intact
    assert kinds(chain)[-2:] == [RECOVERED, "stop"]
    assert list(chain.read())[-2]["bytes_cut"] == 12


def test_a_record_written_just_before_a_kill_is_kept(tmp_path):
    chain = chain_of(tmp_path)
    before = chain.head_path.read_bytes()
    chain.append("search", {}, NOW_NS)
    chain.head_path.write_bytes(before)  # killed between the two writes
    assert verify_chain(chain).intact
    assert chain.head().number == 5
    chain.append("stop", {}, NOW_NS)
    assert verify_chain(chain).intact
    assert kinds(chain)[-2:] == ["search", "stop"]


@pytest.mark.parametrize("damage", ["cut", "deleted", "head"])
def test_records_go_on_after_damage_which_stays_told(tmp_path, damage):
    chain = chain_of(tmp_path, 0, 1)
    path = chain.files()[-1]
    if damage == "cut":
        path.write_bytes(b"".join(path.read_bytes().splitlines(True)[:2]))
    elif damage == "deleted":
        path.unlink()
    else:
        chain.head_path.write_bytes(b"?" * 5000)
    assert not verify_chain(chain).intact
    chain.append("start", {}, NOW_NS + 2 * DAY_NS)
    recovered, start = list(chain.read())[-2:]
    assert recovered["kind"] == RECOVERED
    assert start["kind"] == "start"
    assert start["n"] == 10
    assert verify_chain(chain).intact == (damage == "head")


def test_a_clock_set_back_goes_on_in_the_newest_file(tmp_path):
    chain = chain_of(tmp_path, 0, -3)
    assert len(chain.files()) == 1
    assert verify_chain(chain).intact


def test_old_days_are_deleted_with_a_record_that_says_so(tmp_path):
    chain = chain_of(tmp_path, 0, 1, 2, 3)
    assert chain.delete_older(10 * DAY_NS, NOW_NS + 5 * DAY_NS) == 0
    assert chain.delete_older(2 * DAY_NS, NOW_NS + 5 * DAY_NS) == 2
    check = verify_chain(chain)
    assert check.intact
    assert check.first == 9
    assert check.records == 9
    last = list(chain.read())[-1]
    assert last["kind"] == DELETED
    assert last["through"] == 8
    chain.files()[0].unlink()
    assert not verify_chain(chain).intact


def test_a_chain_cut_off_with_its_head_is_found_by_a_head_known_elsewhere(tmp_path):
    (tmp_path / "other").mkdir()
    chain, shorter = chain_of(tmp_path, records=8), chain_of(tmp_path / "other", records=5)
    known = KnownHead(chain.head(), "robot2")
    for path in (*chain.files(), chain.head_path):
        path.write_bytes((shorter.folder / path.name).read_bytes())
    assert verify_chain(chain).intact
    check = verify_chain(chain, [known])
    assert [problem.sentence for problem in check.problems] == [
        "record 8 is missing: robot2 knows it, the last here is 5"
    ]


def test_a_chain_written_anew_is_found_by_a_head_known_elsewhere(tmp_path):
    (tmp_path / "other").mkdir()
    chain = chain_of(tmp_path, records=8)
    forged = HashChain(tmp_path / "other", "audit", "robot1")
    for number in range(12):
        forged.append("search", {"found": number + 100}, NOW_NS)
    assert verify_chain(forged).intact
    assert not verify_chain(forged, [KnownHead(chain.head(), "robot2")]).intact


def test_the_chain_of_another_robot_is_found(tmp_path):
    chain_of(tmp_path)
    assert not verify_chain(HashChain(tmp_path, "audit", "robot2")).intact


@pytest.mark.parametrize(
    "fields", [{"n": 1}, {"hash": ""}, {"text": "x" * 70_000}, {"number": float("nan")}, {"object": object()}]
)
def test_what_is_no_record_is_refused(tmp_path, fields):
    chain = chain_of(tmp_path)
    with pytest.raises(StoreError):
        chain.append("search", fields, NOW_NS)
    assert verify_chain(chain).intact
    assert chain.head().number == 4


def random_edit(generator, files):
    """Change a log as someone would who has its files: bytes, lines, files. Returns whether anything is different."""
    before = {path: path.read_bytes() for path in files}
    path = generator.choice(files)
    data = bytearray(before[path])
    lines = bytes(data).splitlines(True)
    place, other = generator.randrange(len(data)), generator.randrange(len(lines))
    edit = generator.randrange(9)
    if edit == 0:
        data[place] = generator.randrange(256)
    elif edit == 1:
        data[place : place + generator.randrange(1, 200)] = b""
    elif edit == 2:
        data[place:place] = generator.randbytes(generator.randrange(1, 20))
    elif edit == 3:
        del data[place:]
    elif edit == 4:
        del lines[other]
    elif edit == 5:
        lines.insert(other, generator.choice(lines))
    elif edit == 6:
        index = generator.randrange(len(lines))
        lines[index], lines[other] = lines[other], lines[index]
    elif edit == 7:
        record = json.loads(lines[other])
        record[generator.choice(sorted(record))] = generator.choice([0, "", "robot9", None, 17.5])
        lines[other] = json.dumps(record, separators=(",", ":")).encode() + b"\n"
    else:
        swapped = generator.choice(files)
        path.write_bytes(before[swapped])
        swapped.write_bytes(before[path])
    if edit < 8:
        path.write_bytes(bytes(data) if edit < 4 else b"".join(lines))
    return any(path.read_bytes() != content for path, content in before.items())


def test_random_edits_cuts_and_swaps_are_all_found(tmp_path):
    chain = chain_of(tmp_path, 0, 1, 2, records=10)
    files, generator = chain.files(), random.Random(7)
    before = {path: path.read_bytes() for path in files}
    tried = 0
    while tried < EDITS:
        if random_edit(generator, files):
            tried += 1
            assert not verify_chain(chain).intact, {path: path.read_bytes() for path in files}
        for path, content in before.items():
            path.write_bytes(content)
    assert verify_chain(chain).intact
