"""``facetrack search``: which robot saw this face, when, and where."""

import argparse
from functools import partial

from facetrack_ros.cli.arguments import seconds
from facetrack_ros.cli.audit.operator import add_operator_arguments
from facetrack_ros.cli.exit_codes import DONE, NOTHING_FOUND, PARTIAL
from facetrack_ros.cli.mesh_option import add_mesh_argument
from facetrack_ros.cli.time_format import TIME_HELP, parse_time
from facetrack_ros.errors import RequestError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    add, reference = parser.add_argument, parser.add_mutually_exclusive_group(required=True)
    reference.add_argument("--image", metavar="FILE", help="a picture of the person")
    reference.add_argument("--person", metavar="ID", help="a person, such as p_robot1_3, or an enrolled name")
    reference.add_argument("--name", metavar="NAME", help="an enrolled person")
    add("--face", type=int, default=0, metavar="N", help="which of several faces in --image, from the left, from 1 on")
    add("--at", metavar="TIME", help=f"middle of the time range; needs --window: {TIME_HELP}")
    add("--window", type=seconds, default=0.0, metavar="S", help="seconds before and after --at")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--robot",
        metavar="NAME",
        help="robot that searches all robots, and whose word counts for them; default: every robot is asked here",
    )
    where.add_argument("--data", metavar="DIR", help="stored histories instead of the mesh, one folder per robot")
    add(
        "--send-picture",
        action="store_true",
        help="with --robot: send it the picture, where this machine lacks the model; default: the face's embedding",
    )
    add_mesh_argument(parser)
    add_several = partial(add, action="append", default=[])
    add_several("--seen-by", metavar="ROBOT", help="search only this robot's history; may be given several times")
    add_several("--camera", metavar="NAME", help="only this one; may be given several times")
    add(
        "--rescan",
        action="store_true",
        help="also analyse stored frames in which no face was found, newest first, until --timeout",
    )
    add("--limit", type=int, default=0, metavar="N", help="most matches; default: 20")
    level = parser.add_mutually_exclusive_group()
    level.add_argument(
        "--operating-point",
        default="",
        metavar="NAME",
        help="threshold by its false-match rate: strict (1 in 100,000), balanced (1 in 10,000) or wide (1 in 1,000); "
        "default: the setting backtrack_search.operating_point; see facetrack models show MODEL",
    )
    level.add_argument("--threshold", type=float, default=0.0, metavar="X", help="lowest similarity, as a number")
    add("--timeout", type=seconds, default=2.0, metavar="S", help="longest wait for the robots")
    add("--config", metavar="FILE", help="settings, a YAML file: models, thresholds")
    add_operator_arguments(parser)
    add(
        "--out",
        metavar="DIR",
        help="folder for index.html, a page to look at, answer.json, timeline.png and the thumbnails",
    )
    add("--frames", action="store_true", help="with --out: also save each match's frame")
    add("--clips", action="store_true", help="with --out: also save a clip of each visit, mp4")
    add("--live", action="store_true", help="print each robot's response as it arrives (not with --data)")
    add("--json", action="store_true", help="print one JSON object instead of a table")


def run(arguments: argparse.Namespace) -> int:
    """Search, print, and return 0: matches, 1: none, 3: partial."""
    _check(arguments)
    from facetrack_ros.cli.search_output import print_outcome
    from facetrack_ros.search.numbered_faces import numbered_faces
    from facetrack_ros.search.reference_image import read_picture

    image = read_picture(arguments.image) if arguments.image else b""
    time_ns = parse_time(arguments.at) if arguments.at else 0
    window_ns = round(arguments.window * 1e9)
    if arguments.data:
        from facetrack_ros.cli.search_stored import search
    else:
        from facetrack_ros.cli.search_mesh import search
    with numbered_faces([(arguments.image, image)] if image else [], arguments.out):
        outcome = search(arguments, image, time_ns, window_ns)
    time_range = (time_ns - window_ns, time_ns + window_ns) if arguments.at else (None, None)
    print_outcome(arguments, outcome, image, time_range)
    if not outcome.response.complete:
        return PARTIAL
    return DONE if outcome.response.matches else NOTHING_FOUND


def _check(arguments: argparse.Namespace) -> None:
    if bool(arguments.at) != bool(arguments.window):
        raise RequestError("--at and --window belong together: --at 2026-05-01T14:30:00 --window 60")
    if (arguments.frames or arguments.clips) and not arguments.out:
        raise RequestError("--frames and --clips need a folder: --out DIR")
    if arguments.live and arguments.data:
        raise RequestError("--live is for running robots, not for --data")
    if arguments.send_picture and not (arguments.robot and arguments.image):
        raise RequestError("--send-picture needs --image, and --robot NAME: the robot that gets the picture")
    if arguments.face and not arguments.image:
        raise RequestError("--face chooses a face of a picture: give --image too")
    if arguments.face < 0:
        raise RequestError("--face is a number from 1 on, counted from the left")
    if arguments.limit < 0:
        raise RequestError("--limit is a number of matches: give 1 or more")
    if arguments.window < 0:
        raise RequestError("--window is a length: give seconds above 0")
