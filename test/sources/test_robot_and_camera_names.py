"""Names of robots and cameras: what other robots would refuse is refused at the start, with a sentence."""

import pytest

from facetrack_ros.core.validation import LONGEST_NAME, ros_name
from facetrack_ros.errors import ConfigError
from facetrack_ros.history.layout import history_folders, robot_folder
from facetrack_ros.sources.camera_spec import check_name, parse_cameras


@pytest.mark.parametrize("name", ["robot1", "R", "front_left", "x" * LONGEST_NAME])
def test_names_that_start_are_taken_by_peers(name):
    assert check_name("robot", name) == name == ros_name(name, "robot")


@pytest.mark.parametrize(
    "name", ["", "1robot", "_r", "robot-1", "ro bot", "röbot", "x" * (LONGEST_NAME + 1), "x" * 300, "\x1b[2J"]
)
def test_other_names_are_refused_with_a_sentence(name):
    with pytest.raises(ConfigError, match="letters, digits and underscores") as refused:
        check_name("robot", name)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 200
    with pytest.raises(ConfigError):
        parse_cameras([f"{name}=0"])


def test_a_folder_of_an_earlier_version_with_a_longer_name_is_still_read(tmp_path):
    path = robot_folder(tmp_path, "robot1")
    name = "x" * 100
    (path / "robot.json").write_text((path / "robot.json").read_text().replace("robot1", name))
    (folder,) = history_folders(tmp_path)
    assert (folder.robot_id, folder.error) == (name, "")
