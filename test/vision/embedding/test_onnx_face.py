"""An ArcFace-style graph runs by its contract and gives unit rows only."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from facetrack_ros.core.face import Face
from facetrack_ros.errors import ModelError
from facetrack_ros.models.catalog import MOBILEFACENET
from facetrack_ros.vision.embedding.onnx_face import OnnxFaceEmbedder
from facetrack_ros.vision.faces.alignment import ARCFACE_TEMPLATE

TINY = replace(MOBILEFACENET, id="tiny", input_size=(16, 16), dimension=4)
ROWS = np.random.default_rng(5).normal(size=(3, 4)).astype(np.float32)
PICTURE = np.random.default_rng(6).integers(0, 256, (60, 70, 3), np.uint8)


def faces(count):
    landmarks = [(ARCFACE_TEMPLATE / 4 + 7 * row).astype(np.float32) for row in range(count)]
    return [Face(np.zeros(4, np.float32), points, 0.9, 0.9) for points in landmarks]


@pytest.fixture
def graph(tmp_path, tiny_onnx):
    return lambda *arguments, **named: tiny_onnx(tmp_path / "tiny.onnx", *arguments, **named)


def test_a_graph_of_another_size_runs_by_its_contract(graph):
    rows = OnnxFaceEmbedder(graph(ROWS), TINY).embed(PICTURE, faces(3))
    assert rows.shape == (3, 4)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("count", [1, 5, 33])
def test_an_open_batch_gives_what_a_batch_of_one_gives(graph, count):
    together = OnnxFaceEmbedder(graph(ROWS), TINY).embed(PICTURE, faces(count))
    alone = OnnxFaceEmbedder(graph(ROWS, batch=1), TINY).embed(PICTURE, faces(count))
    assert together.shape == (count, 4)
    assert np.allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        (("batch", 16, 16, 3), "channels first"),
        (("batch", 3, 32, 32), r"its contract tiny says \(batch, 3, 16, 16\)"),
        (("batch", 1, 16, 16), "its contract tiny says"),
        ((2, 3, 16, 16), "2 pictures at a time"),
    ],
    ids=str,
)
def test_a_graph_with_another_image_input_is_an_error(graph, shape, told):
    channels = shape[1]
    with pytest.raises(ModelError, match=told):
        OnnxFaceEmbedder(graph(np.ones((channels, 4)), input_shape=shape), TINY)


def test_a_graph_without_image_input_is_an_error(tmp_path, tiny_onnx):
    from onnx import TensorProto, helper

    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 5]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "flat", values[:1], values[1:])
    file = tmp_path / "flat.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    file.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="no batch of pictures"):
        OnnxFaceEmbedder(file, TINY)


@pytest.mark.parametrize(
    "output", [("Reshape", [-1, 2]), ("Reshape", [2, 2, -1]), ("Reshape", [-1]), ("Unsqueeze", [2])], ids=str
)
def test_an_output_of_another_shape_is_an_error(graph, output):
    with pytest.raises(ModelError, match="name the contract that belongs"):
        OnnxFaceEmbedder(graph(ROWS, output=(output[0], np.array(output[1]))), TINY)


def test_an_output_of_another_dimension_is_an_error(graph):
    with pytest.raises(ModelError, match="its contract tiny says 4 numbers"):
        OnnxFaceEmbedder(graph(np.ones((3, 5))), TINY)


def test_a_graph_with_one_row_for_several_faces_is_an_error(graph):
    embedder = OnnxFaceEmbedder(graph(ROWS, output=("Slice", np.array([0]), np.array([1]))), TINY)
    assert embedder.embed(PICTURE, faces(1)).shape == (1, 4)
    with pytest.raises(ModelError, match=r"shape \(1, 4\) for 3 pictures"):
        embedder.embed(PICTURE, faces(3))


odd = st.sampled_from([0.0, np.nan, np.inf, -np.inf, 3e38, -3e38, 1e-38])
weights = arrays(np.float32, (3, 4), elements=st.one_of(odd, st.floats(-10, 10, width=32)))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=weights, count=st.integers(1, 3))
def test_any_graph_gives_unit_rows_or_an_error(rows, count, tmp_path, tiny_onnx):
    embedder = OnnxFaceEmbedder(tiny_onnx(tmp_path / "any.onnx", rows), TINY)
    try:
        got = embedder.embed(PICTURE, faces(count))
    except ModelError:
        return
    assert np.isfinite(rows).all()
    assert got.shape == (count, 4)
    assert np.allclose(np.linalg.norm(got, axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("value", [np.nan, 0.0, np.inf])
def test_a_vector_without_direction_is_an_error(value, graph):
    with pytest.raises(ModelError, match="without direction"):
        OnnxFaceEmbedder(graph(np.full((3, 4), value)), TINY).embed(PICTURE, faces(1))


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 0.999))
def test_a_truncated_file_is_an_error(share, tmp_path, tiny_onnx):
    whole = tiny_onnx(tmp_path / "whole.onnx", ROWS).read_bytes()
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ModelError):
        OnnxFaceEmbedder(cut, TINY)


def test_a_model_of_another_task_is_an_error(models):
    for name in ("yolox_nano.onnx", "osnet_x0_25_msmt17.onnx", "yunet_n_640_640.onnx", "yolov8n_int8_320.tflite"):
        with pytest.raises(ModelError):
            OnnxFaceEmbedder(models / name, MOBILEFACENET)
