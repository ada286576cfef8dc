"""A plugged-in camera: live, and closed safely. A film stands in for the camera."""

import cv2
import pytest

from facetrack_ros.errors import SourceError
from facetrack_ros.sources.device import DeviceSource


@pytest.fixture
def plugged_in(tmp_path, write_film, monkeypatch):
    path = str(write_film(tmp_path / "film.avi", [0, 40, 80], codec="mjpeg"))
    opened = cv2.VideoCapture(path)
    if not opened.isOpened():
        pytest.skip("this OpenCV reads no films, so none can stand in for a camera")
    monkeypatch.setattr(cv2, "VideoCapture", lambda index: opened)


def test_pictures_come_live_and_losing_the_camera_is_an_error(plugged_in):
    with DeviceSource(0) as source:
        assert source.live
        pictures = []
        with pytest.raises(SourceError, match="camera device 0 stopped giving pictures"):
            pictures.extend(source)
    assert {picture.offset_ns for picture in pictures} == {None}
    assert [picture.image.shape for picture in pictures] == [(48, 64, 3)] * 3


def test_closing_ends_the_reading(plugged_in):
    source = DeviceSource(0)
    seen = 0
    for _ in source:
        seen += 1
        source.close()
    source.close()
    assert seen == 1
