"""Metrics of labelled pictures, their report and plot, and contracts calibrated by them."""

import shutil
from dataclasses import replace
from typing import ClassVar

import cv2
import numpy as np
import pytest

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.face import Face
from facetrack_ros.errors import EvaluationError, ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.catalog import MOBILEFACENET
from facetrack_ros.models.contract import CALIBRATION, derived_contract, write_contract
from facetrack_ros.models.paths import cache_folder
from facetrack_ros.models.resolver import resolve
from facetrack_ros.vision.evaluation.calibration import calibrate_contract, install_contract
from facetrack_ros.vision.evaluation.face_samples import embed_pictures, enlarged
from facetrack_ros.vision.evaluation.recognition import measure_recognition
from facetrack_ros.vision.evaluation.recognition_report import metrics_json, metrics_lines, samples_lines
from facetrack_ros.vision.evaluation.roc_plot import draw_roc
from facetrack_ros.vision.factory import build_for_measuring, build_pipeline
from facetrack_ros.vision.settings import VisionSettings


def population(people=40, pictures=10, spread=0.6, seed=0):
    """Embeddings of people whose pictures scatter about them."""
    rng = np.random.default_rng(seed)
    rows = np.repeat(rng.normal(size=(people, 32)), pictures, axis=0)
    rows += spread * rng.normal(size=rows.shape)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32), np.repeat(np.arange(people), pictures)


def face(quality, embedding=None, rejected="", bbox=(1, 1, 3, 3)):
    embedding = None if embedding is None else np.array(embedding, np.float32)
    return Face(np.array(bbox, np.float32), np.zeros((5, 2), np.float32), 0.9, quality, rejected, -1, embedding)


class FakePipeline:
    """Finds the faces that the value of a picture's first pixel stands for."""

    contract = replace(MOBILEFACENET, dimension=2)
    faces_of: ClassVar = {
        0: (),
        1: (face(0.4, (1, 0)),),
        2: (face(0.8, (1, 0), bbox=(0, 0, 1, 1)), face(0.3, (0, 1))),  # a sharp bystander in the corner
        3: (face(0.1, rejected="18 px wide, needs 24"),),
        4: (face(0.1, rejected="19 px wide, needs 24"),),
        5: (face(0.9, rejected="cut off by the picture's edge"), face(0.2, (0, 1), bbox=(0, 3, 1, 4))),
    }

    def detect(self, images):
        return [Detections.none("none") for _ in images]

    def faces(self, image, _detections):
        return self.faces_of[int(image[0, 0, 0])]


@pytest.fixture
def pictures(tmp_path):
    """One picture for each kind, and one that cannot be read."""
    paths = []
    for kind in FakePipeline.faces_of:
        paths.append(tmp_path / f"{kind}.png")
        cv2.imwrite(str(paths[-1]), np.full((4, 4, 3), kind, np.uint8))
    (tmp_path / "broken.png").write_bytes(b"no picture")
    return [("who", path) for path in (*paths, tmp_path / "broken.png")]


def test_every_picture_is_accounted_for_and_the_widest_face_near_the_centre_counts(pictures):
    done = []
    samples = embed_pictures(FakePipeline(), pictures, progress=done.append)
    assert [path.name for path in samples.sources] == ["1.png", "2.png"]
    np.testing.assert_array_equal(samples.embeddings, [(1, 0), (0, 1)])
    assert list(samples.people) == ["who"] * 2
    assert list(samples.qualities) == [0.4, 0.3]
    assert (samples.pictures, samples.found, samples.several) == (7, 5, 2)
    assert done == [1, 2, 3, 4, 5, 6, 7]
    assert [path.name for path in samples.faceless] == ["0.png"]
    assert [path.name for path in samples.unreadable] == ["broken.png"]
    assert samples.rejection_counts() == {"… px wide, needs 24": 2, "cut off by the picture's edge": 1}
    said = "\n".join(samples_lines(samples))
    assert "found in 5 of 7" in said
    assert "2: … px wide, needs 24" in said
    assert "0.png" in said
    assert "broken.png" in said


def test_pictures_are_enlarged_and_padded():
    picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    larger = enlarged(2, 5)(picture)
    assert larger.shape == (14, 14, 3)
    assert (larger[0, 0] == larger[5, 5]).all()
    assert enlarged()(picture) is picture


def test_the_metrics_are_consistent():
    metrics = measure_recognition(*population())
    assert len(metrics.genuine) == 40 * 45
    assert len(metrics.impostor) == metrics.impostor_pairs == 400 * 390 // 2 - 0
    assert 0.9 < metrics.auc <= 1
    assert metrics.rank_one > 0.9
    assert metrics.rank_one_searches == 400
    assert [point.false_match_rate for point in metrics.points] == [1e-2, 1e-3, 1e-4]
    for point in metrics.points:
        assert point.false_matches == int(point.false_match_rate * len(metrics.impostor))
        assert point.shown
    assert metrics.open_set_shown
    assert metrics.open_set.fpir <= metrics.fpir


