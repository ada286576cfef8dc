"""A search response as a picture: one lane per camera with its matches over time."""

import textwrap
from collections.abc import Iterable
from datetime import timezone, tzinfo
from pathlib import Path

from facetrack_ros.core.pictures.picture_limits import REFERENCE
from facetrack_ros.core.utc import show_span
from facetrack_ros.errors import StoreError
from facetrack_ros.search.camera_coverage import CameraCoverage
from facetrack_ros.search.partial import partial_sentence
from facetrack_ros.search.report.summary import found_sentence
from facetrack_ros.search.report.timeline_canvas import (
    FAINT,
    GREY,
    INK,
    KEPT,
    LANE,
    MISSING,
    PAPER,
    WARNING,
    Canvas,
    Colour,
)
from facetrack_ros.search.report.timeline_layout import Row, moment, rows_of, spread, ticks, time_range
from facetrack_ros.search.report.trust import trust_sentence
from facetrack_ros.search.response import Match, SearchResponse

# Inches.
_WIDTH, _MARGIN, _LEFT, _RIGHT = 14.0, 0.45, 2.75, 13.55
_HEADER, _AXIS, _FOOTER, _FOOTER_LINE = 1.75, 0.45, 0.55, 0.24
_EMPTY_ROW, _FULL_ROW, _CROWDED_ROW, _ROBOT_GAP = 0.46, 1.68, 1.9, 0.16
_FACE, _FACE_PITCH, _CAPTION, _BAR = 0.82, 1.0, 0.31, 0.17
_NARROWEST_BAR = 0.07
# Letters a line of the footer, and lines of warnings.
_LETTERS, _BOLD_LETTERS, _MOST_WARNINGS = 170, 145, 4


def draw_timeline(
    response: SearchResponse,
    path: Path | str,
    coverage: Iterable[CameraCoverage],
    start_ns: int | None = None,
    end_ns: int | None = None,
    reference: bytes = b"",
    title: str = "Which robot saw this face?",
    zone: tzinfo = timezone.utc,
) -> None:
    """Write a response as PNG: one lane per camera, grouped by robot, with the faces that matched.

    A light band shows when a camera was analysed; lanes of robots that did not answer are hatched. Faces that would
    overlap are moved aside, with a line to their bar; where a lane has too many, the least similar are bars only.

    :param coverage: cameras of the robots, and when they were analysed.
    :param start_ns: start of the requested time range; None: chosen from coverage and matches.
    :param end_ns: end of the requested time range; None likewise.
    :param reference: JPEG or PNG of the reference; empty: none.
    :param zone: time zone of the axis.
    :raises StoreError: the file cannot be written.
    """
    rows = rows_of(response, coverage)
    heights = [_CROWDED_ROW if len(row.matches) > 4 else _FULL_ROW if row.matches else _EMPTY_ROW for row in rows]
    gaps = [_ROBOT_GAP if row.first and i else 0.0 for i, row in enumerate(rows)]
    bottom = _HEADER + sum(heights) + sum(gaps)
    footer = _footer_lines(response)
    canvas = Canvas(_WIDTH, bottom + _AXIS + _FOOTER + _FOOTER_LINE * (len(footer) - 1))
    page = _Page(canvas, response, time_range(response, rows, start_ns, end_ns), zone)
    page.header(title, reference)
    page.axis(bottom)
    top = _HEADER
    for row, height, gap in zip(rows, heights, gaps):
        top += gap
        page.row(row, top, height)
        top += height
    page.footer(bottom + _AXIS, footer)
    try:
        Path(path).write_bytes(canvas.png())
    except OSError as error:
        raise StoreError(f"cannot write the timeline {path}: {error.strerror}; choose another folder") from error


def _footer_lines(response: SearchResponse) -> list[tuple[str, bool]]:
    """How far the response can be trusted and what was not searched, in lines; and whether a line is a warning."""
    lines = [(line, False) for line in textwrap.wrap(trust_sentence(response), _LETTERS)]
    partial = textwrap.wrap(partial_sentence(response), _BOLD_LETTERS, max_lines=_MOST_WARNINGS, placeholder=" …")
    return lines + [(line, True) for line in partial]


