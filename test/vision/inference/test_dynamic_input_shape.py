"""A graph of fixed image size takes any size once its declared sizes are removed; broken files are errors."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facetrack_ros.errors import ModelError
from facetrack_ros.vision.inference.dynamic_input_shape import with_dynamic_input_shape
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


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=200)
def test_bytes_that_are_no_model_are_rejected_or_unchanged(data):
    with contextlib.suppress(ValueError):
        assert isinstance(with_dynamic_input_shape(data), bytes)
