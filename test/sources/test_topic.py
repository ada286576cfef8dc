"""Which SOURCE texts name a ROS topic."""

import pytest

from facetrack_ros.sources.topic import split_topics, topic_of, with_topics


def test_an_absolute_name_is_a_topic_unless_it_exists_as_a_path(tmp_path, monkeypatch):
    monkeypatch.setenv("CAMERA", "color")
    assert topic_of("/camera/color/image_raw") == "/camera/color/image_raw"
    assert topic_of("/camera/${CAMERA}/image_raw") == "/camera/color/image_raw"
    assert topic_of("/image") == "/image"
    assert topic_of(str(tmp_path)) == ""


@pytest.mark.parametrize(
    "text",
    ["0", "/dev/video0", "/dev/video_of_mine", "clip.mp4", "/no/clip.mp4", "/a//b", "/a/", "/", "/1/a", "rtsp://a"],
)
def test_other_sources_are_no_topics(text):
    assert topic_of(text) == ""


def test_sources_and_topics_are_told_apart():
    assert split_topics({"front": "0", "rear": "/rear/image"}) == ({"front": "0"}, {"rear": "/rear/image"})


def test_a_topic_replaces_that_of_the_settings():
    assert with_topics("front=/a rear=/b", {"rear": "/c"}) == "front=/a rear=/c"
    assert with_topics("front=/a", {}) == "front=/a"
