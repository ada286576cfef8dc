"""The folders that a robot's files are in: its own, and those that the settings name for frames and events."""

import argparse
from pathlib import Path

from facetrack_ros.cli.robot_folders import robot_notes
from facetrack_ros.config import Config, optional_path
from facetrack_ros.errors import StoreError
from facetrack_ros.history.layout import RobotFolder


def add_folder_arguments(parser: argparse.ArgumentParser, one_robot: bool) -> None:
    """Add the arguments that say whose files are meant.

    :param one_robot: whether a robot must be named.
    """
    add = parser.add_argument
    add("--data", required=True, metavar="DIR", help="folder of histories, one folder per robot")
    text = "the robot; it must not be running" if one_robot else "this robot only; none may be running"
    add("--robot", required=one_robot, metavar="NAME", help=text)
    add("--config", metavar="FILE", help="settings that name the key, and folders of frames and events elsewhere, YAML")


def chosen_folders(arguments: argparse.Namespace) -> list[RobotFolder]:
    """The folders of the robots that are meant, those of frames and events elsewhere too. No key is needed for it.

    :raises StoreError: there is none, or one cannot be used.
    """
    config = Config.load(arguments.config)
    found = robot_notes(arguments.data, arguments.robot)
    places = [optional_path(config.frame_history.disk_cache_dir), optional_path(config.event_logging.dir)]
    elsewhere = [
        each
        for place in places
        if place is not None
        for folder in found
        if (place / folder.robot_id / "robot.json").is_file()
        for each in robot_notes(place, folder.robot_id)
    ]
    folders: dict[Path, RobotFolder] = {}
    for folder in (*found, *elsewhere):
        if folder.error:
            raise StoreError(folder.error)
        folders[folder.path.resolve()] = folder
    return list(folders.values())
