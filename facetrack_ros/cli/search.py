"""``facetrack search``: which robot saw this face, when, and where."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from facetrack_ros.cli.time_format import parse_iso
from facetrack_ros.errors import ReferenceFaceError, RequestError
from facetrack_ros.search.response import SearchResponse

if TYPE_CHECKING:
    from facetrack_ros.search.camera_coverage import CameraCoverage
    from facetrack_ros.search.report.evidence import FramesOf


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    reference = parser.add_mutually_exclusive_group(required=True)
    reference.add_argument("--image", metavar="FILE", help="a picture with one face")
    reference.add_argument("--person", metavar="ID", help="a person, such as p_robot1_3, or an enrolled name")
    reference.add_argument("--name", metavar="NAME", help="an enrolled person")
    parser.add_argument("--at", metavar="ISO8601", help="middle of the time range; needs --window")
    parser.add_argument("--window", type=float, default=0.0, metavar="S", help="seconds before and after --at")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--robot", metavar="NAME", help="robot that gets the request and searches all robots; default: the first found"
    )
    where.add_argument("--data", metavar="DIR", help="stored histories instead of the mesh, one folder per robot")
    parser.add_argument(
        "--seen-by",
        action="append",
        default=[],
        metavar="ROBOT",
        help="search only this robot's history; may be given several times",
    )
    parser.add_argument(
        "--camera", action="append", default=[], metavar="NAME", help="only this one; may be given several times"
    )
    parser.add_argument(
        "--rescan",
        action="store_true",
        help="also analyse stored frames in which no face was found, newest first, until --timeout",
    )
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="most matches; default: 20")
    parser.add_argument(
        "--threshold", type=float, default=0.0, metavar="X", help="lowest similarity; default: the model's"
    )
    parser.add_argument("--timeout", type=float, default=2.0, metavar="S", help="longest wait for the robots")
    parser.add_argument("--config", metavar="FILE", help="settings, a YAML file (with --data: the models)")
    parser.add_argument("--out", metavar="DIR", help="folder for answer.json, timeline.png and the thumbnails")
    parser.add_argument("--frames", action="store_true", help="with --out: also save each match's frame")
    parser.add_argument("--clips", action="store_true", help="with --out: also save a clip of each visit, mp4")
    parser.add_argument(
        "--live", action="store_true", help="print each robot's response as it arrives (not with --data)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


class Outcome(NamedTuple):
    """A search response with what the report shows beside it.

    :param source: how the response came, in one sentence.
    :param coverage: when each camera was analysed.
    :param missing: one sentence per match whose frame or clip could not be saved.
    """

    response: SearchResponse
    source: str
    coverage: "list[CameraCoverage]"
    missing: list[str]


def run(arguments: argparse.Namespace) -> int:
    """Search, print, and return 0: matches, 1: none, 3: partial."""
    _check(arguments)
    image = read_picture(arguments.image) if arguments.image else b""
    time_ns = parse_iso(arguments.at) if arguments.at else 0
    window_ns = round(arguments.window * 1e9)
    if arguments.data:
        from facetrack_ros.cli.search_stored import search
    else:
        from facetrack_ros.cli.search_mesh import search
    outcome = search(arguments, image, time_ns, window_ns)
    if not arguments.json:
        print(f"{outcome.source}\n")
    for sentence in outcome.missing:
        print(sentence, file=sys.stderr)
    _report(arguments, outcome, image, (time_ns - window_ns, time_ns + window_ns) if arguments.at else (None, None))
    if not outcome.response.complete:
        return 3
    return 0 if outcome.response.matches else 1


def _check(arguments: argparse.Namespace) -> None:
    if bool(arguments.at) != bool(arguments.window):
        raise RequestError("--at and --window belong together: --at 2026-05-01T14:30:00 --window 60")
    if (arguments.frames or arguments.clips) and not arguments.out:
        raise RequestError("--frames and --clips need a folder: --out DIR")
    if arguments.live and arguments.data:
        raise RequestError("--live is for running robots, not for --data")
    if arguments.limit < 0:
        raise RequestError("--limit is a number of matches: give 1 or more")
    if arguments.window < 0:
        raise RequestError("--window is a length: give seconds above 0")


def read_picture(path: str) -> bytes:
    """The bytes of a reference picture.

    :raises ReferenceFaceError: no such file, an empty one, or one too large.
    """
    from facetrack_ros.search.reference_image import check_size

    try:
        check_size(Path(path).stat().st_size)
        picture = Path(path).read_bytes()
    except OSError as error:
        raise ReferenceFaceError(f"cannot read the reference picture {path}: {error.strerror or error}") from error
    if not picture:
        raise ReferenceFaceError(f"the reference picture {path} is an empty file")
    return picture


def save_frames(arguments: argparse.Namespace, response: SearchResponse, frames_of: "FramesOf") -> list[str]:
    """Save the frames and clips of the matches, as ``--frames`` and ``--clips`` say.

    :returns: one sentence per match whose frame or clip could not be saved.
    """
    if not (arguments.frames or arguments.clips):
        return []
    from facetrack_ros.search.report.evidence import save_evidence

    folder = Path(arguments.out)
    folder.mkdir(parents=True, exist_ok=True)
    return save_evidence(response.matches, frames_of, folder, arguments.frames, arguments.clips)


def _report(
    arguments: argparse.Namespace, outcome: Outcome, image: bytes, time_range: tuple[int | None, int | None]
) -> None:
    """Print the response, and write what ``--out`` asks for."""
    from facetrack_ros.search.report.json_report import response_to_dict
    from facetrack_ros.search.report.table import response_table

    response = outcome.response
    print(json.dumps(response_to_dict(response)) if arguments.json else response_table(response))
    if not arguments.out:
        return
    from facetrack_ros.search.report.evidence import match_name
    from facetrack_ros.search.report.timeline import draw_timeline

    folder = Path(arguments.out)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "answer.json").write_text(json.dumps(response_to_dict(response), indent=2) + "\n")
    title = f"Who saw {arguments.person or arguments.name or 'this face'}?"
    draw_timeline(response, folder / "timeline.png", outcome.coverage, *time_range, image, title)
    for number, match in enumerate(response.matches, 1):
        if match.thumbnail:
            (folder / f"{match_name(number, match)}.jpg").write_bytes(match.thumbnail)
    if not arguments.json:
        print(f"timeline: {folder / 'timeline.png'}")
