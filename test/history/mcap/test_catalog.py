"""A damaged segment costs the frames that the damage touches, and is logged."""

import errno
import os

import pytest
from mcap.reader import make_reader

from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import DiskError
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.frames.retention import Limits
from facetrack_ros.history.mcap.reader import read_table
from facetrack_ros.history.mcap.records import CHUNK_TAIL_BYTES

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
STEP = SECOND // 10


def frame(i, start=START):
    return Frame("front", start + i * STEP, i, bytes([255, 216, i % 256]) * 666)


def fill(archive, count):
    for i in range(count):
        archive.append(frame(i))


def numbers(archive):
    return [one.number for one in archive.reader.between("front", 0, 2 * START)]


@pytest.fixture
def stored(tmp_path):
    archive = FrameArchive(tmp_path, "robot1")
    fill(archive, 300)
    archive.close()
    return sorted(tmp_path.iterdir())


@pytest.mark.parametrize("cut", [1, 40, 3000, 20_000])
def test_a_truncated_segment_keeps_its_whole_frames_and_is_sealed_again(stored, cut):
    path = stored[1]
    os.truncate(path, path.stat().st_size - cut)
    archive = FrameArchive(path.parent, "robot1")
    found = numbers(archive)
    lost = sorted(set(range(300)) - set(found))
    assert len(lost) <= cut // 2000 + 1
    assert lost == list(range(200 - len(lost), 200))
    with path.open("rb") as file:
        assert len(list(make_reader(file, validate_crcs=True).iter_messages())) == 100 - len(lost)


def test_a_flipped_byte_costs_one_frame_and_is_logged_once(stored, caplog):
    path = stored[1]
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 255]))
    archive = FrameArchive(path.parent, "robot1")
    assert len(numbers(archive)) == len(numbers(archive)) == 299
    (sentence,) = caplog.messages
    assert path.name in sentence


def test_a_segment_deleted_by_hand_is_logged_and_dropped(stored, caplog):
    archive = FrameArchive(stored[0].parent, "robot1")
    stored[1].unlink()
    assert numbers(archive) == [*range(100), *range(200, 300)]
    assert stored[1].name in caplog.messages[0]
    assert archive.stats().frames == 200


def test_another_file_is_logged_and_left_alone(stored, caplog):
    stored[1].write_bytes(b"something else")
    archive = FrameArchive(stored[0].parent, "robot1")
    assert len(numbers(archive)) == 200
    (sentence,) = caplog.messages
    assert str(stored[1]) in sentence
    assert stored[1].read_bytes() == b"something else"
    archive.append(frame(300))
    archive.close()
    assert len(numbers(archive)) == 201


@pytest.mark.parametrize("garbage", [b"\0" * 5000, os.urandom(300), b""])
def test_what_a_power_cut_left_at_the_end_is_cut_off(tmp_path, garbage):
    archive = FrameArchive(tmp_path, "robot1")
    fill(archive, 50)
    path = next(tmp_path.iterdir())
    with path.open("ab") as file:
        file.write(garbage)
    again = FrameArchive(tmp_path, "robot1")
    assert numbers(again) == list(range(50))
    with path.open("rb") as file:
        assert make_reader(file).get_summary().statistics.message_count == 50


def test_the_folder_removed_while_running_costs_what_was_in_it(tmp_path, caplog):
    archive = FrameArchive(tmp_path / "frames", "robot1")
    fill(archive, 150)
    for file in archive.path.iterdir():
        file.unlink()
    archive.path.rmdir()
    for i in range(150, 160):
        archive.append(frame(i))
    assert numbers(archive) == list(range(150, 160))
    assert any("segment-00000002.mcap" in sentence for sentence in caplog.messages)


@pytest.mark.parametrize(("cut", "what"), [(0, "may be lost"), (1, "no whole message"), (20_000, "no whole message")])
def test_a_segment_that_was_cut_short_is_told_at_the_next_start(stored, caplog, cut, what):
    table, _ = read_table(stored[1])
    whole = int(table.offsets[-1] + table.sizes[-1]) + CHUNK_TAIL_BYTES
    os.truncate(stored[1], stored[1].stat().st_size - cut if cut else whole)
    FrameArchive(stored[1].parent, "robot1")
    (told,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert stored[1].name in told.message
    assert what in told.message
    caplog.clear()
    FrameArchive(stored[1].parent, "robot1")
    assert not caplog.records


def test_segments_that_cannot_be_begun_use_no_number(tmp_path, monkeypatch):
    archive = FrameArchive(tmp_path, "robot1", Limits(frames=1000))
    monkeypatch.setattr("facetrack_ros.history.frames.archive.OpenSegment", refuse)
    for i in range(5):
        with pytest.raises(DiskError, match="No space left"):
            archive.append(frame(i))
    monkeypatch.undo()
    fill(archive, 250)
    archive.close()
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        f"segment-{number:08d}.mcap" for number in range(1, 1 + len(list(tmp_path.iterdir())))
    ]


def refuse(path, stamp_ns):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
