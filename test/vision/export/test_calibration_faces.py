"""Face crops from a folder of pictures, with the people's names where the folders give them."""

import cv2
import numpy as np
import pytest

from facetrack_ros.errors import ModelError
from facetrack_ros.vision.embedding.preprocess import FaceInput
from facetrack_ros.vision.export.calibration_faces import FaceCrops, extract_face_crops, find_pictures


@pytest.fixture
def folder(tmp_path):
    for name in ("ann/1.png", "ann/2.png", "bob/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / name), np.zeros((4, 4, 3), np.uint8))
    (tmp_path / "ann" / "notes.txt").write_text("no picture")
    return tmp_path


def test_a_folder_names_its_person(folder):
    found = [(person, path.name) for person, path in find_pictures(folder, 9)]
    assert found == [("ann", "1.png"), ("ann", "2.png"), ("bob", "1.png")]


def test_pictures_at_any_depth_have_no_person(folder):
    deep = folder / "ann"
    (deep / "more" / "still").mkdir(parents=True)
    cv2.imwrite(str(deep / "more" / "still" / "3.JPG"), np.zeros((4, 4, 3), np.uint8))
    found = [(person, path.name) for person, path in find_pictures(deep, 9)]
    assert found == [("", "1.png"), ("", "2.png"), ("", "3.JPG")]


def test_no_more_are_taken_than_asked_for_and_evenly(folder):
    assert [path.parent.name for _, path in find_pictures(folder, 2)] == ["ann", "bob"]


def test_no_folder_and_no_pictures_are_refused(tmp_path):
    with pytest.raises(ModelError, match="is no folder"):
        find_pictures(tmp_path / "nothing", 9)
    with pytest.raises(ModelError, match="no pictures"):
        find_pictures(tmp_path, 9)


def test_the_best_face_of_each_picture_is_aligned_and_the_rest_left_out(full, hopper, tmp_path):
    cv2.imwrite(str(tmp_path / "hopper.png"), hopper)
    cv2.imwrite(str(tmp_path / "empty.png"), np.zeros((200, 200, 3), np.uint8))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    found = extract_face_crops(full, FaceInput(full.contract), find_pictures(tmp_path, 9))
    assert len(found) == 1
    assert found.pictures == 3
    assert found.crops.shape == (1, 112, 112, 3)
    assert not found.labelled
    again = full._embedder.embed_crops(found.crops)[0]
    assert np.dot(again, full.embed_reference(hopper).embedding) > 0.9


@pytest.mark.parametrize(
    ("people", "labelled"), [(["a", "a", "b"], True), (["a", "b"], False), (["a", "a"], False), (["", ""], False)]
)
def test_crops_are_labelled_with_two_people_and_two_crops_of_one(people, labelled):
    assert FaceCrops(np.zeros((len(people), 2, 2, 3), np.uint8), np.array(people), 9).labelled is labelled
