"""Checks of facetrack doctor on the machine, models, data folder and cameras."""

import cv2
import numpy as np
import pytest

from facetrack_ros.cli.checks.check_result import ERROR, OK, WARNING
from facetrack_ros.cli.checks.machine import check_machine
from facetrack_ros.cli.checks.network import check_firewall
from facetrack_ros.cli.checks.robot import check_camera, check_data, check_models
from facetrack_ros.config import Config


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    cv2.imwrite(str(folder / "1.png"), np.full((48, 64, 3), 90, np.uint8))
    return folder


def test_this_machine_can_run_the_command():
    found = {finding.subject: finding for finding in check_machine()}
    assert found["Python"].level == found["packages"].level == OK
    assert "numpy" in found["packages"].sentence
    assert all(finding.advice for finding in found.values() if finding.level != OK)


def test_a_camera_is_opened_and_a_picture_read(pictures, tmp_path):
    finding = check_camera("front", str(pictures))
    assert (finding.level, finding.subject) == (OK, "camera front")
    assert "64x48" in finding.sentence
    (tmp_path / "text.mp4").write_text("no film")
    for source in (str(tmp_path / "missing.mp4"), str(tmp_path / "text.mp4"), "rtsp://ann:secret@127.0.0.1:1/x", "97"):
        finding = check_camera("front", source)
        assert finding.level == ERROR, source
        assert "secret" not in finding.sentence


def test_a_data_folder_is_checked_for_rights_room_and_privacy(tmp_path):
    def found(folder, **settings):
        return list(check_data(Config({"data_dir": str(folder), **settings})))

    assert [finding.level for finding in found(tmp_path / "new" / "data")] == [OK]
    assert not (tmp_path / "new").exists(), "a check makes nothing"
    (tmp_path / "file").touch()
    assert [finding.level for finding in found(tmp_path / "file")] == [ERROR]
    assert [finding.level for finding in found(tmp_path, **{"frame_history.min_free_mb": 10**9})] == [ERROR]
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o755)
    finding = found(tmp_path / "open")[-1]
    assert (finding.level, finding.advice) == (WARNING, f"chmod 700 {tmp_path / 'open'}")
    assert "mode 755" in finding.sentence


def test_models_that_are_missing_or_damaged_are_told(models, monkeypatch, tmp_path):
    monkeypatch.setenv("FACETRACK_MODELS", str(models))
    assert {finding.level for finding in check_models(Config())} == {OK}
    damaged = tmp_path / "models"
    damaged.mkdir()
    for file in models.iterdir():
        (damaged / file.name).symlink_to(file)
    name = (
        next(finding for finding in check_models(Config()) if "faces: " in finding.sentence).sentence.split()[1]
        + ".onnx"
    )
    (damaged / name).unlink()
    (damaged / name).write_bytes((models / name).read_bytes()[:-1])
    monkeypatch.setenv("FACETRACK_MODELS", str(damaged))
    findings = [finding for finding in check_models(Config()) if finding.level != OK]
    assert any(finding.level == ERROR and name in finding.sentence for finding in findings), findings
    monkeypatch.delenv("FACETRACK_MODELS")
    assert {finding.level for finding in check_models(Config())} <= {WARNING, ERROR}


def test_a_firewall_is_told_with_the_ports_to_open(tmp_path, monkeypatch):
    monkeypatch.delenv("ROS_AUTOMATIC_DISCOVERY_RANGE", raising=False)
    monkeypatch.setenv("ROS_DOMAIN_ID", "3")
    assert list(check_firewall(tmp_path)) == []
    (tmp_path / "etc" / "ufw").mkdir(parents=True)
    (tmp_path / "etc" / "ufw" / "ufw.conf").write_text("# ENABLED=maybe\nENABLED=yes\nLOGLEVEL=low\n")
    (tmp_path / "run" / "firewalld").mkdir(parents=True)
    first, second = check_firewall(tmp_path)
    assert first.level == second.level == WARNING
    assert "8150:8399" in first.advice
    assert "8150-8399/udp" in second.advice
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    assert list(check_firewall(tmp_path)) == []
