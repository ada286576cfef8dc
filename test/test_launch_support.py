"""What launch files are given becomes cameras, robots and settings, or a sentence."""

import pytest

from facetrack_ros.errors import ConfigError
from facetrack_ros.launch_support import (
    NODES,
    SETTINGS,
    cameras_of,
    default_text,
    given_settings,
    nodes_apart,
    optional_nodes,
    robots_of,
    sources_and_topics,
)


@pytest.fixture
def config(tmp_path):
    def write(text):
        file = tmp_path / "settings.yaml"
        file.write_text(text)
        return file

    return write


def test_cameras_with_and_without_a_source(config):
    assert cameras_of("front=0 rear", "unread.yaml") == (["front", "rear"], ["front=0"])


def test_cameras_of_the_file_where_none_are_given(config):
    assert cameras_of("", config("/**:\n  ros__parameters:\n    sources: [front=0, rear=a.mp4]\n")) == (
        ["front", "rear"],
        ["front=0", "rear=a.mp4"],
    )
    assert cameras_of(" ", config("/**:\n  ros__parameters:\n    cameras: [left, right]\n")) == (["left", "right"], [])
    assert cameras_of(
        "", config("/**:\n  ros__parameters:\n    mesh: /m\n/robot1/history:\n  ros__parameters: {mesh: /n}\n")
    ) == (["front"], [])


def test_a_topic_as_source_is_a_parameter(config):
    file = config("/**:\n  ros__parameters:\n    camera: {topics: 'left=/left/image rear=/old'}\n")
    assert sources_and_topics(["front=0", "rear=/camera/image"], file) == (
        ["front=0"],
        {"camera.topics": "left=/left/image rear=/camera/image"},
    )
    assert sources_and_topics(["front=0"], "unread.yaml") == (["front=0"], {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("detector: {model: auto}", "ros__parameters"),
        ("- list", "settings by name"),
        ("/**:\n  ros__parameters:\n    sources: front=0\n", "list of texts"),
    ],
)
def test_a_file_that_ros_would_not_read_is_told(config, text, expected):
    with pytest.raises(ConfigError, match=expected):
        cameras_of("", config(text))


def test_robots_and_their_cameras():
    assert robots_of("r1/front=0 r1/rear=a/b.mp4 r2/front") == {"r1": "front=0 rear=a/b.mp4", "r2": "front"}
    for wrong in ("", "front=0", "r1/", "r 1/front=0", "9/front=0"):
        with pytest.raises(ConfigError):
            robots_of(wrong)


def test_optional_nodes_are_named_once_each():
    assert optional_nodes("", True) == []
    assert (
        optional_nodes("markers,humans, markers", True)
        == optional_nodes("markers humans", True)
        == ["markers", "humans"]
    )
    with pytest.raises(
        ConfigError, match=r"no additional node marker.*markers, detections_2d, external_detector, humans"
    ):
        optional_nodes("marker", True)


def test_another_detector_takes_the_place_of_ours_which_it_cannot_within_one_process():
    assert nodes_apart(["markers"]) == [*NODES, "markers"]
    assert nodes_apart(optional_nodes("external_detector", False)) == [
        *(name for name in NODES if name != "detector"),
        "external_detector",
    ]
    with pytest.raises(ConfigError, match="composed:=false"):
        optional_nodes("external_detector", True)


def test_only_settings_that_differ_go_before_the_file():
    usual = {name: default_text(name) for name in SETTINGS}
    assert given_settings(usual) == {}
    assert given_settings({**usual, "autostart": "False", "mesh": "/m"}) == {"autostart": False, "mesh": "/m"}
    with pytest.raises(ConfigError, match="autostart must be true or false"):
        given_settings({**usual, "autostart": "maybe"})
