from dataclasses import replace

import cv2
import numpy as np
import pytest

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.face import Face
from facetrack_ros.errors import EvaluationError, ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.catalog import MOBILEFACENET
from facetrack_ros.models.contract import write_contract
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
    chance = np.random.default_rng(seed)
    rows = np.repeat(chance.normal(size=(people, 32)), pictures, axis=0)
    rows += spread * chance.normal(size=rows.shape)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), np.repeat(
        np.arange(people), pictures
    )


def face(quality, embedding=None, rejected=""):
    return Face(
        np.zeros(4, np.float32),
        np.zeros((5, 2), np.float32),
        0.9,
        quality,
        rejected,
        embedding=None if embedding is None else np.array(embedding, np.float32),
    )


class FakePipeline:
    """Sees in a picture the faces that its first pixel stands for."""

    contract = replace(MOBILEFACENET, dimension=2)
    faces_of = {
        0: (),
        1: (face(0.4, (1, 0)),),
        2: (face(0.3, (1, 0)), face(0.8, (0, 1))),
        3: (face(0.1, rejected="18 px wide, needs 24"),),
        4: (face(0.1, rejected="19 px wide, needs 24"),),
        5: (face(0.9, rejected="cut off by the picture's edge"), face(0.2, (0, 1))),
    }

    def detect(self, images):
        return [Detections(np.empty((0, 4), np.float32), np.empty(0, np.float32), "none") for _ in images]

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


def test_every_picture_is_accounted_for_and_the_best_usable_face_counts(pictures):
    done = []
    seen = embed_pictures(FakePipeline(), pictures, progress=done.append)
    assert [path.name for path in seen.sources] == ["1.png", "2.png", "5.png"]
    np.testing.assert_array_equal(seen.embeddings, [(1, 0), (0, 1), (0, 1)])
    assert list(seen.people) == ["who"] * 3
    assert list(seen.qualities) == [0.4, 0.8, 0.2]
    assert (seen.pictures, seen.found, seen.several) == (7, 5, 2)
    assert done == [1, 2, 3, 4, 5, 6, 7]
    assert [path.name for path in seen.faceless] == ["0.png"]
    assert [path.name for path in seen.unreadable] == ["broken.png"]
    assert seen.rejection_counts() == {"… px wide, needs 24": 2}
    said = "\n".join(samples_lines(seen))
    assert "found in 5 of 7" in said
    assert "2: … px wide, needs 24" in said
    assert "0.png" in said
    assert "broken.png" in said


def test_pictures_are_enlarged_and_bordered_before_looking():
    picture = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    larger = enlarged(2, 5)(picture)
    assert larger.shape == (14, 14, 3)
    assert (larger[0, 0] == larger[5, 5]).all()
    assert enlarged()(picture) is picture


def test_the_figures_hang_together():
    figures = measure_recognition(*population())
    assert len(figures.genuine) == 40 * 45
    assert len(figures.impostor) == figures.impostor_pairs == 400 * 390 // 2 - 0
    assert 0.9 < figures.auc <= 1
    assert figures.rank_one > 0.9
    assert figures.rank_one_searches == 400
    assert [point.rate for point in figures.points] == [1e-2, 1e-3, 1e-4]
    for point in figures.points:
        assert point.false_matches == int(point.rate * len(figures.impostor))
        assert point.shown
    assert figures.open_set_shown
    assert figures.open_set.fpir <= figures.fpir


@pytest.mark.parametrize("people", [["a", "a"], ["a", "b"], []])
def test_too_little_is_told(people):
    with pytest.raises(EvaluationError, match="usable faces of"):
        measure_recognition(np.eye(8, dtype=np.float32)[: len(people)], np.array(people))


def test_what_too_few_pairs_would_say_is_not_said():
    figures = measure_recognition(*population(people=3, pictures=3))
    said = "\n".join(metrics_lines(figures))
    assert said.count("means nothing") == 4
    assert "it takes 30000 pairs of two" in said
    assert "it takes 300 pictures" in said
    assert "from 9 pairs of one person, TAR is good to about 0.33" in said
    assert "means nothing" not in "\n".join(metrics_lines(measure_recognition(*population())))
    assert not any(point["shown"] for point in metrics_json(figures)["points"])


