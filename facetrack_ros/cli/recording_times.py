"""The ``--start`` and ``--end`` of commands that read recordings."""

import argparse
import re

from facetrack_ros.cli.time_format import TIME_HELP, parse_time
from facetrack_ros.errors import ConfigError
from facetrack_ros.sources.start_time import GivenTimes

_OF_CAMERA = re.compile(r"([A-Za-z][A-Za-z0-9_]*)=(.*)")


def add_time_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--start`` and ``--end``."""
    for name, frame in (("start", "first"), ("end", "last")):
        parser.add_argument(
            f"--{name}",
            action="append",
            default=[],
            metavar="[NAME=]TIME",
            help=f"time of the {frame} frame, of all cameras or of one; default: as the recording states; {TIME_HELP}",
        )


def given_times(arguments: argparse.Namespace) -> GivenTimes:
    """The times on the command line.

    :raises ConfigError: not a time, or one given twice.
    """
    return GivenTimes(_by_camera("--start", arguments.start), _by_camera("--end", arguments.end))


def _by_camera(option: str, texts: list[str]) -> dict[str, int]:
    times: dict[str, int] = {}
    for text in texts:
        found = _OF_CAMERA.fullmatch(text)
        camera, time = found.groups() if found else ("", text)
        if camera in times:
            raise ConfigError(f"{option} is given twice for {camera or 'all cameras'}")
        times[camera] = parse_time(time)
    return times
