"""What the page is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timezone, tzinfo
from pathlib import Path
from urllib.parse import quote

from facetrack_ros.history.audit.verifications import MatchJudgement
from facetrack_ros.history.keeping_rules import KeepingRules
from facetrack_ros.search.report.page.markup import Markup
from facetrack_ros.search.response import SearchResponse


@dataclass(frozen=True)
class PageContent:
    """A search response with what the page shows beside it.

    :param title: the question.
    :param written_ns: when the page is written, nanoseconds since the epoch.
    :param source: how the response came, in one sentence.
    :param asked: the time asked for, in words; empty: all that is kept.
    :param operator: who asked; empty: unknown.
    :param reason: why; empty: none was given.
    :param reference: the picture asked with; empty: a person was asked for.
    :param timeline: PNG of the timeline.
    :param rules: by robot, what it keeps and why, as far as that is known.
    :param judged: by match, what people said of it when this face was searched for before, as far as that is known.
    :param missing: one sentence for every frame or clip that could not be saved.
    :param frames: by number of the match, from 1 on, its frame beside the page.
    :param clips: likewise its clip.
    :param zone: in which times are given beside UTC; None: local time.
    """

    response: SearchResponse
    title: str
    written_ns: int
    source: str = ""
    asked: str = ""
    operator: str = ""
    reason: str = ""
    reference: bytes = b""
    timeline: bytes = b""
    rules: Mapping[str, KeepingRules] = field(default_factory=dict)
    judged: Mapping[str, MatchJudgement] = field(default_factory=dict)
    missing: Sequence[str] = ()
    frames: Mapping[int, Path] = field(default_factory=dict)
    clips: Mapping[int, Path] = field(default_factory=dict)
    zone: tzinfo | None = timezone.utc

    @staticmethod
    def link(path: Path) -> Markup:
        """The address of a file beside the page."""
        return Markup(quote(f"./{path.name}"))
