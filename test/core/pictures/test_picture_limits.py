"""No picture takes more memory than its purpose allows, whatever its header or its data claims."""

import pytest
from odd_pictures import CLAIMS, OTHERS, SMALL, bombs, mutated, small
from peak_memory import peaks

from facetrack_ros.core.pictures.decoding import check_picture, decode, decode_picture
from facetrack_ros.core.pictures.picture_header import read_header
from facetrack_ros.core.pictures.picture_limits import FRAME, REFERENCE, THUMBNAIL
from facetrack_ros.errors import FrameError

MOST_MB = 100
_DECODE = """
import pathlib
from facetrack_ros.core.pictures.decoding import decode, decode_picture
from facetrack_ros.core.pictures.picture_limits import FRAME, REFERENCE, THUMBNAIL
small = pathlib.Path(sys.argv[2]).read_bytes()
for warm in (decode(small), decode_picture(small)): pass
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    data = path.read_bytes()
    for name, limits in (("frame", FRAME), ("reference", REFERENCE), ("thumbnail", THUMBNAIL)):
        results[f"{path.name}, {name}"] = measure(lambda: str(decode_picture(data, limits).shape))
        plainly = lambda: str(getattr(decode(data, limits=limits), "shape", None))
        results[f"{path.name}, {name}, plainly"] = measure(plainly)
"""


@pytest.mark.parametrize("limits", [FRAME, REFERENCE, THUMBNAIL])
@pytest.mark.parametrize("kind", CLAIMS)
def test_a_header_that_claims_too_much_is_refused_with_the_size(kind, limits):
    data = CLAIMS[kind](20_000, 20_000)
    assert len(data) < 2_000
    with pytest.raises(FrameError, match=r"it is \d+x\d+ pixels"):
        decode_picture(data, limits)
    assert decode(data, limits=limits) is None


@pytest.mark.parametrize("kind", CLAIMS)
def test_the_header_states_the_size(kind):
    header = read_header(CLAIMS[kind](1234, 567))
    assert (header.width, header.height) == (1234, 567)


@pytest.mark.parametrize("kind", OTHERS)
def test_kinds_whose_size_is_not_known_before_decoding_are_refused(kind):
    with pytest.raises(FrameError, match="no picture that can be read"):
        decode_picture(OTHERS[kind](64, 48))


@pytest.mark.parametrize("kind", SMALL)
def test_honest_pictures_are_read(kind):
    data = small(kind)
    for limits in (FRAME, REFERENCE, THUMBNAIL):
        assert check_picture(data, limits).pixels == 48 * 32
        assert decode_picture(data, limits).shape == (32, 48, 3)


def test_a_large_photograph_is_read_smaller(tmp_path):
    import cv2
    import numpy as np

    image = np.zeros((9_000, 12_000), np.uint8)  # 108 megapixels
    image[:4_500] = 200
    data = cv2.imencode(".jpg", image)[1].tobytes()
    shown = decode_picture(data, REFERENCE)
    assert shown.shape == (2_250, 3_000, 3)
    assert shown[:1000].mean() > 190 > 10 > shown[1200:].mean()
    with pytest.raises(FrameError, match="12000x9000 pixels, and at most 36 megapixels"):
        decode_picture(data, FRAME)


def test_peak_memory_of_bad_pictures(tmp_path):
    folder = tmp_path / "bad"
    folder.mkdir()
    for number, (name, data) in enumerate([*bombs(), *((kind, CLAIMS[kind](5_000, 5_000)) for kind in CLAIMS)]):
        (folder / f"{number:02} {name}").write_bytes(data)
    (tmp_path / "small.jpg").write_bytes(small("jpg"))
    found = peaks(_DECODE, folder, tmp_path / "small.jpg", timeout=300)
    assert len(found) >= 6 * len(CLAIMS)
    print({name: (round(peak), shape) for name, (peak, shape) in found.items() if peak > 30})
    allowed = {"reference": MOST_MB, "thumbnail": 10, "frame": FRAME.max_memory / 1e6 + 5}
    over = {
        name: (peak, what)
        for name, (peak, what) in found.items()
        if peak > allowed[name.split(", ")[-1 - name.endswith("plainly")]]
    }
    assert not over
    assert not any("MemoryError" in what for _, what in found.values())


@pytest.mark.parametrize("kind", SMALL)
def test_mutated_pictures_are_read_or_refused_in_little_memory(kind, tmp_path):
    folder = tmp_path / "mutated"
    folder.mkdir()
    for number, data in enumerate(mutated(small(kind), 100, seed=20)):
        (folder / str(number)).write_bytes(data)
    (tmp_path / "small.jpg").write_bytes(small("jpg"))
    found = peaks(_DECODE, folder, tmp_path / "small.jpg")
    errors = {what for _, what in found.values() if ":" in what and not what.startswith("FrameError: ")}
    assert not errors
    assert max(peak for peak, _ in found.values()) < MOST_MB
