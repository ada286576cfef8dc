"""What ``facetrack search`` prints and saves."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from facetrack_ros.cli.time_format import zone_note
from facetrack_ros.core.private_files import make_private
from facetrack_ros.search.camera_coverage import CameraCoverage
from facetrack_ros.search.report.json_report import response_to_dict
from facetrack_ros.search.report.table import both_times, response_table
from facetrack_ros.search.response import SearchResponse

if TYPE_CHECKING:
    from facetrack_ros.search.report.evidence import FramesOf


class Outcome(NamedTuple):
    """A search response with what the report shows beside it.

    :param source: how the response came, in one sentence.
    :param coverage: when each camera was analysed.
    :param missing: one sentence per match whose frame or clip could not be saved.
    """

    response: SearchResponse
    source: str
    coverage: list[CameraCoverage]
    missing: list[str]


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


def _asked(arguments: argparse.Namespace, time_range: tuple[int | None, int | None]) -> str:
    """The time asked for, in UTC and local time, and the zone it was taken to be in; empty: all that is kept."""
    start_ns, end_ns = time_range
    if start_ns is None or end_ns is None:
        return ""
    note = zone_note(arguments.at)
    return f"asked for {both_times(start_ns, end_ns, None)}\n" + (f"{note}\n" if note else "")


def print_outcome(
    arguments: argparse.Namespace, outcome: Outcome, image: bytes, time_range: tuple[int | None, int | None]
) -> None:
    """Print the response, and write the files of ``--out``.

    :param image: the reference picture; empty: none.
    :param time_range: nanoseconds, as requested; None: unlimited.
    """
    if not arguments.json:
        print(f"{outcome.source}\n{_asked(arguments, time_range)}")
        if outcome.response.reference_note:
            print(f"Reference: {outcome.response.reference_note}.\n")
    for sentence in outcome.missing:
        print(sentence, file=sys.stderr)
    response = outcome.response
    print(json.dumps(response_to_dict(response)) if arguments.json else response_table(response, None))
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
    for path in (folder / "answer.json", folder / "timeline.png", *folder.glob("*.jpg")):
        make_private(path)  # one that was there keeps its permissions when it is written again
    if not arguments.json:
        print(f"timeline: {folder / 'timeline.png'}")
