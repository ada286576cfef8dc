"""When a recording began: as the user says, or as its file states, with what was assumed."""

import os

import av
import pytest

from facetrack_ros.errors import SourceError
from facetrack_ros.sources.factory import open_source
from facetrack_ros.sources.start_time import GivenTimes, default_start, start_times

START_NS = 1_700_000_000_000_000_000
LATER_NS = START_NS + 10**12
SECOND_NS = 10**9


def seconds(start):
    return start.stamp_ns / SECOND_NS


def write_tagged(path, write_film, tags):
    """A film of two seconds with tags in its container, as QuickTime stores them."""
    write_film(path.with_name("plain.mp4"), range(0, 2000, 100))
    with (
        av.open(str(path.with_name("plain.mp4"))) as plain,
        av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as tagged,
    ):
        tagged.metadata.update(tags)
        template = plain.streams.video[0]
        new = hasattr(tagged, "add_stream_from_template")  # PyAV 14
        stream = tagged.add_stream_from_template(template) if new else tagged.add_stream(template=template)
        for packet in plain.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                tagged.mux(packet)
    return path


def test_the_creation_time_is_the_begin(real_data, tmp_path, write_film):
    start = default_start(real_data("clips/epfl_lab_camA_Double1.mp4"))
    assert start.stamp_ns == 1_593_425_930_000_000_000
    assert "its creation_time, taken as the begin" in start.note
    film = write_film(tmp_path / "film.mp4", [0, 40], creation_time="2024-03-05T06:07:08.250000Z")
    assert int(seconds(default_start(film))) == 1_709_618_828


def test_the_creation_time_of_an_android_phone_is_the_end(tmp_path, write_film):
    tags = {"creation_time": "2024-03-05T06:07:08Z", "com.android.version": "14"}
    start = default_start(write_tagged(tmp_path / "phone.mp4", write_film, tags))
    assert seconds(start) == pytest.approx(1_709_618_828 - 2, abs=0.2)
    assert "Android writes at the end" in start.note


def test_an_iphone_states_its_begin(tmp_path, write_film):
    tags = {"creation_time": "2024-03-05T09:00:00Z", "com.apple.quicktime.creationdate": "2024-03-05T07:07:08+0100"}
    start = default_start(write_tagged(tmp_path / "phone.mov", write_film, tags))
    assert seconds(start) == 1_709_618_828
    assert "creationdate" in start.note


@pytest.mark.parametrize("creation_time", [None, "1970-01-01T00:00:00Z"])
def test_without_a_believable_creation_time_the_file_was_written_at_the_end(tmp_path, write_film, creation_time):
    film = write_film(tmp_path / "film.mp4", range(0, 2000, 100), creation_time=creation_time)
    os.utime(film, ns=(START_NS, START_NS))
    start = default_start(film)
    assert seconds(start) == pytest.approx(START_NS / SECOND_NS - 2, abs=0.2)
    assert "modification time, taken as the end" in start.note


def test_the_start_of_a_folder_is_its_first_pictures(tmp_path):
    for name, stamp_ns in (("10.jpg", START_NS + 5), ("9.jpg", START_NS)):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, ns=(stamp_ns, stamp_ns))
    assert default_start(tmp_path).stamp_ns == START_NS


def test_the_start_of_what_is_not_there_is_a_sentence(tmp_path):
    with pytest.raises(SourceError, match="cannot be read"):
        default_start(tmp_path / "nothing")


def test_a_start_and_an_end_can_be_given_for_each_camera(tmp_path, write_film):
    cameras = {name: str(write_film(tmp_path / f"{name}.mp4", [0, 100, 500])) for name in ("left", "right", "rear")}
    sources = {name: open_source(text) for name, text in cameras.items()}
    found = start_times(cameras, sources, GivenTimes({"": START_NS, "left": LATER_NS}, {"rear": START_NS}))
    assert found["left"].stamp_ns == LATER_NS
    assert found["right"].stamp_ns == START_NS
    assert found["rear"].stamp_ns == START_NS - 500_000_000
    assert not any(start.note for start in found.values())


@pytest.mark.parametrize(
    ("starts", "ends", "says"),
    [
        ({"": START_NS}, {"": START_NS}, "not both"),
        ({"left": START_NS}, {"left": START_NS}, "not both"),
        ({"nose": START_NS}, {}, "no camera nose"),
    ],
)
def test_times_that_do_not_fit_are_refused(tmp_path, write_film, starts, ends, says):
    cameras = {"left": str(write_film(tmp_path / "left.mp4", [0, 100]))}
    with open_source(cameras["left"]) as source, pytest.raises(SourceError, match=says):
        start_times(cameras, {"left": source}, GivenTimes(starts, ends))
