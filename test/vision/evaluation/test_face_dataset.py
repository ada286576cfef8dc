"""Labelled pictures are listed by person; other layouts are refused."""

import pytest

from facetrack_ros.errors import EvaluationError
from facetrack_ros.vision.evaluation.face_dataset import ignored_files, labelled_pictures


@pytest.fixture
def folder(tmp_path):
    """A function that makes files, by their paths below the folder."""

    def make(*files):
        for file in files:
            path = tmp_path / "people" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
        return tmp_path / "people"

    return make


def test_a_folder_is_a_person(folder):
    people = folder("b/2.JPG", "b/10.png", "a/1.pgm")
    files = ["a/1.pgm", "b/10.png", "b/2.JPG"]
    assert labelled_pictures(people) == [(file[0], people / file) for file in files]


def test_other_files_are_ignored_and_listed(folder):
    others = {"README", ".git", "b/.hidden.png", "b/notes.txt", "b/deep"}
    people = folder("a/1.png", "a/2.png", "b/1.png", ".git/config.png", "b/deep/1.png", *others - {".git", "b/deep"})
    assert [path.name for _, path in labelled_pictures(people)] == ["1.png", "2.png", "1.png"]
    assert {str(path.relative_to(people)) for path in ignored_files(people)} == others


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (["1.png"], "no folders with pictures"),
        (["a/readme.txt"], "no folders with pictures"),
        (["a/1.png", "a/2.png", "b/readme"], "one person only, a"),
        (["a/1.png", "b/1.png"], "no person with two pictures"),
    ],
)
def test_a_folder_of_another_layout_is_refused(folder, files, told):
    with pytest.raises(EvaluationError, match=told):
        labelled_pictures(folder(*files))


@pytest.mark.parametrize("call", [labelled_pictures, ignored_files])
def test_a_missing_folder_is_refused(call, tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "nowhere", tmp_path / "file"):
        with pytest.raises(EvaluationError, match="cannot be read as a folder"):
            call(path)
