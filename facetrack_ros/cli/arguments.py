"""Types of command line arguments."""

import argparse

from facetrack_ros.cli.time_format import length_s
from facetrack_ros.config import Config

#: Longest time that an argument may give, seconds: 30 years.
LONGEST_S = 1e9


def seconds(text: str) -> float:
    """A number of seconds, also with a unit (``90s``, ``10m``, ``1h30m``); finite, so that it converts to nanoseconds.

    :raises argparse.ArgumentTypeError: it is none.
    """
    try:
        value = length_s(text)
        value = float(text) if value is None else value
    except ValueError:
        value = float("nan")
    if not abs(value) <= LONGEST_S:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds up to {LONGEST_S:.0f}, nor one such as 10m")
    return value


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
