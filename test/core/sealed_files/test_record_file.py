"""Encrypted files with random access: what was changed, cut or exchanged is found, and what is torn is left out."""

import os
import random

import numpy as np
import pytest

from facetrack_ros.core.sealed_files.data_key import DataKey
from facetrack_ros.core.sealed_files.folder_keys import set_key
from facetrack_ros.core.sealed_files.record_file import DamagedRecord, create_stored, open_stored
from facetrack_ros.core.sealed_files.whole_file import read_stored, replace_stored, write_stored


@pytest.fixture(params=["plain", "encrypted"])
def folder(tmp_path, request):
    set_key(tmp_path, DataKey(os.urandom(32)) if request.param == "encrypted" else None)
    return tmp_path


@pytest.fixture
def encrypted(tmp_path):
    set_key(tmp_path, DataKey(os.urandom(32)))
    return tmp_path


def test_reads_and_changes_at_random_are_those_of_a_plain_file(folder):
    rng = random.Random(1)
    content = bytearray()
    with create_stored(folder / "file") as file:
        for _ in range(30):
            pieces = [rng.randbytes(rng.randrange(200)) for _ in range(rng.randrange(4))]
            file.append(pieces)
            content += b"".join(pieces)
        more = rng.randbytes(1000)
        file.append_parts(memoryview(more), 64)
        content += more
        file.finish()
    with open_stored(folder / "file", write=True) as file:
        assert file.complete
        assert file.size == len(content)
        for _ in range(200):
            start, size = rng.randrange(len(content)), rng.randrange(300)
            assert file.pread(size, start) == content[start : start + size]
            into = [np.zeros(size // 2, np.uint8), np.zeros(size, np.uint8)]
            read = file.read_into(into, start)
            assert np.concatenate(into).tobytes()[:read] == content[start : start + size // 2 + size]
            data = rng.randbytes(rng.randrange(min(100, len(content) - start)))
            file.pwrite(data, start)
            content[start : start + len(data)] = data
        assert file.pread(len(content), 0) == content
    with open_stored(folder / "file") as file:
        assert file.pread(len(content), 0) == content


def test_a_change_of_any_byte_is_found(encrypted):
    write_stored(encrypted / "file", bytes(range(100)))
    stored = (encrypted / "file").read_bytes()
    for place in range(len(stored)):
        changed = bytearray(stored)
        changed[place] ^= 1
        (encrypted / "file").write_bytes(changed)
        with pytest.raises(OSError, match="changed"):
            read_stored(encrypted / "file", 1000)


def test_cut_exchanged_and_foreign_parts_are_found(encrypted, tmp_path):
    with create_stored(encrypted / "file") as file:
        for number in range(4):
            file.append([bytes([number]) * 10])
        file.finish()
    stored = (encrypted / "file").read_bytes()
    head, record = 24, 42
    parts = [stored[head + record * number : head + record * (number + 1)] for number in range(4)]
    rest = stored[head + 4 * record :]
    for wrong in (
        stored[: head + 4 * record],
        stored[: head + 2 * record],
        stored[:head] + parts[1] + parts[0] + parts[2] + parts[3] + rest,
        stored[:head] + parts[0] + parts[1] + parts[2] + rest,
        stored[:head] + parts[0] + parts[0] + parts[2] + parts[3] + rest,
        b"in the clear",
    ):
        (encrypted / "file").write_bytes(wrong)
        with pytest.raises(OSError, match="changed"):
            read_stored(encrypted / "file", 1000)
    (encrypted / "file").write_bytes(stored)
    assert len(read_stored(encrypted / "file", 1000)) == 40
    os.rename(encrypted / "file", encrypted / "other")
    with pytest.raises(OSError, match="changed"):
        read_stored(encrypted / "other", 1000)
    os.rename(encrypted / "other", encrypted / "file.damaged-1")
    assert len(read_stored(encrypted / "file.damaged-1", 1000)) == 40


def test_a_torn_end_is_left_out_and_can_be_appended_to(encrypted):
    with create_stored(encrypted / "file") as file:
        for number in range(3):
            file.append([bytes([number]) * 10])
    stored = (encrypted / "file").read_bytes()
    for size in range(24, len(stored)):
        (encrypted / "file").write_bytes(stored[:size])
        with open_stored(encrypted / "file", write=True) as file:
            assert not file.complete
            whole = (size - 24) // 42
            assert file.size == 10 * whole
            assert file.unused_after(file.size) == size - 24 - 42 * whole
            file.finish([b"more"])
        assert read_stored(encrypted / "file", 100) == b"".join(bytes([n]) * 10 for n in range(whole)) + b"more"


def test_a_full_disk_leaves_the_file_as_it_was(folder, monkeypatch):
    with create_stored(folder / "file") as file:
        file.append([b"first"])
        before = os.stat(folder / "file").st_size
        real = os.pwritev
        with monkeypatch.context() as broken:
            broken.setattr(os, "pwritev", lambda handle, pieces, at: real(handle, [b"".join(pieces)[:3]], at))
            broken.setattr(os, "pwrite", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
            with pytest.raises(OSError, match="No space"):
                file.append([b"second"])
        assert os.stat(folder / "file").st_size == before
        file.append([b"third"])
        file.finish()
    assert read_stored(folder / "file", 100) == b"firstthird"


def test_the_same_content_is_never_the_same_on_disk(encrypted):
    seen = set()
    for _ in range(3):
        replace_stored(encrypted / "file", b"the same")
        seen.add((encrypted / "file").read_bytes())
    assert len(seen) == 3
    assert not list(encrypted.glob("*.part"))


def test_another_key_opens_nothing(encrypted):
    write_stored(encrypted / "file", b"content")
    set_key(encrypted, DataKey(os.urandom(32)))
    with pytest.raises(OSError, match="changed"):
        read_stored(encrypted / "file", 100)
    (encrypted / "file").write_bytes(b"FTSEAL1\n")
    with pytest.raises(DamagedRecord):
        open_stored(encrypted / "file")
