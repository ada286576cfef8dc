"""The SOURCE words of the command line."""

import cv2
import pytest

from facetrack_ros.errors import SourceError
from facetrack_ros.sources.factory import open_source
from facetrack_ros.sources.picture_folder import PictureFolderSource
from facetrack_ros.sources.video_file import VideoFileSource


def test_a_file_and_a_folder_are_told_apart(tmp_path, write_film, picture):
    film = write_film(tmp_path / "a film: the 2nd.mp4", [0, 40])
    cv2.imwrite(str(tmp_path / "a.png"), picture())
    assert isinstance(open_source(str(film)), VideoFileSource)
    assert isinstance(open_source(str(tmp_path)), PictureFolderSource)


def test_the_rate_of_a_folder_can_be_given(tmp_path, picture):
    for number in range(2):
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture())
    assert [found.offset_ns for found in open_source(str(tmp_path), fps=2)] == [0, 500_000_000]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("no/such/film.mp4", "does not exist"),
        ("ftp://host/film.mp4", "ftp:// is no source"),
        ("bag:no/such/bag:/image", "does not exist"),
        ("bag:", "is no bag"),
        ("97", "camera device 97 cannot be opened"),
        ("/dev/video97", "camera device 97 cannot be opened"),
        ("a\0b", "does not exist"),
    ],
)
def test_what_cannot_be_opened_is_one_sentence(text, says, capfd):
    with pytest.raises(SourceError, match=says) as caught:
        open_source(text)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_a_single_picture_is_refused_with_advice(tmp_path, picture):
    cv2.imwrite(str(tmp_path / "a.png"), picture())
    with pytest.raises(SourceError, match="the folder of pictures it belongs to"):
        open_source(str(tmp_path / "a.png"))