@pytest.mark.parametrize("size", [{}, {"people": 2, "pictures": 2}, {"people": 5, "pictures": 3, "spread": 3.0}])
@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_plot_is_drawn_for_many_pairs_and_for_hardly_any(size, ending, tmp_path):
    path = tmp_path / f"roc.{ending}"
    draw_roc(measure_recognition(*population(**size)), "who $knows$ what it costs", path, in_use=0.5)
    if ending == "png":
        picture = cv2.imread(str(path))
        assert picture.shape == (620, 1400, 3)
        assert picture.std() > 10


def test_a_plot_that_cannot_be_written_is_told(tmp_path):
    for path in (tmp_path / "nowhere" / "roc.png", tmp_path / "roc.dance"):
        with pytest.raises(EvaluationError, match="cannot be drawn"):
            draw_roc(measure_recognition(*population()), "", path)


def test_a_calibrated_contract_states_threshold_curve_and_data():
    figures = measure_recognition(*population())
    contract = calibrate_contract(MOBILEFACENET, figures, 1e-3, "our own people")
    assert (figures.impostor >= contract.threshold).mean() <= 1e-3
    assert (
        replace(
            contract,
            threshold=MOBILEFACENET.threshold,
            false_match_curve=MOBILEFACENET.false_match_curve,
            measured_on=MOBILEFACENET.measured_on,
        )
        == MOBILEFACENET
    )
    assert contract.measured_on.startswith("our own people, 78000 pairs of two people among 40")


def test_a_rate_that_the_pairs_cannot_show_is_refused():
    with pytest.raises(
        EvaluationError, match="78000 pairs of two people cannot show a false-match rate of 1e-05.*300000"
    ):
        calibrate_contract(MOBILEFACENET, measure_recognition(*population()), 1e-5, "")


def test_one_person_under_two_names_gives_no_threshold():
    embeddings = np.eye(4, dtype=np.float32)[[0, 0, 0, 0]]
    with pytest.raises(EvaluationError, match="under two names"):
        calibrate_contract(MOBILEFACENET, measure_recognition(embeddings, np.array(list("aabb"))), 0.9, "")


def test_what_was_measured_counts_from_then_on(models, monkeypatch):
    monkeypatch.setenv("FACETRACK_MODELS", str(models))
    contract = calibrate_contract(MOBILEFACENET, measure_recognition(*population()), 1e-3, "our own people")
    path = install_contract(contract)
    assert path.is_file()
    assert catalog.find(MOBILEFACENET.id) == contract
    assert build_for_measuring().contract == contract


def test_it_is_told_when_another_record_comes_first(tmp_path, monkeypatch):
    monkeypatch.setenv("FACETRACK_MODELS", str(tmp_path))
    write_contract(replace(MOBILEFACENET, threshold=0.9), tmp_path)
    with pytest.raises(ModelError, match="written but does not count.*comes first"):
        install_contract(replace(MOBILEFACENET, threshold=0.7))


def test_what_was_measured_counts_for_a_file_of_ones_own_too(tmp_path):
    file = tmp_path / "own.onnx"
    file.write_bytes(b"weights of one's own")
    own = resolve(f"{MOBILEFACENET.id}={file}").contract
    assert own.id != MOBILEFACENET.id
    assert own.threshold == MOBILEFACENET.threshold
    install_contract(replace(own, threshold=0.7, measured_on="our own people"))
    assert resolve(f"{MOBILEFACENET.id}={file}").contract.threshold == 0.7
    assert resolve(str(file)).contract.threshold == 0.7


def test_an_embedder_that_may_not_judge_can_be_measured_and_then_states_what_its_similarities_mean(
    models, tmp_path, monkeypatch
):
    monkeypatch.setenv("FACETRACK_MODELS", f"{tmp_path}:{models}")
    file = tmp_path / "looks.onnx"
    file.write_bytes((models / MOBILEFACENET.file).read_bytes())
    looks = replace(
        MOBILEFACENET,
        id="looks",
        file="looks.onnx",
        purpose="appearance",
        threshold=0.0,
        false_match_curve=(),
        measured_on="",
        urls=(),
    )
    path = write_contract(looks, cache_folder())
    settings = VisionSettings(embedder="looks")
    with pytest.raises(ModelError, match="appearance"):
        build_pipeline(settings)
    assert build_for_measuring(settings).contract == looks
    assert (
        install_contract(calibrate_contract(looks, measure_recognition(*population()), 1e-3, "our own people")) == path
    )
    assert build_for_measuring(settings).contract.threshold > 0
