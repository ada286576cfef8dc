"""``facetrack search``: which robot saw this face, when, and where."""

import argparse
import json
import sys
from pathlib import Path

from facetrack_ros.cli.time_format import parse_iso
from facetrack_ros.errors import ReferenceFaceError, RequestError
from facetrack_ros.search.response import SearchResponse

NS = 1_000_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommand's arguments."""
    reference = parser.add_mutually_exclusive_group(required=True)
    reference.add_argument("--image", metavar="FILE", help="a picture with one face")
    reference.add_argument(
        "--person", metavar="ID", help="a person some robot has seen, such as p_robot1_3, or an enrolled name"
    )
    reference.add_argument("--name", metavar="NAME", help="an enrolled person")
    parser.add_argument("--at", metavar="ISO8601", help="middle of the time slice to look at; needs --window")
    parser.add_argument("--window", type=float, default=0.0, metavar="S", help="seconds before and after --at")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--robot", metavar="NAME", help="whom to ask; any robot answers for all. Default: the first found"
    )
    where.add_argument("--data", metavar="DIR", help="stored histories instead of the mesh, one folder a robot below")
    parser.add_argument(
        "--seen-by",
        action="append",
        default=[],
        metavar="ROBOT",
        help="search this robot's memory only; may be given several times",
    )
    parser.add_argument(
        "--camera", action="append", default=[], metavar="NAME", help="only this one; may be given several times"
    )
    parser.add_argument(
        "--rescan",
        action="store_true",
        help="look again at stored frames in which no face was found, newest first, until --timeout",
    )
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="most matches; default: 20")
    parser.add_argument(
        "--threshold", type=float, default=0.0, metavar="X", help="lowest similarity; default: the model's"
    )
    parser.add_argument("--timeout", type=float, default=2.0, metavar="S", help="how long to wait for the robots")
    parser.add_argument("--config", metavar="FILE", help="settings, a YAML file (with --data: the models)")
    parser.add_argument("--out", metavar="DIR", help="also write answer.json, timeline.png and the thumbnails there")
    parser.add_argument("--frames", action="store_true", help="with --out: also fetch each match's frame")
    parser.add_argument("--clips", action="store_true", help="with --out: also fetch a film of each visit, mp4")
    parser.add_argument("--live", action="store_true", help="print each robot's answer as it comes (not with --data)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def run(arguments: argparse.Namespace) -> int:
    """Ask, print, and say by the exit code how it went."""
    if bool(arguments.at) != bool(arguments.window):
        raise RequestError("--at and --window belong together: --at 2026-05-01T14:30:00 --window 60")
    if (arguments.frames or arguments.clips) and not arguments.out:
        raise RequestError("--frames and --clips need a folder to put them: --out DIR")
    if arguments.live and arguments.data:
        raise RequestError("--live is for robots that run; stored histories answer at once")
    if arguments.limit < 0:
        raise RequestError("--limit is a number of matches: give 1 or more")
    if arguments.window < 0:
        raise RequestError("--window is a length: give seconds above 0")
    picture = read_picture(arguments.image) if arguments.image else b""
    time_ns = parse_iso(arguments.at) if arguments.at else 0
    window_ns = round(arguments.window * NS)
    if arguments.data:
        from facetrack_ros.cli.search_stored import ask_stored

        answer, how, lanes, missing = ask_stored(arguments, picture, time_ns, window_ns)
    else:
        from facetrack_ros.cli.search_mesh import ask_mesh

        answer, how, lanes, missing = ask_mesh(arguments, picture, time_ns, window_ns)
    if not arguments.json:
        print(f"{how}\n")
    for sentence in missing:
        print(sentence, file=sys.stderr)
    return show(arguments, answer, lanes, picture)


def read_picture(path: str) -> bytes:
    """The bytes of a reference picture.

    :raises ReferenceFaceError: no such file, nothing in it, or far too much.
    """
    from facetrack_ros.search.reference_image import MAX_BYTES, too_large

    try:
        if Path(path).stat().st_size > MAX_BYTES:
            raise ReferenceFaceError(too_large(Path(path).stat().st_size))
        picture = Path(path).read_bytes()
    except OSError as error:
        raise ReferenceFaceError(f"cannot read the reference picture {path}: {error.strerror or error}") from error
    if not picture:
        raise ReferenceFaceError(f"the reference picture {path} is an empty file")
    return picture


def show(arguments: argparse.Namespace, answer: SearchResponse, lanes: list, picture: bytes) -> int:
    """Print the answer, write what ``--out`` asks for; the exit code."""
    from facetrack_ros.search.report.json_report import response_to_dict
    from facetrack_ros.search.report.table import response_table

    print(json.dumps(response_to_dict(answer)) if arguments.json else response_table(answer))
    if arguments.out:
        from facetrack_ros.search.report.evidence import match_name
        from facetrack_ros.search.report.timeline import draw_timeline

        folder = Path(arguments.out)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "answer.json").write_text(json.dumps(response_to_dict(answer), indent=2) + "\n")
        person = arguments.person or arguments.name
        title = f"Who saw {person}?" if person else "Who saw this face?"
        asked = parse_iso(arguments.at) if arguments.at else None
        window_ns = round(arguments.window * NS)
        draw_timeline(
            answer,
            folder / "timeline.png",
            lanes,
            None if asked is None else asked - window_ns,
            None if asked is None else asked + window_ns,
            picture,
            title,
        )
        for number, match in enumerate(answer.matches, 1):
            if match.thumbnail:
                (folder / f"{match_name(number, match)}.jpg").write_bytes(match.thumbnail)
        if not arguments.json:
            print(f"timeline: {folder / 'timeline.png'}")
    if not answer.complete:
        return 3
    return 0 if answer.matches else 1
