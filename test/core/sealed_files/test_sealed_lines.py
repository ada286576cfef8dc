"""Encrypted logs: each line by itself, and lines that are changed, moved, cut out or of another log are found."""

import os

import pytest

from facetrack_ros.core.line_file import append_lines, read_lines, read_log_file, rewrite_lines
from facetrack_ros.core.sealed_files.data_key import DataKey
from facetrack_ros.core.sealed_files.folder_keys import set_key
from facetrack_ros.core.sealed_files.sealed_lines import DAMAGED, MISSING

LINES = [b'{"person":"Ann"}', b"", b"\xff\x00 not UTF-8", b"x" * 100_000, b"last"]


@pytest.fixture
def log(tmp_path):
    set_key(tmp_path, DataKey(os.urandom(32)))
    path = tmp_path / "events-2026-01-01.jsonl"
    for line in LINES:
        append_lines(path, line + b"\n")
    return path


def test_lines_come_back_and_are_not_in_the_clear(log):
    assert read_lines(log) == LINES
    append_lines(log, b"one\ntwo\n")
    assert read_lines(log) == [*LINES, b"one", b"two"]
    assert not any(word in log.read_bytes() for word in (b'"Ann"', b"xxxxxxxx", b"last\n", b"two\n"))


def test_an_incomplete_last_line_is_cut_off_at_the_next_append(log):
    stored = log.read_bytes()
    whole = stored.rfind(b"\n", 0, -1) + 1
    for size in (whole + 1, len(stored) - 1):
        log.write_bytes(stored[:size])
        assert read_lines(log) == LINES[:-1]
        append_lines(log, b"new\n")
        assert read_lines(log) == [*LINES[:-1], b"new"]
    for size in (1, 30):
        log.write_bytes(stored[:size])
        append_lines(log, b"new\n")
        assert read_lines(log) == [b"new"]


def test_changed_moved_missing_and_foreign_lines_are_told(log, tmp_path):
    head, *lines = log.read_bytes().splitlines(keepends=True)

    def read(*stored):
        log.write_bytes(b"".join((head, *stored)))
        return read_lines(log)

    changed = lines[0].replace(lines[0][5:6], b"A" if lines[0][5:6] != b"A" else b"B", 1)
    assert read(changed, *lines[1:]) == [DAMAGED, *LINES[1:]]
    assert read(lines[0], lines[2]) == [LINES[0], MISSING, LINES[2]]
    assert read(lines[1], lines[0]) == [MISSING, LINES[1], DAMAGED]
    assert read(lines[0], lines[0]) == [LINES[0], DAMAGED]
    assert read(lines[0], b'{"person":"Eve"}\n', lines[2]) == [LINES[0], DAMAGED, LINES[2]]
    log.write_bytes(b'{"person":"Eve"}\n')
    assert read_lines(log) == [DAMAGED]
    with pytest.raises(OSError, match="is not encrypted"):
        append_lines(log, b"more\n")
    other = log.with_name("events-2026-01-02.jsonl")
    other.write_bytes(head + b"".join(lines))
    assert read_lines(other) == [DAMAGED] * len(LINES)


def test_lines_are_rewritten(log):
    assert rewrite_lines(log, lambda line: None if b"Ann" in line else line + b"!") == len(LINES)
    assert read_lines(log) == [line + b"!" for line in LINES[1:]]
    append_lines(log, b"more\n")
    assert read_log_file(log).endswith(b"last!\nmore\n")


def test_without_a_key_lines_are_in_the_clear(tmp_path):
    path = tmp_path / "plain.jsonl"
    append_lines(path, b"one\n")
    assert path.read_bytes() == b"one\n"
