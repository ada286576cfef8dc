"""Films keep the true times of their frames, and what is no film is refused in one sentence."""

import gc
import os
from fractions import Fraction

import av
import numpy as np
import pytest

from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.core.orientation import upright
from facetrack_ros.core.pictures.decoding import decode
from facetrack_ros.errors import SourceError
from facetrack_ros.sources.stamped_frames import stamped_frames
from facetrack_ros.sources.video_file import VideoFileSource


@pytest.mark.parametrize(
    ("name", "count", "spacings_ms"),
    [
        ("face-demographics-walking-and-pause.gif", 41, {80, 90}),
        ("head-pose-face-detection-female-and-male.gif", 56, {80, 90}),
        ("head-pose-face-detection-male.gif", 62, {80, 90}),
        ("classroom.gif", 45, {60, 70}),
    ],
)
def test_a_gif_gives_every_frame_at_its_own_time(real_data, name, count, spacings_ms):
    offsets = [picture.offset_ns for picture in VideoFileSource(real_data("clips") / name)]
    assert len(offsets) == count
    assert offsets[0] == 0
    assert set(np.diff(offsets) // 1_000_000) == spacings_ms


def test_an_h264_film_gives_its_98_frames_at_29_97_a_second(real_data):
    pictures = list(VideoFileSource(real_data("clips/epfl_lab_camA_Double1.mp4")))
    assert len(pictures) == 98
    assert pictures[0].image.shape == (480, 854, 3)
    assert pictures[0].image.dtype == np.uint8
    assert [picture.offset_ns for picture in pictures[:2]] == pytest.approx([0, 1001 / 30 * 1e6], abs=1e3)


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
def test_irregular_frames_keep_their_times(tmp_path, write_film, name):
    times_ms = [0, 40, 90, 500, 510, 2000]
    source = VideoFileSource(write_film(tmp_path / name, times_ms))
    assert [picture.offset_ns // 1_000_000 for picture in source] == times_ms


def test_offsets_count_from_the_first_frame_wherever_the_film_begins(tmp_path, write_film):
    source = VideoFileSource(write_film(tmp_path / "late.mkv", [5000, 5100, 5250]))
    assert [picture.offset_ns for picture in source] == [0, 100_000_000, 250_000_000]


def test_an_avi_plays_at_its_rate(tmp_path, write_film):
    source = VideoFileSource(write_film(tmp_path / "film.avi", [0, 40, 80, 120]))
    assert [picture.offset_ns for picture in source] == [0, 40_000_000, 80_000_000, 120_000_000]


def test_motion_jpeg_is_passed_on_as_the_bytes_in_the_file(tmp_path, write_film):
    path = write_film(tmp_path / "film.mkv", [0, 100, 200], codec="mjpeg")
    pictures = list(VideoFileSource(path))
    assert len(pictures) == 3
    for picture in pictures:
        assert picture.image is None
        assert picture.jpeg in path.read_bytes()
        assert decode(picture.jpeg).shape == (48, 64, 3)


def test_a_film_can_be_read_again_from_its_start(tmp_path, write_film):
    source = VideoFileSource(write_film(tmp_path / "film.mp4", [0, 40, 80]))
    assert [len(list(source)), len(list(source))] == [3, 3]


def test_films_leave_no_threads_and_no_frames_to_the_garbage_collector(tmp_path, write_film):
    path = write_film(tmp_path / "film.mp4", range(0, 2000, 100))
    list(VideoFileSource(path))
    gc.collect()
    gc.disable()
    try:
        before = len(os.listdir("/proc/self/task"))
        for _ in range(5):
            for _picture in VideoFileSource(path):
                pass
        after = len(os.listdir("/proc/self/task"))
    finally:
        gc.enable()
    assert after <= before + 2 * 5  # FFmpeg's own of the five readings; the pictures were a hundred


def test_closing_ends_the_reading_and_can_be_done_twice(tmp_path, write_film):
    with VideoFileSource(write_film(tmp_path / "film.mp4", range(0, 400, 40))) as source:
        seen = 0
        for _ in source:
            seen += 1
            source.close()
    assert seen == 1
    source.close()


MATRICES = {  # a, b, c, d of the display matrix, and how EXIF counts it
    1: (1, 0, 0, 1),
    2: (-1, 0, 0, 1),
    3: (-1, 0, 0, -1),
    4: (1, 0, 0, -1),
    5: (0, 1, 1, 0),
    6: (0, 1, -1, 0),
    7: (0, -1, -1, 0),
    8: (0, -1, 1, 0),
}


def shown(found):
    return found.image if found.jpeg is None else decode(found.jpeg)


def write_matrix(path, orientation):
    """Set the matrix of a film's track header: nine numbers of four bytes."""
    data = path.read_bytes()
    place = data.index(b"tkhd") + 44
    a, b, c, d = (number * (1 << 16) for number in MATRICES[orientation])
    matrix = b"".join(number.to_bytes(4, "big", signed=True) for number in (a, b, 0, c, d, 0, 0, 0, 1 << 30))
    path.write_bytes(data[:place] + matrix + data[place + 36 :])


@pytest.mark.parametrize("codec", ["mpeg4", "mjpeg"])
@pytest.mark.parametrize("orientation", MATRICES)
def test_a_film_is_shown_as_its_container_says(tmp_path, write_film, picture, orientation, codec):
    path = write_film(tmp_path / "film.mov", [0, 40], codec)
    write_matrix(path, orientation)
    pictures = list(VideoFileSource(path))
    assert len(pictures) == 2
    for number, found in enumerate(pictures):
        wanted = upright(picture(number), orientation)
        assert shown(found).shape == wanted.shape
        assert abs(shown(found).astype(int) - wanted).mean() < 6  # but for compression


@pytest.mark.parametrize("orientation", MATRICES)
def test_motion_jpeg_is_shown_as_its_exif_says(tmp_path, write_film, picture, with_exif, orientation):
    with av.open(str(tmp_path / "film.mkv"), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        packet = av.Packet(with_exif(encode_jpeg(picture(1)), orientation))
        packet.stream, packet.pts, packet.dts = stream, 0, 0
        container.mux(packet)
    (found,) = VideoFileSource(tmp_path / "film.mkv")
    wanted = upright(picture(1), orientation)
    assert shown(found).shape == wanted.shape
    assert abs(shown(found).astype(int) - wanted).mean() < 6


@pytest.mark.parametrize(
    ("name", "frames", "size"),
    [
        ("libx264_rot90.mp4", 4, (240, 320)),
        ("libx264_hflip.mp4", 4, (240, 320)),
        ("mjpeg_rot90.mov", 4, (240, 320)),
        ("mjpeg_rot180.mov", 4, (240, 320)),
        ("png_frames.mov", 3, (130, 150)),
        ("time_starts_again.ts", 12, (240, 320)),
    ],
)
def test_films_that_failed_once(real_data, name, frames, size):
    source = VideoFileSource(real_data("cases/films") / name)
    pictures = [shown(found) for found in source]
    assert len(pictures) == frames
    assert not source.unused
    assert {(image.shape[1], image.shape[0]) for image in pictures} == {size}
    red, blue = pictures[0][-40:, :, 2].mean(), pictures[0][-40:, :, 0].mean()
    assert red > 1.5 * blue, "the orange of the suit is at the lower edge"


def test_a_film_whose_time_starts_again_keeps_all_frames_and_says_so(real_data):
    with VideoFileSource(real_data("cases/films/time_starts_again.ts")) as source:
        stamps = [frame.stamp_ns for frame in stamped_frames(source, "front", 0)]
    assert stamps == [row * 100_000_000 for row in range(12)]
    assert "time goes back by 500 ms at frame 6" in source.notes[0]


def test_a_film_that_breaks_off_gives_the_frames_up_to_there(tmp_path, write_film):
    path = write_film(tmp_path / "whole.mp4", range(0, 4000, 40), options={"movflags": "faststart"})
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    source = VideoFileSource(broken)
    offsets = [picture.offset_ns for picture in source]
    assert 20 < len(offsets) < 100
    assert offsets == [row * 40_000_000 for row in range(len(offsets))]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.mp4", b"", "is empty"),
        ("words.mp4", b"not a film at all\n" * 50, "is no video"),
        ("words.txt", b"not a film at all\n" * 500, "is no video"),
        ("titles.srt", b"1\n00:00:01,000 --> 00:00:02,000\nHello\n", "is no video"),
        ("zeros.mkv", bytes(5000), "is no video"),
    ],
)
def test_what_is_no_film_is_refused_in_one_sentence(tmp_path, name, content, says, capfd):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=says) as caught:
        VideoFileSource(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_half_a_film_without_its_index_is_refused(real_data, tmp_path):
    data = real_data("clips/epfl_lab_camA_Double1.mp4").read_bytes()
    (tmp_path / "half.mp4").write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match="damaged"):
        VideoFileSource(tmp_path / "half.mp4")


