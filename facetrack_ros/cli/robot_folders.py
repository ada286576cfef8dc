"""Finds the robots of stored histories."""

from pathlib import Path

from facetrack_ros.errors import ConfigError
from facetrack_ros.history.layout import RobotFolder, history_folders


def robot_folders(data_dir: Path | str, robot: str | None = None) -> list[RobotFolder]:
    """The robot folders below ``--data``, or the one of ``--robot``.

    :raises ConfigError: there is none.
    :raises StoreError: there is no such data folder.
    """
    return _wanted(history_folders(data_dir), data_dir, robot)


def robot_notes(data_dir: Path | str, robot: str | None = None) -> list[RobotFolder]:
    """As :func:`robot_folders`, also where folders are encrypted and their key is not at hand."""
    return _wanted(history_folders(data_dir, unlocked=False), data_dir, robot)


def _wanted(folders: list[RobotFolder], data_dir: Path | str, robot: str | None) -> list[RobotFolder]:
    wanted = [folder for folder in folders if robot in (None, folder.robot_id)]
    if not wanted:
        others = f", only {', '.join(folder.robot_id for folder in folders)}" if folders else ""
        raise ConfigError(f"there is no robot{f' {robot}' if robot else ''} below {data_dir}{others}")
    return wanted


def usable(folder: RobotFolder) -> RobotFolder:
    """The folder itself.

    :raises ConfigError: it cannot be used.
    """
    if folder.error:
        raise ConfigError(folder.error)
    return folder
