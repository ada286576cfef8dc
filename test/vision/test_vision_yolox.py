import cv2
import numpy as np
import pytest

from facetrack_ros.errors import ModelError
from facetrack_ros.vision import catalog
from facetrack_ros.vision.resolve import resolve
from facetrack_ros.vision.yolox import YoloxPersonDetector, anchor_grid, decode


@pytest.fixture
def yolox(models):
    return YoloxPersonDetector(resolve(str(models / "yolox_nano.onnx")).path, catalog.YOLOX_NANO)


def test_rows_are_decoded_by_cell_and_stride():
    grid, stride = anchor_grid((416, 416))
    assert len(grid) == 3549
    rows = np.zeros((3549, 85), np.float32)
    rows[53] = 0.5  # second row, second column of stride 8
    rows[53, 2:4] = np.log(2.0)
    assert decode(rows, grid, stride)[53].tolist() == [4, 4, 20, 20]


def test_people_of_a_street_are_found_in_their_own_pixels(yolox, models):
    picture = cv2.imread(str(models.parent / "images" / "bus.jpg"))
    if picture is None:
        pytest.skip("no images/bus.jpg in the data folder")
    found, again = yolox.detect([picture, picture])
    assert len(found) >= 3 and np.array_equal(found.boxes, again.boxes)
    assert found.boxes[:, 3].max() > 800 and found.boxes.min() >= 0 and found.boxes[:, 2].max() <= 810
    assert found.model_id == "yolox_nano" and found.faces is None


def test_every_frame_of_two_people_shows_two(yolox, clip):
    frames = clip("head-pose-face-detection-female-and-male.gif")[::8]
    assert [len(found) for found in yolox.detect(frames)] == [2] * len(frames)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 20000, 3), (64, 48), (3, 3, 4)])
def test_odd_pictures_show_nobody(yolox, shape):
    assert len(yolox.detect([np.full(shape, 128, np.uint8)])[0]) == 0


def test_no_pictures_no_answers(yolox):
    assert yolox.detect([]) == []


def test_another_graph_is_refused(models):
    with pytest.raises(ModelError, match="no undecoded YOLOX graph|failed on an input"):
        YoloxPersonDetector(models / "yunet_n_640_640.onnx", catalog.YOLOX_NANO)


def test_a_damaged_file_is_refused_with_a_sentence(tmp_path):
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"not a graph")
    with pytest.raises(ModelError, match="cannot be opened as an ONNX model"):
        YoloxPersonDetector(path, catalog.YOLOX_NANO)
