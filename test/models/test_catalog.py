from dataclasses import replace

import pytest

from facetrack_ros.errors import ModelError
from facetrack_ros.models.catalog import CATALOG, DLIB_RESNET, MOBILEFACENET, OSNET, RESNET50, SFACE, find, records
from facetrack_ros.models.contract import TASKS, write_contract


def test_ids_and_file_names_are_unique():
    assert len({record.id for record in CATALOG}) == len(CATALOG)
    files = [record.file for record in CATALOG if record.file]
    assert len(set(files)) == len(files)


@pytest.mark.parametrize("record", CATALOG, ids=lambda record: record.id)
def test_every_file_is_pinned_and_available(record):
    assert record.licence
    assert record.architecture
    assert record.task in TASKS
    if record.file:
        assert len(record.sha256) == 64
        assert record.size > 0
        assert record.urls or record.package
    else:
        assert record.package or record.note.endswith("=PATH")


@pytest.mark.parametrize("record", [r for r in CATALOG if r.purpose == "identity"], ids=lambda record: record.id)
def test_every_identity_model_has_a_measured_threshold(record):
    assert record.dimension
    assert 0 < record.threshold < 1
    assert record.measured_on
    if record is SFACE:
        assert "no false-match curve" in record.measured_on
        return
    thresholds, rates = zip(*record.false_match_curve)
    assert list(thresholds) == sorted(thresholds)
    assert list(rates) == sorted(rates, reverse=True)
    assert rates[-1] < 1e-4


def test_models_not_trained_for_identity_are_appearance_models_without_threshold():
    assert RESNET50.purpose == OSNET.purpose == "appearance"
    assert RESNET50.threshold == OSNET.threshold == 0


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FACETRACK_MODELS", str(tmp_path))
    return tmp_path


OWN = replace(MOBILEFACENET, id="own", file="own.onnx", sha256="0" * 64, licence="MIT", urls=())


def test_a_record_file_adds_a_model(folder):
    assert write_contract(OWN, folder).name == "own.contract.json"
    assert find("own") == OWN
    assert OWN in records()[0]
    assert records()[1] == ()


def test_a_record_file_may_change_the_calibration_only(folder):
    own = {"false_match_curve": ((0.45, 1e-4),), "false_match_interval": (), "measured_on": "our own people"}
    measured = replace(MOBILEFACENET, threshold=0.45, **own)
    write_contract(measured, folder)
    assert find(MOBILEFACENET.id) == measured
    write_contract(replace(measured, mean=(0.0, 0.0, 0.0)), folder)
    assert find(MOBILEFACENET.id) == MOBILEFACENET
    assert "may change only threshold" in records()[1][0]


def test_a_calibration_written_by_an_older_version_counts_and_its_addresses_do_not(folder):
    older = replace(DLIB_RESNET, threshold=0.93, measured_on="our own people", urls=("https://host/x",), note="older")
    write_contract(older, folder)
    assert find(DLIB_RESNET.id) == replace(DLIB_RESNET, threshold=0.93, measured_on="our own people")
    assert records()[1] == ()


def test_the_first_record_file_of_an_id_counts(tmp_path, monkeypatch):
    monkeypatch.setenv("FACETRACK_MODELS", f"{tmp_path / 'a'}:{tmp_path / 'b'}")
    for name in "ab":
        write_contract(replace(OWN, note=name), tmp_path / name)
    assert find("own").note == "a"
    assert len([record for record in records()[0] if record.id == "own"]) == 1


def test_a_broken_record_file_is_reported_and_hides_no_other(folder):
    (folder / "broken.contract.json").write_text("{")
    write_contract(OWN, folder)
    assert find("own") == OWN
    with pytest.raises(ModelError, match=r"broken.contract.json is no model contract"):
        find("broken")


def test_an_unknown_id_is_an_error_that_lists_the_known_ones():
    with pytest.raises(ModelError, match=r"no model 'yolo99'.*yolox_nano"):
        find("yolo99")
