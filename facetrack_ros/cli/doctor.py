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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    add = parser.add_argument
    add("--robot", metavar="NAME", help="name that a robot is to have: whether another one has it")
    add("--camera", action="append", default=[], metavar="NAME=SOURCE", help="open this camera and read a picture")
    add("--config", metavar="FILE", help="settings, a YAML file")
    add_mesh_argument(parser)
    add("--data", metavar="DIR", help="folder for histories, one folder per robot")
    add("--json", action="store_true", help="one JSON object per finding and line")


def run(arguments: argparse.Namespace) -> int:
    """Print a line a finding, with what to do where something is wrong; return 0, or 1 if there is an error."""
    os.environ["FACETRACK_DOWNLOAD"] = "0"
    levels = []
    for finding in _findings(arguments):
        levels.append(finding.level)
        if arguments.json:
            print(json.dumps(dataclasses.asdict(finding)), flush=True)
            continue
        mark = "ok     " if finding.level == OK else f"{finding.level.upper():7}"
        print(f"{mark} {finding.subject}: {finding.sentence}", flush=True)
        if finding.advice:
            print(f"        -> {finding.advice}", flush=True)
    return NOTHING_FOUND if ERROR in levels else DONE


def _findings(arguments: argparse.Namespace) -> Iterator[CheckResult]:
    if arguments.robot:
        check_name("robot", arguments.robot)
    config, mesh = Config.load(arguments.config), mesh_prefix(arguments)
    cameras = parse_cameras(arguments.camera or list(config.sources))
    if arguments.data:
        config = config.changed({"data_dir": arguments.data})
    here = []
    for finding in check_machine():
        here.append(finding)
        yield finding
    if any(finding.level == ERROR and finding.subject == "packages" for finding in here):
        return  # the rest needs them
    from facetrack_ros.cli.checks.robot import check_camera, check_data, check_models

    yield from check_models(config)
    yield from check_data(config)
    for name, source in cameras.items():
        yield check_camera(name, source)
    if all(finding.level == OK for finding in here if finding.subject == "ROS 2"):
        from facetrack_ros.cli.checks.mesh import check_mesh

        yield from check_mesh(mesh, arguments.robot or "")
