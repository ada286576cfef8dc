"""dlib's face network on onnxruntime gives the vectors of dlib's own run, and needs no dlib."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from facetrack_ros.core.face import Face
from facetrack_ros.errors import ModelError
from facetrack_ros.models.resolver import resolve
from facetrack_ros.vision.embedding.dlib_face import TEMPLATE, DlibFaceEmbedder, aligned_chip
from facetrack_ros.vision.embedding.dlib_network import INPUT_PX

pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def network():
    try:
        return resolve("dlib_resnet_v1")
    except ModelError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def embedder(network):
    return DlibFaceEmbedder(network.file, network.contract)


def face(landmarks) -> Face:
    return Face(np.array([0, 0, 90, 90], np.float32), np.array(landmarks, np.float32), 0.9, 0.9)


ASTRONAUT = [[203, 104], [245, 104], [226, 126], [210, 145], [242, 144]]


def test_faces_of_one_frame_have_the_vectors_of_dlib(embedder, network, astronaut):
    dlib = pytest.importorskip("dlib", reason="dlib is not installed")
    own = dlib.face_recognition_model_v1(str(network.file))
    faces = [
        face(ASTRONAUT),
        face(np.array(ASTRONAUT) + 4),
        face([[20, 320], [60, 330], [40, 350], [25, 370], [55, 375]]),
    ]
    for row, each in zip(embedder.embed(astronaut, faces), faces):
        chip = np.ascontiguousarray(aligned_chip(astronaut, each.landmarks)[:, :, ::-1])
        vector = np.array(own.compute_face_descriptor(chip))
        assert np.abs(row - vector / np.linalg.norm(vector)).max() < 1e-6


def test_a_face_aligned_by_five_points_has_nearly_the_vector_of_dlibs_own_alignment(embedder, astronaut):
    dlib = pytest.importorskip("dlib", reason="dlib is not installed")
    own = dlib.face_recognition_model_v1(str(resolve("dlib_resnet_v1").file))
    predictor = dlib.shape_predictor(str(resolve("dlib_landmarks_5").file))
    rgb = np.ascontiguousarray(astronaut[:, :, ::-1])
    chip = dlib.get_face_chip(rgb, predictor(rgb, dlib.rectangle(180, 75, 270, 165)), INPUT_PX, 0.25)
    vector = np.array(own.compute_face_descriptor(chip))
    (row,) = embedder.embed(astronaut, [face(ASTRONAUT)])
    assert row @ vector / np.linalg.norm(vector) > 0.985


def test_landmarks_come_to_lie_on_the_template_and_without_a_mouth_the_eyes_do(astronaut):
    mark = astronaut.copy()
    for x, y in ASTRONAUT[:2]:
        cv2.circle(mark, (x, y), 3, (0, 0, 255), -1)
    points = np.array(ASTRONAUT, np.float32)
    points[2] = (226, 136)  # the base of the nose
    points[3:] = np.nan
    for landmarks in (np.array(ASTRONAUT, np.float32), points):
        chip = aligned_chip(mark, landmarks).astype(int)
        red = np.argwhere((chip[:, :, 2] > 200) & (chip[:, :, :2].max(axis=2) < 60))[:, ::-1]
        for eye, side in ((TEMPLATE[0], red[red[:, 0] < 75]), (TEMPLATE[1], red[red[:, 0] >= 75])):
            assert np.abs(side.mean(axis=0) - eye).max() < 6
    assert aligned_chip(astronaut, np.full((5, 2), np.nan)) is None


def test_a_face_without_eyes_is_an_error(embedder, astronaut):
    with pytest.raises(ModelError, match="cannot be aligned"):
        embedder.embed(astronaut, [face(np.full((5, 2), np.nan))])


def test_a_damaged_file_is_an_error_with_its_name(network, tmp_path):
    content = network.file.read_bytes()
    for number, damaged in enumerate((content[:-1_000], content[1_000_000:], b"")):
        cut = tmp_path / f"cut{number}.dat"
        cut.write_bytes(damaged)
        with pytest.raises(ModelError, match="has no tensor of shape"):
            DlibFaceEmbedder(cut, network.contract)


def test_the_pip_stack_runs_where_dlib_cannot_be_imported(network):
    program = (
        "import sys; sys.modules['dlib'] = None\n"
        "from facetrack_ros.vision.factory import build_pipeline\n"
        "from facetrack_ros.vision.settings import VisionSettings\n"
        "said = build_pipeline(VisionSettings(embedder='dlib_resnet_v1')).describe()\n"
        "print(said['face']['model'], said['embedder']['model'])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.stdout.split()[-1:] == ["dlib_resnet_v1"], done.stderr
