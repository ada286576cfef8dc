"""A bag that is written is read again, to the byte and the nanosecond."""

import pytest

from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.errors import SourceError
from facetrack_ros.sources.bag import BagSource
from facetrack_ros.sources.bag_writer import STORAGES, BagWriter

START_NS = 1_700_000_000_123_456_789


@pytest.mark.parametrize("storage", STORAGES)
def test_what_is_written_is_read(tmp_path, picture, storage):
    jpegs = [encode_jpeg(picture(number)) for number in range(3)]
    with BagWriter(tmp_path / "new" / "bag", storage) as bag:
        for number, jpeg in enumerate(jpegs):
            bag.write(
                "/robot1/front/image/compressed", Frame("front", START_NS + number, number, jpeg, "front_optical")
            )
            bag.write("/robot1/rear/image/compressed", Frame("rear", START_NS + number, number, jpeg))
    found = list(BagSource(tmp_path / "new" / "bag", "/robot1/front/image/compressed"))
    assert [(one.jpeg, one.stamp_ns, one.frame_id) for one in found] == [
        (jpeg, START_NS + number, "front_optical") for number, jpeg in enumerate(jpegs)
    ]
    assert len(list(BagSource(tmp_path / "new" / "bag", "/robot1/rear/image/compressed"))) == 3


def test_a_bag_is_never_written_over(tmp_path):
    (tmp_path / "bag").mkdir()
    with pytest.raises(SourceError, match="is there already"):
        BagWriter(tmp_path / "bag")


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="cannot be written"):
        BagWriter(tmp_path / "file" / "bag")
