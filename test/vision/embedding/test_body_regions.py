"""Body embedders give a unit row for every box, whatever it is."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facetrack_ros.errors import FrameError, ModelError
from facetrack_ros.models import catalog
from facetrack_ros.vision.embedding.body_regions import body_regions, neutral
from facetrack_ros.vision.embedding.histogram_body import DIMENSION, HistogramBodyEmbedder
from facetrack_ros.vision.embedding.onnx_body import OnnxBodyEmbedder
from facetrack_ros.vision.evaluation.verification import auc
from facetrack_ros.vision.factory import open_model
from facetrack_ros.vision.settings import VisionSettings

WALK = "face-demographics-walking-and-pause.gif"
#: Three people in frame 38 of that clip, by eye.
THEN = np.array([[40, 60, 150, 270], [180, 40, 280, 270], [310, 30, 430, 270]], np.float32)


@pytest.fixture(params=["osnet", "histogram"])
def embedder(request):
    if request.param == "histogram":
        return HistogramBodyEmbedder(catalog.HISTOGRAM)
    return OnnxBodyEmbedder(request.getfixturevalue("models") / catalog.OSNET.file, catalog.OSNET)


def test_the_network_is_preferred_and_the_histogram_needs_no_file(models, monkeypatch, tmp_path):
    found, histogram = open_model("auto", "body", VisionSettings())
    assert isinstance(histogram, HistogramBodyEmbedder)
    assert found.path is None
    assert "osnet_x0_25_msmt17 is not here" in found.rejected[0]
    monkeypatch.setenv("FACETRACK_MODELS", str(models))
    assert open_model("auto", "body", VisionSettings())[1].contract == catalog.OSNET
    assert catalog.HISTOGRAM.dimension == DIMENSION


def test_walking_people_are_more_similar_to_themselves_than_to_each_other(embedder, real_data):
    folder = real_data("tracking/TUD-Campus")
    truth = np.loadtxt(folder / "gt" / "gt.txt", delimiter=",")
    truth = truth[truth[:, 0] % 10 == 1]
    rows = np.zeros((len(truth), embedder.contract.dimension), np.float32)
    for frame in np.unique(truth[:, 0]):
        picture, here = cv2.imread(str(folder / "img1" / f"{int(frame):06d}.jpg")), truth[:, 0] == frame
        corner = truth[here, 2:4]
        rows[here] = embedder.embed(picture, np.concatenate([corner, corner + truth[here, 4:6]], axis=1))
    similarity, same = rows @ rows.T, truth[:, None, 1] == truth[None, :, 1]
    apart = np.triu(truth[:, None, 0] != truth[None, :, 0])
    assert auc(similarity[apart & same], similarity[apart & ~same]) > 0.8


def test_the_embedding_of_a_body_does_not_depend_on_the_others(embedder, clip):
    frame = clip(WALK)[38]
    together = embedder.embed(frame, THEN)
    assert together.dtype == np.float32
    assert together.shape == (3, embedder.contract.dimension)
    assert np.allclose(together, np.concatenate([embedder.embed(frame, box[None]) for box in THEN]), atol=1e-4)
    assert embedder.embed(frame, np.empty((0, 4), np.float32)).shape == (0, embedder.contract.dimension)


def test_a_box_beyond_the_border_is_clipped(embedder, clip):
    frame = clip(WALK)[38]
    inside, beyond = [[0, 0, 150, 270]], [[-500, -1e9, 150, 1e30]]
    assert np.array_equal(embedder.embed(frame, np.array(inside)), embedder.embed(frame, np.array(beyond)))


INVALID = [[np.nan, 0, 5, 5], [0, 0, np.inf, 5], [9, 9, 9, 20], [30, 30, 10, 10], [0, 0, 0, 0]]
OUTSIDE = [[500, 10, 700, 90], [-90, 0, -10, 50]]


@pytest.mark.parametrize("box", INVALID + OUTSIDE, ids=str)
def test_an_invalid_box_or_one_outside_the_image_gets_the_neutral_row(embedder, box):
    picture = np.random.default_rng(0).integers(0, 256, (100, 200, 3), np.uint8)
    rows = embedder.embed(picture, np.array([[10, 10, 60, 90], box, [90, 5, 150, 99]], np.float32))
    alone = embedder.embed(picture, np.array([[10, 10, 60, 90], [90, 5, 150, 99]], np.float32))
    assert np.array_equal(rows[1], neutral(embedder.contract.dimension))
    assert np.allclose(rows[[0, 2]], alone, atol=1e-4)
    assert np.isclose(np.linalg.norm(rows[1]), 1, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1, 3), (40, 30), (40, 30, 4), (2, 900, 3)], ids=str)
def test_images_of_unusual_shape_give_unit_rows(embedder, shape):
    for value in (0, 128, 255):
        rows = embedder.embed(np.full(shape, value, np.uint8), np.array([[0, 0, shape[1], shape[0]]], np.float32))
        assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_an_array_that_is_no_image_is_an_error(embedder):
    with pytest.raises(FrameError):
        embedder.embed(np.zeros((9, 9, 3), np.float32), np.zeros((1, 4)))


anything = st.one_of(st.floats(-1e3, 1e3), st.floats(allow_nan=True, allow_infinity=True))
any_box = st.tuples(anything, anything, anything, anything)


@settings(deadline=None, max_examples=100)
@given(boxes=st.lists(any_box, max_size=6), width=st.integers(1, 80), height=st.integers(1, 80))
def test_any_boxes_give_unit_rows(boxes, width, height):
    picture = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    boxes = np.array(boxes, np.float64).reshape(-1, 4)
    rows = HistogramBodyEmbedder(catalog.HISTOGRAM).embed(picture, boxes)
    assert rows.shape == (len(boxes), DIMENSION)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    regions, usable = body_regions(boxes, width, height)
    x1, y1, x2, y2 = regions[usable].T
    assert ((x1 >= 0) & (x1 < x2) & (x2 <= width) & (y1 >= 0) & (y1 < y2) & (y2 <= height)).all()


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(boxes=st.lists(any_box, min_size=1, max_size=4))
def test_any_boxes_give_unit_rows_of_the_network(boxes, models):
    embedder = OnnxBodyEmbedder(models / catalog.OSNET.file, catalog.OSNET)
    rows = embedder.embed(np.random.default_rng(1).integers(0, 256, (90, 70, 3), np.uint8), np.array(boxes))
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_a_file_of_another_task_truncated_or_of_another_shape_is_an_error(models, tmp_path):
    for name in ("mobilefacenet_foamliu.onnx", "yolox_nano.onnx"):
        with pytest.raises(ModelError):
            OnnxBodyEmbedder(models / name, catalog.OSNET)
    with pytest.raises(ModelError, match="says 128 numbers"):
        OnnxBodyEmbedder(models / catalog.OSNET.file, replace(catalog.OSNET, dimension=128))
    cut = tmp_path / "cut.onnx"
    cut.write_bytes((models / catalog.OSNET.file).read_bytes()[:400_000])
    with pytest.raises(ModelError, match=r"cut.onnx"):
        OnnxBodyEmbedder(cut, catalog.OSNET)


def test_a_network_that_gives_zeros_is_an_error(tiny_onnx, tmp_path):
    contract = replace(catalog.OSNET, id="tiny", input_size=(16, 16), dimension=4)
    embedder = OnnxBodyEmbedder(tiny_onnx(tmp_path / "nan.onnx", np.full((3, 4), np.nan)), contract)
    with pytest.raises(ModelError, match="without direction"):
        embedder.embed(np.zeros((50, 50, 3), np.uint8), np.array([[0, 0, 20, 40]]))
