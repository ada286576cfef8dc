import pytest

from facetrack_ros.errors import ModelError
from facetrack_ros.vision.catalog import CATALOG, DLIB_HOG, find


def test_ids_and_file_names_are_unique():
    assert len({record.id for record in CATALOG}) == len(CATALOG)
    files = [record.file for record in CATALOG if record.file]
    assert len(set(files)) == len(files)


@pytest.mark.parametrize("record", CATALOG, ids=lambda record: record.id)
def test_every_file_is_pinned_and_can_be_had_somewhere(record):
    assert record.licence and (record.url or record.package)
    if record is not DLIB_HOG:
        assert len(record.sha256) == 64 and record.size > 0


@pytest.mark.parametrize("record", [r for r in CATALOG if r.task == "embedding"], ids=lambda record: record.id)
def test_every_embedder_says_what_its_similarities_mean(record):
    thresholds, rates = zip(*record.false_match_curve)
    assert list(thresholds) == sorted(thresholds) and list(rates) == sorted(rates, reverse=True)
    assert record.dimension and 0 < record.threshold < 1 and record.measured_on
    assert rates[-1] < 1e-4


def test_an_unknown_model_is_named_together_with_the_known_ones():
    with pytest.raises(ModelError, match="no model 'yolo99'.*yolox_nano"):
        find("yolo99")
