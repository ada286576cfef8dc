"""Offline, a source becomes the same frames each time: rising stamps, numbers from 0, encoded once."""

import numpy as np
import pytest

from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.errors import SourceError
from facetrack_ros.sources.factory import open_source
from facetrack_ros.sources.source import FrameSource, Picture
from facetrack_ros.sources.stamped_frames import stamped_frames

START_NS = 1_700_000_000_000_000_000


class ListSource(FrameSource):
    def __init__(self, pictures, live=False):
        super().__init__("a list")
        self._pictures = pictures
        self.live = live

    def _read_pictures(self):
        return iter(self._pictures)


def test_frames_are_stamped_from_the_start_and_numbered_from_0(picture):
    jpeg = encode_jpeg(picture())
    source = ListSource([Picture(offset, jpeg=jpeg) for offset in (0, 80, 170)])
    found = list(stamped_frames(source, "front", START_NS))
    assert [frame.stamp_ns - START_NS for frame in found] == [0, 80, 170]
    assert [frame.number for frame in found] == [0, 1, 2]
    assert {frame.camera_id for frame in found} == {"front"}
    assert all(frame.jpeg is jpeg for frame in found)


def test_repeated_and_backward_stamps_are_corrected_and_told(picture):
    jpeg = encode_jpeg(picture())
    source = ListSource([Picture(0, stamp * 10**6, jpeg) for stamp in (10, 20, 30, 30, 40, 10, 20)])
    found = list(stamped_frames(source, "front"))
    assert [frame.stamp_ns // 10**6 for frame in found] == [10, 20, 30, 35, 40, 50, 60]
    assert [frame.number for frame in found] == list(range(7))
    assert not source.unused
    assert len(source.notes) == 2


def test_a_start_holds_for_the_first_frame_also_where_its_own_time_is_wild(picture):
    jpeg = encode_jpeg(picture())
    source = ListSource([Picture(offset, jpeg=jpeg) for offset in (0, -5_000_000_000, -4_900_000_000, -4_800_000_000)])
    found = [frame.stamp_ns - START_NS for frame in stamped_frames(source, "front", START_NS)]
    assert found == [0, 100_000_000, 200_000_000, 300_000_000]


def test_a_start_that_is_given_replaces_the_stamps_of_a_bag(picture):
    source = ListSource([Picture(offset, 500 + offset, encode_jpeg(picture())) for offset in (0, 7)])
    assert [frame.stamp_ns for frame in stamped_frames(source, "front", START_NS)] == [START_NS, START_NS + 7]


def test_pixels_are_encoded_at_the_quality_asked_for(picture):
    source = ListSource([Picture(0, image=picture())])
    low, high = (next(stamped_frames(source, "front", START_NS, quality)).jpeg for quality in (20, 95))
    assert high == encode_jpeg(picture(), 95)
    assert len(low) < len(high)


def test_without_any_time_a_start_is_asked_for(picture):
    with pytest.raises(SourceError, match="give a start time"):
        list(stamped_frames(ListSource([Picture(0, image=picture())]), "front"))


def test_a_live_source_has_no_place_offline():
    with pytest.raises(SourceError, match="is live"):
        list(stamped_frames(ListSource([], live=True), "front", START_NS))


def test_reading_a_real_film_twice_gives_the_same_bytes(real_data):
    with open_source(str(real_data("clips/epfl_lab_camA_Double1.mp4"))) as source:
        first, second = (
            [(frame.stamp_ns, frame.jpeg) for frame in stamped_frames(source, "front", START_NS)] for _ in "ab"
        )
    assert len(first) == 98
    assert first == second


def test_pixels_of_a_frame_decode_to_what_was_shown(picture):
    frame = next(stamped_frames(ListSource([Picture(0, image=picture())]), "front", START_NS))
    assert np.abs(frame.image.astype(int) - picture()).mean() < 5