class _Page:
    def __init__(self, canvas: Canvas, response: SearchResponse, shown: tuple[int, int], zone: tzinfo) -> None:
        self._canvas = canvas
        self._response = response
        self._start, self._end = shown
        self._zone = zone
        # Similarities of one person are rarely close to 1: a scale up to the best match keeps its colours distinct.
        lowest_top = response.threshold + min(0.2, (1 - response.threshold) / 2)
        self._top = max([lowest_top, *(match.similarity for match in response.matches)])

    def header(self, title: str, reference: bytes) -> None:
        left = _MARGIN
        if reference:
            self._canvas.picture(left, 0.35, 1.1, reference, INK, 1.5, limits=REFERENCE)
            left += 1.35
        self._canvas.words(left, 0.55, title, 20, bold=True)
        self._canvas.words(left, 0.95, found_sentence(self._response), 12)
        self._canvas.words(left, 1.26, self._when(), 10, GREY)
        self._legend()

    def axis(self, bottom: float) -> None:
        for stamp, label in ticks(self._start, self._end, self._zone):
            x = self._x(stamp)
            self._canvas.line([x, x], [_HEADER - 0.06, bottom + 0.06], FAINT, 0.7, z=0.5)
            self._canvas.words(min(x, _WIDTH - 0.55), bottom + 0.2, label, 9, GREY, across="center")

    def row(self, row: Row, top: float, height: float) -> None:
        canvas, camera = self._canvas, row.camera
        middle, height = top + height / 2, height - 0.05
        if row.first:
            canvas.words(_MARGIN, middle, _shortened(camera.robot_id, 13), 11, bold=True)
        room = 22 if not row.first else max(22 - int(1.5 * len(camera.robot_id)), 9)
        canvas.words(_LEFT - 0.15, middle, _shortened(camera.camera_id, room), 9.5, GREY, across="right")
        width = _RIGHT - _LEFT
        if row.missing and not row.matches:
            canvas.box(_LEFT, top, width, height, MISSING, "#e2bdb7", 0.0, hatch="///", z=0.8)
            canvas.words((_LEFT + _RIGHT) / 2, middle - 0.02, row.missing, 9.5, WARNING, across="center", back=PAPER)
            return
        canvas.box(_LEFT, top, width, height, LANE, z=0.2)
        base = top + height - _BAR - 0.12
        shown = [
            (max(start, self._start), min(end, self._end))
            for start, end in camera.spans
            if start <= self._end and end >= self._start
        ]
        for start, end in shown:
            x = self._x(start)
            canvas.box(x, base - 0.06, max(self._x(end) - x, 0.02), _BAR + 0.12, KEPT, radius=0.05, z=0.9)
        for gap in row.gaps:
            if gap.camera_id and gap.end_ns and gap.start_ns <= self._end and gap.end_ns >= self._start:
                x, to = self._x(max(gap.start_ns, self._start)), self._x(min(gap.end_ns, self._end))
                canvas.box(x, base - 0.06, max(to - x, 0.02), _BAR + 0.12, MISSING, "#e2bdb7", hatch="////", z=0.85)
        if not shown and not row.matches:
            words = _shortened(self._why_empty(row), 110)
            canvas.words((_LEFT + _RIGHT) / 2, middle - 0.02, words, 9, GREY, across="center", back=PAPER)
        for match in row.alike:
            left, right = self._bar(match)
            canvas.box(left, base, right - left, _BAR, PAPER, GREY, 1.0, radius=0.06, hatch="////", z=1.8)
        self._matches(row.matches, top, base)

    def _why_empty(self, row: Row) -> str:
        """What stands in a lane in which nothing is drawn."""
        if row.camera.spans:
            first, last = row.camera.spans[0][0], row.camera.spans[-1][1]
            return f"searched, too: {show_span(first, last, self._zone)}"
        return next((gap.reason for gap in row.gaps), "nothing recorded")

    def footer(self, top: float, lines: list[tuple[str, bool]]) -> None:
        canvas = self._canvas
        canvas.line([_MARGIN, _RIGHT], [top + 0.08, top + 0.08], FAINT, 0.8)
        for number, (line, warns) in enumerate(lines):
            colour = WARNING if warns else GREY
            canvas.words(_MARGIN, top + 0.32 + number * _FOOTER_LINE, line, 9.5, colour, bold=warns)

    def _matches(self, matches: tuple[Match, ...], top: float, base: float) -> None:
        canvas = self._canvas
        for match in reversed(matches):  # the best on top
            left, right = self._bar(match)
            canvas.box(left, base, right - left, _BAR, self._colour(match), "#ffffff", 0.8, radius=0.06, z=2)
        shown = sorted(matches[: int((_RIGHT - _LEFT) / _FACE_PITCH)], key=lambda match: sum(self._bar(match)))
        centres = spread([sum(self._bar(match)) / 2 for match in shown], _FACE_PITCH, _LEFT, _RIGHT)
        for match, x in zip(shown, centres):
            (left, right), colour = self._bar(match), self._colour(match)
            y, face_left = top + 0.08, x - _FACE / 2
            foot = min(max(x, left), right)
            canvas.line([x, foot], [y + _FACE + _CAPTION, base + 0.02], colour, 1.2, z=1.5)
            best = match is self._response.matches[0]
            canvas.picture(face_left, y, _FACE, match.thumbnail, colour, 3.2 if best else 2.0)
            similarity, time = f"{match.similarity:.2f}", f"{moment(match.stamp_ns, self._zone):%H:%M:%S}"
            corner = (face_left + _FACE - 0.04, y + _FACE - 0.1)
            canvas.words(*corner, similarity, 8.5, PAPER, True, "right", back=colour, z=5)
            # Hides the grid behind the text.
            canvas.box(face_left, y + _FACE + 0.04, _FACE, _CAPTION - 0.05, LANE, z=0.6)
            canvas.words(x, y + _FACE + 0.11, _shortened(self._person(match), 14), 7.5, INK, across="center")
            canvas.words(x, y + _FACE + 0.235, time, 7.5, GREY, across="center")
        hidden = len(matches) - len(shown)
        if hidden:
            canvas.words(_RIGHT + 0.08, top + 0.5, f"+{hidden}", 9, GREY)

    def _person(self, match: Match) -> str:
        """The name where the font has its letters, else the id."""
        return match.name if match.name and self._canvas.has_letters_of(match.name) else match.person_id

    def _legend(self) -> None:
        canvas, left, y = self._canvas, _RIGHT - 2.3, 0.5
        if self._response.matches:
            canvas.scale(left, y, 2.3, 0.12)
            canvas.words(left, y - 0.13, f"similarity {self._response.threshold:.2f}", 8, GREY)
            canvas.words(_RIGHT, y - 0.13, f"{self._top:.2f}", 8, GREY, across="right")
        else:
            y -= 0.3
        canvas.box(left, y + 0.3, 0.32, 0.14, KEPT, radius=0.04)
        canvas.words(left + 0.42, y + 0.37, "camera was analysed", 8, GREY)
        if self._response.alike:
            canvas.box(left, y + 0.56, 0.32, 0.14, PAPER, GREY, 1.0, hatch="////")
            canvas.words(left + 0.42, y + 0.63, "alike, another person", 8, GREY)
            y += 0.26
        if not self._response.complete:
            canvas.box(left, y + 0.56, 0.32, 0.14, MISSING, "#e2bdb7", hatch="////")
            canvas.words(left + 0.42, y + 0.63, "not searched", 8, GREY)

    def _when(self) -> str:
        first, last = moment(self._start, self._zone), moment(self._end, self._zone)
        day = f"{last.day} {last:%B %Y}"
        if first.date() != last.date():
            return f"{first.day} {first:%B %Y}, {first:%H:%M:%S} to {day}, {last:%H:%M:%S} ({last.tzname()})"
        return f"{day}, {first:%H:%M:%S} to {last:%H:%M:%S} ({last.tzname()})"

    def _x(self, stamp_ns: int) -> float:
        return _LEFT + (_RIGHT - _LEFT) * (stamp_ns - self._start) / (self._end - self._start)

    def _bar(self, match: Match) -> tuple[float, float]:
        left, right = (min(max(self._x(stamp), _LEFT), _RIGHT) for stamp in (match.first_ns, match.last_ns))
        if right - left < _NARROWEST_BAR:
            middle = min(max((left + right) / 2, _LEFT + _NARROWEST_BAR / 2), _RIGHT - _NARROWEST_BAR / 2)
            left, right = middle - _NARROWEST_BAR / 2, middle + _NARROWEST_BAR / 2
        return left, right

    def _colour(self, match: Match) -> Colour:
        low = self._response.threshold
        return self._canvas.colour((match.similarity - low) / (self._top - low))


def _shortened(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"
