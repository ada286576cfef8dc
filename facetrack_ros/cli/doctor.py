"""``facetrack doctor``: checks machine, models, data folder, cameras and mesh, and says what to do."""

import argparse
import dataclasses
import json
import os
from collections.abc import Iterator

from facetrack_ros.cli.checks.check_result import ERROR, OK, CheckResult
from facetrack_ros.cli.checks.machine import check_machine
from facetrack_ros.cli.exit_codes import DONE, NOTHING_FOUND
from facetrack_ros.cli.mesh_option import add_mesh_argument, mesh_prefix
from facetrack_ros.config import Config
from facetrack_ros.sources.camera_spec import check_name, parse_cameras
from facetrack_ros.sources.topic import split_topics


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    add = parser.add_argument
    add("--robot", metavar="NAME", help="name that a robot is to have: whether another one has it")
    add("--camera", action="append", default=[], metavar="NAME=SOURCE", help="read a picture of this camera or topic")
    add("--config", metavar="FILE", help="settings, a YAML file")
    add_mesh_argument(parser)
    add("--data", metavar="DIR", help="folder for histories, one folder per robot")
    add("--json", action="store_true", help="one JSON object a check and line")


def run(arguments: argparse.Namespace) -> int:
    """Print a line a check, with what to do where something is wrong; return 0, or 1 if there is an error."""
    os.environ["FACETRACK_DOWNLOAD"] = "0"
    levels = []
    for result in _results(arguments):
        levels.append(result.level)
        if arguments.json:
            print(json.dumps(dataclasses.asdict(result)), flush=True)
            continue
        mark = "ok     " if result.level == OK else f"{result.level.upper():7}"
        print(f"{mark} {result.subject}: {result.sentence}", flush=True)
        if result.advice:
            print(f"        -> {result.advice}", flush=True)
    return NOTHING_FOUND if ERROR in levels else DONE


def _results(arguments: argparse.Namespace) -> Iterator[CheckResult]:
    if arguments.robot:
        check_name("robot", arguments.robot)
    config, mesh = Config.load(arguments.config), mesh_prefix(arguments)
    cameras, topics = split_topics(parse_cameras(arguments.camera or list(config.sources)))
    if arguments.data:
        config = config.changed({"data_dir": arguments.data})
    here = []
    for result in check_machine():
        here.append(result)
        yield result
    if any(result.level == ERROR and result.subject == "packages" for result in here):
        return  # the rest needs them
    from facetrack_ros.cli.checks.robot import check_camera, check_data, check_models

    yield from check_models(config)
    yield from check_data(config)
    for name, source in cameras.items():
        yield check_camera(name, source)
    if all(result.level == OK for result in here if result.subject == "ROS 2"):
        from facetrack_ros.cli.checks.mesh import check_domain, check_mesh
        from facetrack_ros.cli.checks.topic import check_topic

        yield from check_domain()
        for name, topic in topics.items():
            yield check_topic(name, topic, config)
        yield from check_mesh(mesh, arguments.robot or "")
