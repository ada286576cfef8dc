"""Pictures of every format are decoded upright, or refused with what to install."""

import io
import sys

import numpy as np
import pytest

from facetrack_ros.core.orientation import upright
from facetrack_ros.core.pictures.decoding import decode_picture, has_several_pictures, is_heif
from facetrack_ros.errors import FrameError

Image = pytest.importorskip("PIL.Image")
QUADRANTS = np.zeros((60, 100, 3), np.uint8)
QUADRANTS[:30, :50], QUADRANTS[:30, 50:], QUADRANTS[30:, :50] = (0, 0, 255), (0, 255, 0), (255, 0, 0)


def skip_where_ffmpeg_cannot_turn():
    if pytest.importorskip("av").library_versions["libavformat"][0] < 62:
        pytest.skip("this PyAV does not tell how HEIC and AVIF are turned: they are refused")


def written(kind, orientation=1, **options):
    exif = Image.Exif()
    exif[0x0112] = orientation
    output = io.BytesIO()
    try:
        Image.fromarray(QUADRANTS[..., ::-1].copy()).save(output, kind, exif=exif, **options)
    except (KeyError, OSError) as error:
        pytest.skip(f"Pillow writes no {kind} here: {error}")
    return output.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_shown_as_they_say(kind, orientation):
    if kind == "AVIF":
        skip_where_ffmpeg_cannot_turn()
    image = decode_picture(written(kind, orientation))
    wanted = upright(QUADRANTS, orientation)
    assert image.shape == wanted.shape
    assert np.abs(image.astype(int) - wanted).mean() < 10


@pytest.fixture
def no_heif_package(monkeypatch):
    for name in ("pi_heif", "pillow_heif"):
        monkeypatch.setitem(sys.modules, name, None)


def test_pictures_of_phones_that_failed_once(real_data, no_heif_package):
    skip_where_ffmpeg_cannot_turn()
    avif = decode_picture(real_data("cases/pictures/says_how_to_turn.avif").read_bytes())
    assert avif.shape == (240, 208, 3)
    assert avif[-40:, :, 2].mean() > 1.5 * avif[-40:, :, 0].mean(), "the orange of the suit is at the lower edge"
    assert decode_picture(real_data("cases/pictures/iphone.heic").read_bytes()).shape == (150, 130, 3)


def test_a_damaged_heic_says_what_to_install(real_data, no_heif_package):
    data = real_data("cases/pictures/iphone.heic").read_bytes()
    with pytest.raises(FrameError, match="pip install pi-heif"):
        decode_picture(data[:600])


def test_an_older_ffmpeg_that_cannot_turn_is_not_asked(real_data, no_heif_package, monkeypatch):
    av = pytest.importorskip("av")
    monkeypatch.setitem(av.library_versions, "libavformat", (61, 1, 100))
    with pytest.raises(FrameError, match="pi-heif"):
        decode_picture(real_data("cases/pictures/iphone.heic").read_bytes())


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "GIF", "AVIF"])
def test_several_pictures_in_a_file_are_noticed(kind):
    output = io.BytesIO()
    frames = [Image.new("RGB", (64, 48), (40 * row, 0, 0)) for row in range(3)]
    try:
        frames[0].save(output, kind, save_all=True, append_images=frames[1:])
    except (KeyError, OSError) as error:
        pytest.skip(f"Pillow writes no {kind} here: {error}")
    assert has_several_pictures(output.getvalue())
    if kind != "GIF":
        assert not has_several_pictures(written(kind))


@pytest.mark.parametrize(
    "data", [b"", b"\0" * 100, b"words, " * 100, b"\xff\xd8\xff", b"\0\0\0\x18ftypheic", b"II*\0", b"RIFF"]
)
def test_what_is_no_picture_is_refused(data):
    is_heif(data)
    has_several_pictures(data)
    with pytest.raises(FrameError):
        decode_picture(data)
