"""Files of others are read whole only if they are regular and small."""

import os
import socket

import pytest

from facetrack_ros.bounded_file import is_unfit, read_bounded, read_bounded_text
from facetrack_ros.config import Config
from facetrack_ros.errors import ConfigError


def test_a_file_up_to_the_limit_is_read(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    assert read_bounded(tmp_path / "file", 5) == b"12345"
    with pytest.raises(OSError, match="larger than 4 bytes"):
        read_bounded(tmp_path / "file", 4)
    os.truncate(tmp_path / "file", 10**12)  # sparse
    with pytest.raises(OSError, match="larger than 1000000 bytes"):
        read_bounded_text(tmp_path / "file")


def test_a_sparse_file_is_refused_by_its_size(tmp_path):
    (tmp_path / "sparse").touch()
    os.truncate(tmp_path / "sparse", 10**13)  # more than can be read into memory
    with pytest.raises(OSError, match="larger than") as refused:
        read_bounded(tmp_path / "sparse", 10**12)
    assert is_unfit(refused.value)


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(tmp_path / "socket"))
        for path in ("/dev/zero", tmp_path / "pipe", tmp_path / "socket", tmp_path):
            with pytest.raises(OSError, match=r"regular|No such device|Is a directory"):
                read_bounded(path, 1000)


@pytest.mark.parametrize(
    "content",
    [
        "&a [*a]",
        "detector: &a {model: *a}",
        "a: " + "[" * 100_000,
        "a: \x00",
        "a: " + "9" * 10_000,
        "a: 2026-13-40",
        "a: !!bool x",
        "a: !!timestamp x",
        'a: !!int ""',
        "? [a]\n: b",
    ],
)
def test_a_configuration_that_is_no_plain_tree_is_refused(tmp_path, content):
    (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(ConfigError):
        Config.load(tmp_path / "config.yaml")
