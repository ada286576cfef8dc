"""Any input gives finite boxes within the image, or an error of one line."""

import functools
import importlib.util

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facetrack_ros.errors import FrameError, ModelError
from facetrack_ros.models import catalog
from facetrack_ros.vision.detection.nanodet import NanodetPersonDetector
from facetrack_ros.vision.detection.ultralytics_detector import UltralyticsPersonDetector
from facetrack_ros.vision.detection.yolo_onnx import YoloPersonDetector
from facetrack_ros.vision.detection.yolox import YoloxPersonDetector

FEW = settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
KINDS = ("yolox", "nanodet", "yolo", "yolo of open size", "ultralytics .pt", "ultralytics .tflite")
LOADERS = {
    "yolox": (YoloxPersonDetector, catalog.YOLOX_NANO),
    "nanodet": (NanodetPersonDetector, catalog.NANODET),
    "yolo": (YoloPersonDetector, catalog.YOLO_ONNX),
    "ultralytics": (UltralyticsPersonDetector, catalog.ULTRALYTICS),
}

sizes = st.one_of(
    st.sampled_from([(1, 1), (1, 20000), (20000, 3), (2, 2), (1, 64), (64, 1), (33, 31)]),
    st.tuples(st.integers(1, 200), st.integers(1, 200)),
)
channels = st.sampled_from([(), (1,), (3,), (4,)])


@st.composite
def odd_pictures(draw):
    """uint8 pictures: any shape, one value or noise, also views that are not contiguous."""
    shape = draw(sizes) + draw(channels)
    value = draw(st.sampled_from([0, 114, 255, "noise"]))
    if value != "noise":
        return np.full(shape, value, np.uint8)
    picture = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 256, shape, np.uint8)
    return picture[::-1, ::-1] if draw(st.booleans()) else picture


@pytest.fixture(scope="module")
def files(tmp_path_factory, request):
    """A function from a kind of detector to its class, contract and file."""

    @functools.cache
    def find(kind):
        if kind.startswith("yolo of") or kind in ("yolo", "ultralytics .pt"):
            weights = request.getfixturevalue("yolo_weights")("yolov8n")
            if kind == "ultralytics .pt":
                return *LOADERS["ultralytics"], weights
            pytest.importorskip("onnx", reason="onnx, which exports, is not installed")
            from facetrack_ros.vision.detection.ultralytics_runtime import load_yolo

            options = {"format": "onnx", "imgsz": (96, 128), "simplify": False, "dynamic": kind != "yolo"}
            path = load_yolo()(str(weights)).export(**options)
            return *LOADERS["yolo"], type(weights)(path).rename(tmp_path_factory.mktemp("yolo") / "yolo.onnx")
        folder = request.getfixturevalue("models")
        if kind == "ultralytics .tflite":
            if importlib.util.find_spec("ultralytics") is None or importlib.util.find_spec("ai_edge_litert") is None:
                pytest.skip("the torch extra or ai-edge-litert is not installed")
            return *LOADERS["ultralytics"], folder / "yolov8n_int8_320.tflite"
        return *LOADERS[kind], folder / LOADERS[kind][1].file

    return find


@pytest.fixture(scope="module")
def open_detector(files):
    """A function from a kind of detector to one of a very low score."""

    @functools.cache
    def make(kind):
        reader, contract, path = files(kind)
        return reader(path, contract, score=0.02)

    return make


def check(found, picture):
    height, width = picture.shape[:2]
    assert found.boxes.shape == (len(found), 4)
    assert found.boxes.dtype == np.float32 == found.scores.dtype
    assert np.isfinite(found.boxes).all()
    assert np.isfinite(found.scores).all()
    assert (found.boxes >= 0).all()
    assert (found.boxes <= (width, height, width, height)).all()
    assert (found.boxes[:, 2:] > found.boxes[:, :2]).all()
    assert ((found.scores >= 0.02) & (found.scores <= 1)).all()
    assert (np.diff(found.scores) <= 0).all()


@pytest.mark.parametrize("kind", KINDS)
@FEW
@given(pictures=st.lists(odd_pictures(), max_size=3))
def test_boxes_are_finite_and_within_the_image(open_detector, kind, pictures):
    answers = open_detector(kind).detect(pictures)
    assert len(answers) == len(pictures)
    for found, picture in zip(answers, pictures):
        check(found, picture)


@pytest.mark.parametrize("kind", KINDS)
def test_an_array_that_is_no_image_is_refused(open_detector, kind):
    good = np.zeros((8, 8, 3), np.uint8)
    shapes = ((0, 8, 3), (8, 8, 2), (8,))
    arrays = (np.zeros((8, 8, 3), np.uint16), np.zeros((8, 8, 3)), *(np.zeros(shape, np.uint8) for shape in shapes))
    for bad in (*arrays, None, "picture.jpg"):
        with pytest.raises(FrameError):
            open_detector(kind).detect([good, bad])


@pytest.mark.parametrize("kind", KINDS)
@settings(FEW, max_examples=6)
@given(share=st.floats(0, 0.999))
def test_a_file_cut_short_is_refused(files, tmp_path, kind, share):
    reader, contract, path = files(kind)
    whole = path.read_bytes()
    cut = tmp_path / f"cut{path.suffix}"
    cut.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ModelError, match="cut") as error:
        reader(cut, contract)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_noise_is_refused(files, tmp_path, kind):
    reader, contract, path = files(kind)
    noise = tmp_path / f"noise{path.suffix}"
    noise.write_bytes(np.random.default_rng(1).bytes(5000))
    with pytest.raises(ModelError, match="noise") as error:
        reader(noise, contract)
    assert "\n" not in str(error.value)
