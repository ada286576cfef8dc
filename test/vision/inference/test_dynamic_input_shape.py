"""A graph of fixed image size takes any size once its declared sizes are removed; broken files are errors."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetrack_ros.errors import ModelError
from facetrack_ros.vision.inference.dynamic_input_shape import with_dynamic_input_shape, without_weight_inputs
from facetrack_ros.vision.inference.onnx_session import OnnxSession


def test_a_graph_of_fixed_size_takes_any(tiny_onnx, tmp_path):
    path = tiny_onnx(tmp_path / "fixed.onnx", np.ones((3, 2)), batch=1)
    small, other = np.ones((1, 3, 16, 16), np.float32), np.full((1, 3, 40, 7), 2, np.float32)
    with pytest.raises(ModelError, match="failed on an input of shape"):
        OnnxSession(path).run(other)
    session = OnnxSession(path, convert=with_dynamic_input_shape)
    assert session.input_shape == (1, 3, "height", "width")
    assert np.allclose(session.run(other), 6)
    assert np.allclose(session.run(small), OnnxSession(path).run(small))


def test_the_package_onnx_reads_the_same_graph(tiny_onnx, tmp_path):
    import onnx

    path = tiny_onnx(tmp_path / "fixed.onnx", np.arange(6.0).reshape(3, 2), batch=1)
    before, after = onnx.load(path), onnx.load_from_string(with_dynamic_input_shape(path.read_bytes()))
    assert list(after.graph.node) == list(before.graph.node)
    assert list(after.graph.initializer) == list(before.graph.initializer)
    assert list(after.opset_import) == list(before.opset_import)
    sides = [side.dim_param or side.dim_value for side in after.graph.input[0].type.tensor_type.shape.dim]
    assert sides == [1, 3, "height", "width"]


def test_any_number_of_images_too_where_that_is_asked_for(tiny_onnx, tmp_path):
    path = tiny_onnx(tmp_path / "fixed.onnx", np.ones((3, 2)), batch=10)
    session = OnnxSession(path, convert=lambda model: with_dynamic_input_shape(model, any_batch=True))
    assert session.batch is None
    assert session.run(np.ones((1, 3, 16, 16), np.float32)).shape == (1, 2)


def test_weights_are_no_inputs_any_more_and_the_results_are_the_same(tiny_onnx, tmp_path):
    import onnx

    path = tiny_onnx(tmp_path / "new.onnx", np.arange(6.0).reshape(3, 2))
    model = onnx.load(path)
    for weight in model.graph.initializer:
        model.graph.input.append(onnx.helper.make_tensor_value_info(weight.name, weight.data_type, weight.dims))
    onnx.save(model, tmp_path / "old.onnx")
    changed = onnx.load_from_string(without_weight_inputs((tmp_path / "old.onnx").read_bytes()))
    assert changed == onnx.load(path)
    assert len(model.graph.input) > 1
    image = np.random.default_rng(0).random((1, 3, 16, 16), np.float32)
    expected = OnnxSession(path).run(image)
    assert np.allclose(OnnxSession(tmp_path / "old.onnx", convert=without_weight_inputs).run(image), expected)


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=200)
def test_bytes_that_are_no_model_are_rejected_or_unchanged(data):
    with contextlib.suppress(ValueError):
        assert isinstance(with_dynamic_input_shape(data), bytes)
    with contextlib.suppress(ValueError):
        assert isinstance(without_weight_inputs(data), bytes)
