"""The page as a whole."""

import base64
import hashlib

from facetrack_ros.core.utc import show_utc
from facetrack_ros.search.report.page.content import PageContent
from facetrack_ros.search.report.page.markup import Content, Markup, element, joined
from facetrack_ros.search.report.page.match_card import alike_cards, match_cards
from facetrack_ros.search.report.page.pictures import png_uri, reference_uri
from facetrack_ros.search.report.page.searched_section import completeness_notice, searched_section
from facetrack_ros.search.report.page.style import STYLE
from facetrack_ros.search.report.summary import found_sentence
from facetrack_ros.search.report.table import no_match_sentence, unverified_sentence

_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
#: A browser loads and runs nothing but the page's own style, its pictures, and clips beside it.
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; media-src 'self' file:; "
    "base-uri 'none'; form-action 'none'"
)


def answer_page(content: PageContent) -> str:
    """The page, HTML: pictures are in it as data URIs, and clips are linked; nothing is loaded from elsewhere."""
    response = content.response
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=Markup(_POLICY)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="robots", content="noindex"),
        element("title", content.title),
        element("style", Markup(STYLE)),
    )
    matches = (
        joined(element("p", unverified_sentence(response), class_="soft"), match_cards(content))
        if response.matches
        else element("p", no_match_sentence(response))
    )
    main = element(
        "main",
        _section("matches", "Matches", matches),
        _section("alike", "Alike, but someone else", alike_cards(content)) if response.alike else None,
        _section("timeline", "Timeline", _timeline(content)),
        _section("searched", "What was searched", searched_section(content)),
        _section("purpose", "Purpose and legal basis", _purpose(content)),
    )
    body = element("body", _header(content), main, _footer(content))
    return "<!DOCTYPE html>\n" + element("html", head, body, lang="en") + "\n"


def _section(name: str, title: str, content: Content) -> Markup:
    return element("section", element("h2", title, id=name), content, aria_labelledby=name)


def _header(content: PageContent) -> Markup:
    note = content.response.reference_note
    told = element(
        "div",
        element("h1", content.title),
        element("p", f"{found_sentence(content.response)}.", class_="verdict"),
        element("p", f"Reference: {note}.", class_="soft") if note else None,
        None if content.reference else element("p", "Asked with stored faces, without a picture.", class_="soft"),
    )
    missing = joined(
        element("p", "Not saved:"), element("ul", *(element("li", sentence) for sentence in content.missing))
    )
    return element(
        "header",
        element("div", _reference(content), told, class_="head"),
        completeness_notice(content.response),
        element("div", missing, class_="notice note") if content.missing else None,
    )


def _reference(content: PageContent) -> Content:
    uri = reference_uri(content.reference) if content.reference else None
    if uri is None:
        return None
    picture = element("img", src=uri, alt="The picture of the person asked for")
    return element("figure", picture, element("figcaption", "Asked with this picture"), class_="reference")


def _timeline(content: PageContent) -> Markup:
    told = f"Timeline with a row for each camera. {found_sentence(content.response)}. The matches are listed above."
    picture = element("img", src=png_uri(content.timeline), alt=told)
    return element("div", picture, class_="wide timeline", role="region", tabindex=0, aria_label="Timeline")


def _purpose(content: PageContent) -> Markup:
    robots = dict.fromkeys(robot.robot_id.partition(" (")[0] for robot in content.response.robots)
    of_sentence: dict[str, list[str]] = {}
    for robot in robots:
        rules = content.rules.get(robot)
        sentence = rules.sentence if rules is not None else "purpose, legal basis and limits are not known here"
        of_sentence.setdefault(sentence, []).append(robot)
    lines = (element("li", element("bdi", ", ".join(named)), f": {rule}") for rule, named in of_sentence.items())
    return element("ul", *lines)


def _footer(content: PageContent) -> Markup:
    response = content.response
    asked = f"Asked by {content.operator}. " if content.operator else ""
    reason = f"Reason: {content.reason}. " if content.reason else ""
    source = f"Source: {content.source}. " if content.source else ""
    search = f"Search {response.search_id}, model {response.model_id}; written {show_utc(content.written_ns)[:19]} UTC."
    return element(
        "footer",
        element("p", asked, reason, source, search),
        element("p", "This page shows faces of people: keep it private, and delete it when it has served its purpose."),
    )
