"""A match as a card: who, where, when, how similar, on what evidence, and its pictures."""

from collections.abc import Sequence
from datetime import timezone, tzinfo

from facetrack_ros.core.utc import moment, show_span, show_utc
from facetrack_ros.history.audit.verifications import CONFIRMED, REJECTED, UNVERIFIED
from facetrack_ros.search.audit.records import match_id
from facetrack_ros.search.report.page.content import PageContent
from facetrack_ros.search.report.page.markup import Content, Markup, element, joined
from facetrack_ros.search.report.page.pictures import boxed_frame_uri, thumbnail_uri
from facetrack_ros.search.report.table import is_joined
from facetrack_ros.search.response import Match

#: Characters of data URIs of frames that a page holds at most; the frames of further matches are linked. Chosen by
#: hand: about 60 frames.
MOST_FRAME_CHARACTERS = 16_000_000


def match_cards(content: PageContent) -> Markup:
    """The matches, best first."""
    room = MOST_FRAME_CHARACTERS
    cards = []
    for number, match in enumerate(content.response.matches, 1):
        frame, used = _frame(number, match, content, room)
        room -= used
        lines = [*_judgement(match, content), ("Match id", element("code", match_id(match)))]
        cards.append(_card(f"Match {number}", match, content, lines, frame, _clip(number, content)))
    return element("ol", *(element("li", card) for card in cards), class_="cards", role="list")


def alike_cards(content: PageContent) -> Markup:
    """Visits similar enough that are known to be of another person."""
    cards = [
        _card(f"Alike {number}", match, content, [("Why no match", match.different_person)])
        for number, match in enumerate(content.response.alike, 1)
    ]
    return element("ol", *(element("li", card) for card in cards), class_="cards", role="list")


def _card(
    title: str, match: Match, content: PageContent, more: Sequence[tuple[str, Content]], *pictures: Content
) -> Markup:
    place = f"{match.robot_id}, {match.camera_id}"
    lines: list[tuple[str, Content]] = [
        *((f"Seen ({name})", span) for name, span in spans_of(match.first_ns, match.last_ns, content.zone)),
        ("Best face", stamp_of(match.stamp_ns)),
        ("Similarity", f"{match.similarity:.3f}"),
        *more,
    ]
    head = element(
        "div",
        element("h3", f"{title}: ", element("bdi", place)),
        element("p", _person(match), class_="person"),
        element("ul", *(element("li", text, class_=kind) for kind, text in _tags(match, content)), class_="tags"),
    )
    listed = (joined(element("dt", name), element("dd", value)) for name, value in lines)
    top = element("div", _face(match), head, class_="top")
    return element("article", top, element("dl", *listed), *pictures, class_="card")


def _person(match: Match) -> Markup:
    if match.name:
        return joined(element("bdi", match.name), " (", element("bdi", match.person_id), ")")
    return element("bdi", match.person_id) if match.person_id else joined("no person id")


def _tags(match: Match, content: PageContent) -> list[tuple[str, str]]:
    """What kind of evidence a visit is, and whether a person has judged it; each with the class of its colour."""
    if match.different_person:
        return [("warn", "alike, but someone else")]
    joined_by_id = is_joined(match, content.response)
    kind = ("note", "joined by id, below the threshold") if joined_by_id else ("good", "face matched")
    rescanned = [("note", "found by rescanning")] if match.rescanned else []
    judgement = content.judged.get(match_id(match))
    state = judgement.state if judgement is not None else UNVERIFIED
    return [kind, *rescanned, ({CONFIRMED: "good", REJECTED: "warn"}.get(state, "note"), state)]


def _judgement(match: Match, content: PageContent) -> list[tuple[str, Content]]:
    """Who confirmed or rejected the match when this face was searched for before."""
    judgement = content.judged.get(match_id(match))
    if judgement is None:
        return []
    return [("Judged", ", ".join(f"{verdict} by {who}" for who, verdict in judgement.verdicts.items()))]


def _face(match: Match) -> Markup:
    uri = thumbnail_uri(match.thumbnail) if match.thumbnail else None
    if uri is None:
        return element("div", "no picture", class_="face none")
    who = match.name or match.person_id or "a person without an id"
    told = f"Face of {who}, seen by {match.robot_id}/{match.camera_id} at {show_utc(match.stamp_ns)} UTC"
    return element("img", src=uri, alt=told, class_="face")


def _frame(number: int, match: Match, content: PageContent, room: int) -> tuple[Content, int]:
    """The stored frame, or where there is no room a link to it; and the number of characters that it takes."""
    path = content.frames.get(number)
    if path is None:
        return None, 0
    link = element("a", "the frame as stored", href=content.link(path))
    uri = boxed_frame_uri(path, match)
    if uri is None:
        return element("p", "The frame cannot be shown: ", link, "."), 0
    if len(uri) > room:
        return element("p", "The page is full; see ", link, "."), 0
    told = f"Frame of {match.robot_id}/{match.camera_id} at {show_utc(match.stamp_ns)} UTC, person and face in boxes"
    caption = element("figcaption", "Person (blue) and face (yellow) in boxes; ", link)
    return element("figure", element("img", src=uri, alt=told, loading="lazy"), caption), len(uri)


def _clip(number: int, content: PageContent) -> Content:
    path = content.clips.get(number)
    if path is None:
        return None
    link = content.link(path)
    told = f"Clip of match {number}"
    # With a time, every browser shows a frame before it plays.
    film = element("video", src=Markup(f"{link}#t=0.05"), controls=True, preload="metadata", aria_label=told)
    return element("figure", film, element("figcaption", "Clip of the visit: ", element("a", path.name, href=link)))


def stamp_of(stamp_ns: int) -> Markup:
    """A stamp, UTC."""
    return element("time", f"{show_utc(stamp_ns)} UTC", datetime=_iso(stamp_ns))


def spans_of(start_ns: int, end_ns: int, zone: tzinfo | None) -> list[tuple[str, Markup]]:
    """A span of time to the second in UTC and, where that differs, in another zone, each under the zone's name.

    :param zone: None: local time.
    """
    local = moment(end_ns).astimezone(zone)
    other = [(f"{local:%Z}", _span(start_ns, end_ns, zone))] if local.utcoffset() else []
    return [("UTC", _span(start_ns, end_ns)), *other]


def _span(start_ns: int, end_ns: int, zone: tzinfo | None = timezone.utc) -> Markup:
    first, _, last = show_span(start_ns, end_ns, zone).partition(" to ")
    last = last.rpartition(" ")[0]
    times = (element("time", text, datetime=_iso(stamp)) for text, stamp in ((first, start_ns), (last, end_ns)))
    return joined(next(times), " to ", next(times))


def _iso(stamp_ns: int) -> str:
    return moment(stamp_ns).isoformat(timespec="milliseconds").replace("+00:00", "Z")
