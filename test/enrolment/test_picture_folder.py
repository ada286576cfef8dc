"""A gallery folder has a sub-folder or a file for each person; other files are reported."""

import pytest

from facetrack_ros.enrolment.picture_folder import enrolment_pictures, removed_pictures
from facetrack_ros.errors import ConfigError


def test_names_come_from_folders_and_files_and_other_files_are_reported(tmp_path):
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
    pictures, others = enrolment_pictures(tmp_path)
    assert [(each.name, each.path.name, each.watch) for each in pictures] == [
        ("Ann", "1.jpg", False),
        ("Ann", "2.PNG", False),
        ("Bob", "Bob.jpeg", False),
        ("Carl", "x.webp", True),
    ]
    assert others == ["Ann/notes.txt is no picture", "Dora is an empty folder", "readme.md is no picture"]


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="gallery folder"):
        enrolment_pictures(tmp_path / "nowhere")


def test_removed_pictures_are_found_but_an_empty_folder_deletes_no_person():
    assert removed_pictures({"a", "b"}, {"b", "c"}) == {"a"}
    assert removed_pictures({"a"}, {"a", "b"}) == set()
    assert removed_pictures(set(), set()) == removed_pictures(set(), {"a"}) == set()
    assert removed_pictures({"a"}, {"b"}) == {"a"}
    with pytest.raises(ConfigError, match="--remove"):
        removed_pictures({"a", "b"}, set())
