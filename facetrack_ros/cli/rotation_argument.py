"""The argument ``--rotation`` of commands that read cameras."""

import argparse

from facetrack_ros.config import Config


def add_rotation_argument(parser: argparse.ArgumentParser) -> None:
    """Add the argument."""
    parser.add_argument(
        "--rotation",
        action="append",
        metavar="[NAME=]DEGREES",
        help="degrees clockwise by which pictures are turned: 0, 90, 180, 270 or auto; default: camera.rotation",
    )


def with_rotation(config: Config, arguments: argparse.Namespace) -> Config:
    """The settings, with ``camera.rotation`` as the command line gives it."""
    return config.changed({"camera.rotation": " ".join(arguments.rotation)}) if arguments.rotation else config