def test_a_damaged_stretch_harms_only_its_own_frames(tmp_path, write_film, capfd):
    path = write_film(tmp_path / "film.avi", range(0, 4000, 40), codec="mjpeg")
    data = bytearray(path.read_bytes())
    place = data.index(b"\xff\xd8\xff", len(data) // 2)
    data[place : place + 2] = b"\0\0"
    path.write_bytes(data)
    source = VideoFileSource(path)
    assert len(list(source)) == 99
    assert source.unused.total == 1
    assert capfd.readouterr().err == ""


def test_motion_jpeg_of_two_fields_is_one_picture_of_full_height(tmp_path, picture):
    image = picture(3, 96, 128)
    path = tmp_path / "fields.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.height, stream.width, stream.pix_fmt = 96, 128, "yuvj420p"
        for number in range(4):
            fields = [_field(image[row::2], polarity) for row, polarity in ((0, 1), (1, 2))]
            packet = av.Packet(b"".join(fields))
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1, 25)
            container.mux(packet)
    source = VideoFileSource(path)
    pictures = list(source)
    assert not source.unused
    assert len(pictures) == 4
    for found in pictures:
        assert found.image.shape == image.shape
        assert np.abs(found.image.astype(int) - image).mean() < 12


def _field(image: np.ndarray, polarity: int) -> bytes:
    """A field as AVI has it: JPEG with a segment that says which one it is."""
    jpeg = encode_jpeg(np.ascontiguousarray(image), 95)
    body = b"AVI1" + bytes([polarity]) + bytes(9)
    return jpeg[:2] + b"\xff\xe0" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:]


def test_a_film_that_is_cut_short_says_how_much_is_there(tmp_path, write_film):
    path = write_film(tmp_path / "film.mkv", range(0, 4000, 40))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source = VideoFileSource(path)
    assert 0 < len(list(source)) < 100
    assert "of 4.0 s" in source.unused.lines()[-1]
