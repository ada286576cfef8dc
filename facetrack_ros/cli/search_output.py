"""What ``facetrack search`` prints and saves."""

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from facetrack_ros.cli.audit.operator import said
from facetrack_ros.cli.time_format import zone_note
from facetrack_ros.core.private_files import make_private
from facetrack_ros.history.audit.verifications import MatchJudgement
from facetrack_ros.history.keeping_rules import KeepingRules
from facetrack_ros.search.camera_coverage import CameraCoverage
from facetrack_ros.search.report.json_report import response_to_dict
from facetrack_ros.search.report.table import both_times, response_table
from facetrack_ros.search.response import SearchResponse

if TYPE_CHECKING:
    from facetrack_ros.search.report.evidence import FramesOf, SavedEvidence


class Outcome(NamedTuple):
    """A search response with what the report shows beside it.

    :param source: how the response came, in one sentence.
    :param coverage: when each camera was analysed.
    :param saved: frames and clips of matches; None: none were asked for.
    :param rules: by robot, what it keeps and why, as far as that is known.
    :param judged: by match, what people said of it when this face was searched for before, as far as that is known.
    """

    response: SearchResponse
    source: str
    coverage: list[CameraCoverage]
    saved: "SavedEvidence | None"
    rules: Mapping[str, KeepingRules]
    judged: Mapping[str, MatchJudgement] = MappingProxyType({})


def save_frames(
    arguments: argparse.Namespace, response: SearchResponse, frames_of: "FramesOf"
) -> "SavedEvidence | None":
    """Save the frames and clips of the matches, as ``--frames`` and ``--clips`` say; None: they say no."""
    if not (arguments.frames or arguments.clips):
        return None
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
    for sentence in outcome.saved.missing if outcome.saved else ():
        print(sentence, file=sys.stderr)
    response = outcome.response
    print(json.dumps(response_to_dict(response)) if arguments.json else response_table(response, None))
    if not arguments.out:
        return
    folder = Path(arguments.out)
    folder.mkdir(parents=True, exist_ok=True)
    _write_files(folder, arguments, outcome, image, time_range)
    if not arguments.json:
        print(f"page:     {folder / 'index.html'}\ntimeline: {folder / 'timeline.png'}")


def _write_files(
    folder: Path,
    arguments: argparse.Namespace,
    outcome: Outcome,
    image: bytes,
    time_range: tuple[int | None, int | None],
) -> None:
    from facetrack_ros.search.report.evidence import match_name
    from facetrack_ros.search.report.page.answer_page import answer_page
    from facetrack_ros.search.report.page.content import PageContent
    from facetrack_ros.search.report.timeline import draw_timeline

    response, saved = outcome.response, outcome.saved
    (folder / "answer.json").write_text(json.dumps(response_to_dict(response), indent=2) + "\n")
    title = f"Who saw {arguments.person or arguments.name or 'this face'}?"
    draw_timeline(response, folder / "timeline.png", outcome.coverage, *time_range, image, title)
    for number, match in enumerate(response.matches, 1):
        if match.thumbnail:
            (folder / f"{match_name(number, match)}.jpg").write_bytes(match.thumbnail)
    content = PageContent(
        response=response,
        title=title,
        written_ns=time.time_ns(),
        source=outcome.source,
        asked=_asked(arguments, time_range),
        **said(arguments),
        reference=image,
        timeline=(folder / "timeline.png").read_bytes(),
        rules=outcome.rules,
        judged=outcome.judged,
        missing=saved.missing if saved else (),
        frames=saved.frames if saved else {},
        clips=saved.clips if saved else {},
        zone=None,
    )
    (folder / "index.html").write_text(answer_page(content), encoding="utf-8")
    written = ("answer.json", "timeline.png", "index.html", "*.jpg", "match_*.png", "match_*.mp4")
    for path in (path for name in written for path in folder.glob(name)):
        make_private(path)  # one that was there keeps its permissions when it is written again
