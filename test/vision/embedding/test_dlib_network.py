"""dlib's face network on onnxruntime gives the vectors of dlib's own run."""

import numpy as np
import pytest

from facetrack_ros.core.face import Face
from facetrack_ros.errors import ModelError
from facetrack_ros.models.resolver import resolve
from facetrack_ros.vision.embedding.dlib_face import CHIP_PADDING, DlibFaceEmbedder
from facetrack_ros.vision.embedding.dlib_network import INPUT_PX, dlib_network_as_onnx

dlib = pytest.importorskip("dlib")
pytest.importorskip("onnx")
data = pytest.importorskip("skimage.data")


@pytest.fixture(scope="module")
def embedder():
    landmarks, network = resolve("dlib_landmarks_5"), resolve("dlib_resnet_v1")
    return DlibFaceEmbedder(network.file, landmarks.file, network.contract)


def test_faces_of_one_frame_have_the_vectors_of_dlib(embedder):
    image = np.ascontiguousarray(data.astronaut()[:, :, ::-1])
    boxes = [(180, 70, 275, 165), (170, 60, 290, 180), (0, 300, 90, 390)]  # a face, a larger box, no face
    rows = embedder.embed(image, [Face(np.array(box, np.float32), None, 0.9, 0.9) for box in boxes])

    own = dlib.face_recognition_model_v1(str(resolve("dlib_resnet_v1").file))
    predictor = dlib.shape_predictor(str(resolve("dlib_landmarks_5").file))
    rgb = np.ascontiguousarray(image[:, :, ::-1])
    for row, (x1, y1, x2, y2) in zip(rows, boxes):
        shape = predictor(rgb, dlib.rectangle(x1, y1, x2, y2))
        vector = np.array(own.compute_face_descriptor(dlib.get_face_chip(rgb, shape, INPUT_PX, CHIP_PADDING)))
        assert np.abs(row - vector / np.linalg.norm(vector)).max() < 1e-6


def test_a_damaged_file_is_an_error_with_its_name(tmp_path):
    network = resolve("dlib_resnet_v1")
    content = network.file.read_bytes()
    for damaged in (content[:-1_000], content[1_000_000:], b""):
        with pytest.raises(ModelError, match="has no tensor of shape"):
            dlib_network_as_onnx(damaged)
    cut = tmp_path / "cut.dat"
    cut.write_bytes(content[:-1_000])
    with pytest.raises(ModelError, match="no tensor"):
        DlibFaceEmbedder(cut, resolve("dlib_landmarks_5").file, network.contract)
