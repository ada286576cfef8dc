"""A folder of people: a sub-folder each or a file each, and junk is told."""

import pytest

from facetrack_ros.enrolment.picture_folder import enrolment_pictures, removed_pictures
from facetrack_ros.errors import ConfigError


def test_names_are_those_of_folders_and_files_and_junk_is_told(tmp_path):
    for name in (
        "Ann/1.jpg",
        "Ann/2.PNG",
        "Ann/notes.txt",
        "Bob.jpeg",
        ".DS_Store",
        "readme.md",
        "Carl/.watch",
        "Carl/x.webp",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "Dora").mkdir()
    pictures, junk = enrolment_pictures(tmp_path)
    assert [(each.name, each.path.name, each.watch) for each in pictures] == [
        ("Ann", "1.jpg", False),
        ("Ann", "2.PNG", False),
        ("Bob", "Bob.jpeg", False),
        ("Carl", "x.webp", True),
    ]
    assert junk == ["Ann/notes.txt is no picture", "Dora is an empty folder", "readme.md is no picture"]


def test_no_such_folder_is_told(tmp_path):
    with pytest.raises(ConfigError, match="gallery folder"):
        enrolment_pictures(tmp_path / "nowhere")


def test_pictures_taken_out_are_told_and_an_emptied_folder_deletes_nobody():
    assert removed_pictures({"a", "b"}, {"b", "c"}) == {"a"}
    assert removed_pictures({"a"}, {"a", "b"}) == set()
    assert removed_pictures(set(), set()) == removed_pictures(set(), {"a"}) == set()
    assert removed_pictures({"a"}, {"b"}) == {"a"}
    with pytest.raises(ConfigError, match="nobody is deleted"):
        removed_pictures({"a", "b"}, set())
