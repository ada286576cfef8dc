"""YOLOX finds persons in their own pixels and refuses other graphs."""

import cv2
import numpy as np
import pytest

from facetrack_ros.core.boxes import iou
from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.resolver import resolve
from facetrack_ros.vision.detection.yolox import YoloxPersonDetector


@pytest.fixture
def yolox(models):
    return YoloxPersonDetector(resolve(str(models / "yolox_nano.onnx")).path, catalog.YOLOX_NANO)


def test_people_of_a_street_are_found_in_their_own_pixels(yolox, models):
    picture = cv2.imread(str(models.parent / "images" / "bus.jpg"))
    if picture is None:
        pytest.skip("no images/bus.jpg in the data folder")
    found, again = yolox.detect([picture, picture])
    assert len(found) >= 3
    assert np.array_equal(found.boxes, again.boxes)
    assert found.boxes[:, 3].max() > 800
    assert found.boxes.min() >= 0
    assert found.boxes[:, 2].max() <= 810
    assert found.model_id == "yolox_nano"
    assert found.faces is None


def test_every_frame_of_two_people_shows_two(yolox, clip):
    frames = clip("head-pose-face-detection-female-and-male.gif")[::8]
    assert [len(found) for found in yolox.detect(frames)] == [2] * len(frames)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 20000, 3), (64, 48), (3, 3, 4)])
def test_odd_pictures_show_nobody(yolox, shape):
    assert len(yolox.detect([np.full(shape, 128, np.uint8)])[0]) == 0


def test_no_pictures_no_answers(yolox):
    assert yolox.detect([]) == []


def test_another_graph_is_refused(models):
    with pytest.raises(ModelError, match=r"no undecoded YOLOX graph|failed on an input"):
        YoloxPersonDetector(models / "yunet_n_640_640.onnx", catalog.YOLOX_NANO)


def test_a_damaged_file_is_refused(tmp_path):
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"not a graph")
    with pytest.raises(ModelError, match="cannot be opened as an ONNX model"):
        YoloxPersonDetector(path, catalog.YOLOX_NANO)


def test_a_wide_picture_takes_a_smaller_input_and_shows_the_same_people(yolox, clip, monkeypatch):
    frames = [*clip("face-demographics-walking-and-pause.gif")[20::8], *clip("classroom.gif")[20::8]]
    inputs, run = [], yolox._session.run_named
    monkeypatch.setattr(yolox._session, "run_named", lambda blob, names: inputs.append(blob.shape) or run(blob, names))
    small = yolox.detect(frames)
    assert inputs == [(len(frames), 3, 256, 416)]
    monkeypatch.setattr(yolox, "_shrinks", False)
    whole = yolox.detect(frames)
    assert inputs[1:] == [(len(frames), 3, 416, 416)]
    for one, other in zip(small, whole):
        sure, there = one.boxes[one.scores > 0.5], other.boxes[other.scores > 0.5]
        assert len(one)
        assert iou(sure, other.boxes).max(axis=1).min() > 0.9
        assert iou(there, one.boxes).max(axis=1).min() > 0.9


def test_pictures_of_two_shapes_are_answered_in_their_order(yolox, clip):
    frame = clip("head-pose-face-detection-female-and-male.gif")[0]
    pictures = [frame, cv2.resize(frame, (300, 300)), frame[:, :240], frame]
    for found, picture in zip(yolox.detect(pictures), pictures):
        assert np.array_equal(found.boxes, yolox.detect([picture])[0].boxes)


def test_a_graph_counted_out_for_a_square_gets_its_square(tmp_path):
    onnx = pytest.importorskip("onnx", reason="onnx, which makes the graphs, is not installed")
    from onnx import TensorProto, helper, numpy_helper

    rows = np.zeros((1, 3549, 85), np.float32)
    rows[0, 53, [4, 5]], rows[0, 53, 2:4] = 1, np.log(16)
    nodes = [
        helper.make_node("Reshape", ["pictures", "shape"], ["flat"]),  # fails for all but 416x416
        helper.make_node("ReduceMean", ["flat"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "none"], ["zero"]),
        helper.make_node("Add", ["rows", "zero"], ["found"]),
    ]
    values = {"shape": np.array([1, 3 * 416 * 416]), "none": np.float32(0), "rows": rows}
    initial = [numpy_helper.from_array(value, name) for name, value in values.items()]
    image = helper.make_tensor_value_info("pictures", TensorProto.FLOAT, [1, 3, 416, 416])
    found = helper.make_tensor_value_info("found", TensorProto.FLOAT, [1, 3549, 85])
    graph = helper.make_graph(nodes, "square", [image], [found], initial)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, tmp_path / "square.onnx")
    detector = YoloxPersonDetector(tmp_path / "square.onnx", catalog.YOLOX_NANO)
    assert len(detector.detect([np.full((90, 160, 3), 90, np.uint8)])[0]) == 1
