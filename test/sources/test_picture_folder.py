"""A folder of pictures is a camera: sorted by name, evenly spaced, damaged pictures skipped."""

import cv2
import numpy as np
import pytest

from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.core.orientation import upright
from facetrack_ros.errors import SourceError
from facetrack_ros.sources.factory import open_source
from facetrack_ros.sources.picture_folder import PictureFolderSource
from facetrack_ros.sources.stamped_frames import stamped_frames


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


def test_pictures_come_in_the_order_people_count(tmp_path, picture):
    names = ["1.png", "2.png", "10.png", "11.png", "frame 9.png", "frame 10.png", "u\u0308ber.png", "zoo.png"]
    for number, name in enumerate(names):
        cv2.imwrite(str(tmp_path / name), picture(number))
    assert [found.image[0, 0, 2] for found in PictureFolderSource(tmp_path)] == [
        20 * row for row in (0, 1, 2, 3, 4, 5, 7, 6)
    ]


def test_what_is_not_used_is_counted_by_reason_or_named(tmp_path, picture):
    data = encode_jpeg(picture())
    files = {
        "1.jpg": data,
        "2.jpg": data[: len(data) // 2],
        "3.jpg": data[:-2],
        "4.png": b"nothing of the kind",
        "5.jpg": b"",
        "clip.mp4": b"a film",
        "raw.cr2": b"a photograph",
        "notes.txt": b"words",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "more").mkdir()
    source = PictureFolderSource(tmp_path)
    assert [found.offset_ns for found in source] == [0, 200_000_000]
    assert source.unused.total == 5
    assert len(source.unused.by_reason()) == 5
    assert source.notes == ["no pictures, and left out: more, notes.txt"]


def test_an_animated_picture_is_a_film(tmp_path):
    images = pytest.importorskip("PIL.Image")
    frames = [images.new("RGB", (64, 48), (40 * row, 0, 0)) for row in range(3)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:], duration=100)
    cv2.imwrite(str(tmp_path / "b.png"), np.zeros((48, 64, 3), np.uint8))
    with open_source(str(tmp_path / "a.png")) as film:
        assert [found.offset_ns for found in film] == [0, 100_000_000, 200_000_000]
    source = PictureFolderSource(tmp_path)
    assert len(list(source)) == 1
    assert "several pictures" in source.unused.lines()[0]
    with pytest.raises(SourceError, match="one picture"):
        open_source(str(tmp_path / "b.png"))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_of_jpeg_files_is_followed(tmp_path, picture, with_exif, orientation):
    (tmp_path / "a.jpg").write_bytes(with_exif(encode_jpeg(picture()), orientation))
    (frame,) = stamped_frames(PictureFolderSource(tmp_path), "front", 0)
    assert frame.image.shape == upright(picture(), orientation).shape
    assert np.abs(frame.image.astype(int) - upright(picture(), orientation)).mean() < 6


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf")])
def test_a_rate_that_cannot_be_is_refused(tmp_path, picture, fps):
    cv2.imwrite(str(tmp_path / "a.png"), picture())
    with pytest.raises(SourceError, match="above zero"):
        PictureFolderSource(tmp_path, fps)


def test_the_real_sequence_has_71_pictures(real_data):
    source = PictureFolderSource(real_data("tracking/TUD-Campus/img1"), fps=25)
    assert [found.offset_ns for found in source] == [row * 40_000_000 for row in range(71)]
