"""Names compare in NFC and sort as people count."""

from pathlib import Path

import pytest

from facetrack_ros.core.names import existing_path, natural_key

COMPOSED, DECOMPOSED = "Ren\u00e9", "Rene\u0301"


def test_numbers_in_names_count():
    names = ["10.jpg", "9.jpg", "img2.png", "IMG10.png", "img1.png", "a.jpg", "007.jpg", "7.jpg", "1_10.jpg", "1_9.jpg"]
    wanted = [
        "1_9.jpg",
        "1_10.jpg",
        "007.jpg",
        "7.jpg",
        "9.jpg",
        "10.jpg",
        "a.jpg",
        "img1.png",
        "img2.png",
        "IMG10.png",
    ]
    assert [path.name for path in sorted(map(Path, names), key=natural_key)] == wanted


@pytest.mark.parametrize(("stored", "typed"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
def test_a_path_is_found_in_the_other_form_of_unicode(tmp_path, stored, typed):
    (tmp_path / stored).write_bytes(b"")
    assert existing_path(str(tmp_path / typed)).exists()
    assert existing_path(str(tmp_path / "Anna")) == tmp_path / "Anna"