@pytest.mark.parametrize("people", [["a", "a"], ["a", "b"], []])
def test_too_few_people_or_pictures_are_refused(people):
    with pytest.raises(EvaluationError, match="usable faces of"):
        measure_recognition(np.eye(8, dtype=np.float32)[: len(people)], np.array(people))


def test_metrics_with_too_few_pairs_are_marked():
    metrics = measure_recognition(*population(people=3, pictures=3))
    said = "\n".join(metrics_lines(metrics))
    assert said.count("means nothing") == 4
    assert "it takes 30000 pairs of two" in said
    assert "it takes 300 pictures" in said
    assert "from 9 pairs of one person, TAR is good to about 0.33" in said
    assert "means nothing" not in "\n".join(metrics_lines(measure_recognition(*population())))
    assert not any(point["shown"] for point in metrics_json(metrics)["points"])


@pytest.mark.parametrize("size", [{}, {"people": 2, "pictures": 2}, {"people": 5, "pictures": 3, "spread": 3.0}])
@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_plot_is_drawn_for_many_and_for_few_pairs(size, ending, tmp_path):
    path = tmp_path / f"roc.{ending}"
    draw_roc(measure_recognition(*population(**size)), "who $knows$ what it costs", path, in_use=0.5)
    if ending == "png":
        picture = cv2.imread(str(path))
        assert picture.shape == (620, 1400, 3)
        assert picture.std() > 10


def test_a_plot_that_cannot_be_written_is_refused(tmp_path):
    for path in (tmp_path / "nowhere" / "roc.png", tmp_path / "roc.dance"):
        with pytest.raises(EvaluationError, match="cannot be drawn"):
            draw_roc(measure_recognition(*population()), "", path)


def test_a_calibrated_contract_states_threshold_curve_and_data():
    metrics = measure_recognition(*population())
    contract = calibrate_contract(MOBILEFACENET, metrics, 1e-3, "our own people")
    assert (metrics.impostor >= contract.threshold).mean() <= 1e-3
    assert replace(contract, **{name: getattr(MOBILEFACENET, name) for name in CALIBRATION}) == MOBILEFACENET
    assert contract.measured_on.startswith("our own people, 78000 pairs of two people among 40")


def test_a_rate_that_the_pairs_cannot_show_is_refused():
    with pytest.raises(EvaluationError, match=r"78000 pairs .* cannot show a false-match rate of 1e-05.*300000"):
        calibrate_contract(MOBILEFACENET, measure_recognition(*population()), 1e-5, "")


def test_one_person_under_two_names_gives_no_threshold():
    embeddings = np.eye(4, dtype=np.float32)[[0, 0, 0, 0]]
    with pytest.raises(EvaluationError, match="two names"):
        calibrate_contract(MOBILEFACENET, measure_recognition(embeddings, np.array(list("aabb"))), 0.9, "")


def test_an_installed_contract_replaces_the_catalogs(models, monkeypatch):
    monkeypatch.setenv("FACETRACK_MODELS", str(models))
    contract = calibrate_contract(MOBILEFACENET, measure_recognition(*population()), 1e-3, "our own people")
    path = install_contract(contract)
    assert path.is_file()
    assert catalog.find(MOBILEFACENET.id) == contract
    assert build_for_measuring().contract == contract


def test_a_contract_hidden_by_another_record_is_reported(tmp_path, monkeypatch):
    monkeypatch.setenv("FACETRACK_MODELS", str(tmp_path))
    write_contract(replace(MOBILEFACENET, threshold=0.9), tmp_path)
    with pytest.raises(ModelError, match=r"written but does not count.*comes first"):
        install_contract(replace(MOBILEFACENET, threshold=0.7))


def test_an_installed_contract_applies_to_a_users_own_file(tmp_path):
    file = tmp_path / "own.onnx"
    file.write_bytes(b"weights of one's own")
    own = resolve(f"{MOBILEFACENET.id}={file}").contract
    assert own.id != MOBILEFACENET.id
    assert own.threshold == MOBILEFACENET.threshold
    install_contract(replace(own, threshold=0.7, measured_on="our own people"))
    assert resolve(f"{MOBILEFACENET.id}={file}").contract.threshold == 0.7
    assert resolve(str(file)).contract.threshold == 0.7


def test_an_appearance_embedder_can_be_measured_and_calibrated(models, tmp_path, monkeypatch):
    monkeypatch.setenv("FACETRACK_MODELS", f"{tmp_path}:{models}")
    shutil.copy(models / MOBILEFACENET.file, tmp_path / "looks.onnx")
    looks = replace(derived_contract(MOBILEFACENET, "looks", 128, ""), file="looks.onnx", purpose="appearance", urls=())
    path = write_contract(looks, cache_folder())
    settings = VisionSettings(embedder="looks")
    with pytest.raises(ModelError, match="appearance"):
        build_pipeline(settings)
    assert build_for_measuring(settings).contract == looks
    calibrated = calibrate_contract(looks, measure_recognition(*population()), 1e-3, "our own people")
    assert install_contract(calibrated) == path
    assert build_for_measuring(settings).contract.threshold > 0
