"""A folder of pictures is a camera: sorted by name, evenly spaced, damaged pictures skipped."""

import cv2
import numpy as np
import pytest

from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.errors import SourceError
from facetrack_ros.sources.picture_folder import PictureFolderSource


def test_pictures_come_sorted_by_name_and_evenly_spaced(tmp_path, picture):
    for number in (2, 0, 1):
        cv2.imwrite(str(tmp_path / f"{number:03}.png"), picture(number))
    pictures = list(PictureFolderSource(tmp_path, fps=4))
    assert [found.offset_ns for found in pictures] == [0, 250_000_000, 500_000_000]
    for number, found in enumerate(pictures):
        assert np.array_equal(found.image, picture(number))
        assert found.jpeg is None


def test_jpeg_files_are_passed_on_untouched(tmp_path, picture):
    data = encode_jpeg(picture())
    (tmp_path / "a.JPG").write_bytes(data)
    assert [found.jpeg for found in PictureFolderSource(tmp_path)] == [data]


def test_a_damaged_picture_is_skipped_counted_and_keeps_its_place_in_time(tmp_path, picture, capfd):
    data = encode_jpeg(picture())
    (tmp_path / "a.jpg").write_bytes(data)
    (tmp_path / "b.jpg").write_bytes(data[: len(data) // 2])
    (tmp_path / "c.png").write_bytes(b"nothing of the kind")
    (tmp_path / "d.jpg").write_bytes(b"")
    (tmp_path / "e.jpg").write_bytes(data)
    source = PictureFolderSource(tmp_path)
    assert [found.offset_ns for found in source] == [0, 400_000_000]
    assert source.unused.total == 3
    assert capfd.readouterr().err == ""


def test_the_end_of_a_jpegs_own_thumbnail_does_not_pass_for_its_end(tmp_path, picture):
    thumbnail = encode_jpeg(picture(1, 16, 16))
    segment = b"\xff\xe1" + (len(thumbnail) + 2).to_bytes(2, "big") + thumbnail
    data = encode_jpeg(picture())
    whole = data[:2] + segment + data[2:]
    (tmp_path / "broken.jpg").write_bytes(whole[:-200])
    (tmp_path / "whole.jpg").write_bytes(whole + b"something a telephone appends")
    source = PictureFolderSource(tmp_path)
    assert len(list(source)) == 1
    assert source.unused.total == 1


def test_other_files_and_hidden_ones_are_no_pictures(tmp_path, picture):
    (tmp_path / "notes.txt").write_text("hello")
    cv2.imwrite(str(tmp_path / ".hidden.png"), picture())
    with pytest.raises(SourceError, match="holds no pictures"):
        PictureFolderSource(tmp_path)


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf")])
def test_a_rate_that_cannot_be_is_refused(tmp_path, picture, fps):
    cv2.imwrite(str(tmp_path / "a.png"), picture())
    with pytest.raises(SourceError, match="above zero"):
        PictureFolderSource(tmp_path, fps)


def test_the_real_sequence_has_71_pictures(real_data):
    source = PictureFolderSource(real_data("tracking/TUD-Campus/img1"), fps=25)
    assert [found.offset_ns for found in source] == [row * 40_000_000 for row in range(71)]
