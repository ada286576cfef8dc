"""``facetrack eval persons``: numbers of a labelled street, as text, JSON and picture."""

import argparse
import json

import cv2
import numpy as np
import pytest

from facetrack_ros.cli.eval import persons
from facetrack_ros.errors import ConfigError, FacetrackError, SourceError


@pytest.fixture
def data(real_data, monkeypatch, tmp_path):
    real_data("tracking/TUD-Campus")
    monkeypatch.setenv("FACETRACK_MODELS", str(real_data("models")))
    monkeypatch.setenv("FACETRACK_DOWNLOAD", "0")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return real_data("")


def run(*words):
    parser = argparse.ArgumentParser()
    persons.add_arguments(parser)
    return persons.run(parser.parse_args([str(word) for word in words]))


@pytest.mark.parametrize(("model", "least"), [("yolox_nano", 0.75), ("object_detection_nanodet_2022nov", 0.77)])
def test_the_people_of_tud_campus_are_found_as_well_as_published(data, capsys, model, least):
    assert run(data / "tracking" / "TUD-Campus", "--model", model, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["average_precision"] >= least
    assert (report["frames"], report["boxes"], report["model"], report["score"]) == (71, 359, model, 0.4)
    assert report["precision"] > 0.7
    assert report["recall"] > 0.7
    assert report["ms_per_frame"] > 0


def short(data, folder, name, frames=3):
    (folder / name / "img1").mkdir(parents=True), (folder / name / "gt").mkdir()
    for number in range(1, frames + 1):
        picture = f"img1/{number:06d}.jpg"
        (folder / name / picture).symlink_to(data / "tracking" / "TUD-Campus" / picture)
    lines = (data / "tracking" / "TUD-Campus" / "gt" / "gt.txt").read_text().splitlines(keepends=True)
    (folder / name / "gt" / "gt.txt").write_text("".join(line for line in lines if int(line.split(",")[0]) <= frames))


def test_several_sequences_have_a_line_each_and_one_for_all(data, capsys, tmp_path):
    short(data, tmp_path, "first"), short(data, tmp_path, "second", 2)
    assert run(tmp_path, "--min-iou", "0.6") == 0
    lines = capsys.readouterr().out.splitlines()
    assert "yolox_nano" in lines[0]
    assert "AP60" in lines[1]
    assert [line.split()[:2] for line in lines[2:]] == [["first", "3"], ["second", "2"], ["all", "5"]]


def test_the_curve_is_drawn(data, capsys, tmp_path):
    short(data, tmp_path / "all", "street")
    assert run(tmp_path / "all", "--plot", tmp_path / "curve.png") == 0
    assert cv2.imread(str(tmp_path / "curve.png")).std() > 5
    with pytest.raises(SourceError, match="cannot be written"):
        run(tmp_path / "all", "--plot", tmp_path / "nowhere" / "curve.png")
    with pytest.raises(SourceError, match="cannot be written"):
        run(tmp_path / "all", "--plot", tmp_path / "curve.doc")


def test_a_street_without_people_has_no_average(data, capsys, tmp_path):
    (tmp_path / "img1").mkdir(), (tmp_path / "gt").mkdir()
    (tmp_path / "gt" / "gt.txt").write_text("")
    cv2.imwrite(str(tmp_path / "img1" / "1.png"), np.full((48, 64, 3), 90, np.uint8))
    assert run(tmp_path, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["average_precision"] is None
    assert report["precision"] is None
    assert report["boxes"] == 0
    assert run(tmp_path) == 0


def test_what_is_wrong_is_said(data, tmp_path):
    with pytest.raises(SourceError, match="is no folder"):
        run(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="--min-iou"):
        run(data / "tracking", "--min-iou", "0")
    with pytest.raises(FacetrackError, match="not 'person'"):
        run(data / "tracking", "--model", "mobilefacenet_foamliu")
    (tmp_path / "img1").mkdir(), (tmp_path / "gt").mkdir()
    (tmp_path / "gt" / "gt.txt").write_text("")
    (tmp_path / "img1" / "1.jpg").write_bytes(b"no picture")
    with pytest.raises(SourceError, match="cannot be read as a picture"):
        run(tmp_path)
