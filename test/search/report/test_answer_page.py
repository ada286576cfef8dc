"""The page of a response: every match is on it, nothing of others is markup, and nothing is loaded from elsewhere."""

import base64
import itertools
from dataclasses import replace
from datetime import timedelta, timezone
from html.parser import HTMLParser

import cv2
import numpy as np

from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.core.pictures.decoding import decode
from facetrack_ros.history.audit.verifications import MatchJudgement
from facetrack_ros.history.keeping_rules import KeepingRules
from facetrack_ros.search.audit.records import match_id
from facetrack_ros.search.report.page import match_card
from facetrack_ros.search.report.page.answer_page import answer_page
from facetrack_ros.search.report.page.content import PageContent
from facetrack_ros.search.response import (
    ANSWERED,
    TIMED_OUT,
    Match,
    NotSearched,
    RobotResponse,
    SearchedCamera,
    SearchResponse,
)

SECOND = 10**9
NOON = 1_795_348_800 * SECOND
THUMBNAIL = encode_jpeg(np.full((96, 96, 3), (255, 0, 255), np.uint8))
PERSON, FACE = np.array((20, 10, 60, 90), np.float32), np.array((30, 15, 50, 40), np.float32)
HOSTILE = "<script>alert('x')</script>\" onload=\"alert(1)\x1b[31m\u202e"


def match(number, similarity, **fields):
    start = NOON + number * 60 * SECOND
    visit = (start + SECOND, start, start + 5 * SECOND)
    found = Match("robot1", "front", f"p_robot1_{number}", "t", 1, *visit, PERSON, FACE, similarity, 0.5, THUMBNAIL)
    return replace(found, **fields)


ALIKE = match(4, 0.55, different_person="seen together with p_robot1_1")
MATCHES = (match(1, 0.8, name="Ada Lovelace"), match(2, 0.6, rescanned=True), match(3, 0.2))
ROBOTS = (
    RobotResponse(
        "robot1", ANSWERED, 3, 120, 3.25, searched=(SearchedCamera("front", 120, NOON, NOON + 300 * SECOND),)
    ),
    RobotResponse("robot2", ANSWERED, 0, 80, 1.0, searched=(SearchedCamera("rear", 80, NOON, NOON + 300 * SECOND),)),
)
RESPONSE = SearchResponse("s1", "net", 0.5, 0.012, MATCHES, ROBOTS, alike=(ALIKE,))
PNG = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
CONTENT = PageContent(RESPONSE, "Who saw Ada?", NOON + 600 * SECOND, reference=THUMBNAIL, timeline=PNG)


class Page(HTMLParser):
    """The elements, the texts of each kind of element, and what pictures, films and links point to."""

    def __init__(self, content: PageContent) -> None:
        super().__init__()
        self.html = answer_page(content)
        self.elements: list[tuple[str, dict]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(self.html)
        assert not self._open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in ("img", "meta", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if "style" not in self._open:
            self.text += data

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def addresses(self):
        return [given[key] for _, given in self.elements for key in ("src", "href", "poster", "srcset") if key in given]


def picture_of(address):
    return decode(base64.b64decode(address.partition("base64,")[2]))


def test_every_match_is_there_with_its_evidence():
    page = Page(replace(CONTENT, zone=timezone(timedelta(hours=5, minutes=30), "IST")))
    assert len(page.of("article")) == 4
    for found in MATCHES:
        assert match_id(found) in page.text
        assert found.person_id in page.text
    assert "Ada Lovelace (p_robot1_1)" in page.text
    assert "2026-11-22 12:01:00 to 12:01:05" in page.text
    assert "2026-11-22 17:31:00 to 17:31:05" in page.text
    assert [
        page.text.count(kind) for kind in ("face matched", "joined by id", "found by rescanning", "unverified")
    ] == [2, 1, 1, 3 + page.text.count("are unverified until")]
    assert "alike, but someone else" in page.text
    assert ALIKE.different_person in page.text
    faces = [picture_of(given["src"]) for given in page.of("img") if "Face of" in given["alt"]]
    assert len(faces) == 4
    assert all(face.shape == (96, 96, 3) for face in faces)
    assert all(given["alt"] for given in page.of("img"))
    assert "facetrack verify s1" in page.text


def test_texts_of_others_are_never_markup():
    hostile = match(1, 0.8, robot_id=HOSTILE, camera_id=HOSTILE, person_id=HOSTILE, name=HOSTILE, track_id=HOSTILE)
    robot = RobotResponse(
        HOSTILE,
        ANSWERED,
        1,
        9,
        note=HOSTILE,
        error=HOSTILE,
        searched=(SearchedCamera(HOSTILE, 9, NOON, NOON + SECOND),),
    )
    silent = RobotResponse(f"{HOSTILE}2", TIMED_OUT, error=HOSTILE)
    gaps = (NotSearched(HOSTILE, HOSTILE, HOSTILE),)
    alike = (replace(hostile, different_person=HOSTILE),)
    response = SearchResponse(HOSTILE, HOSTILE, 0.5, 0.1, (hostile,), (robot, silent), gaps, alike)
    response = replace(response, operating_point=HOSTILE, reference_note=HOSTILE, calibrated_on=HOSTILE)
    rules = {HOSTILE: KeepingRules(HOSTILE, HOSTILE, HOSTILE, {HOSTILE: {"max_age_h": 1.0}})}
    told = dict.fromkeys(("title", "source", "asked", "operator", "reason"), HOSTILE)
    page = Page(replace(CONTENT, response=response, rules=rules, missing=[HOSTILE], **told))
    assert not page.of("script")
    assert not [key for _, given in page.elements for key in given if key.startswith("on")]
    assert "<script" not in page.html
    assert page.text.count("<script>alert('x')</script>") > 15
    assert "\x1b" not in page.html
    assert "\u202e" not in page.html
    page.html.encode()


def test_a_name_that_is_no_unicode_can_be_written():
    answer_page(replace(CONTENT, title="\udcff")).encode()


def test_nothing_is_loaded_from_elsewhere(tmp_path):
    film = tmp_path / "match_01_robot1_a b#c.mp4"
    page = Page(replace(CONTENT, clips={1: film}))
    assert page.addresses
    assert [address for address in page.addresses if not address.startswith("data:image/")] == [
        "./match_01_robot1_a%20b%23c.mp4#t=0.05",
        "./match_01_robot1_a%20b%23c.mp4",
    ]
    assert "//" not in page.html.replace("base64,", "").split("<body>")[0]
    assert "url(" not in page.html
    assert "@import" not in page.html
    policy = next(given["content"] for given in page.of("meta") if given.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none';")


def test_a_partial_answer_says_so_first_and_names_what_was_not_searched():
    silent = RobotResponse("robot3", TIMED_OUT, error="robot3 did not answer within 2 s")
    gap = NotSearched("robot2", "robot2/rear holds nothing of the time asked for", "rear")
    page = Page(replace(CONTENT, response=replace(RESPONSE, robots=(*ROBOTS, silent), not_searched=(gap,))))
    warning = page.text.index("This answer is partial")
    assert warning < page.text.index("Matches")
    assert gap.reason in page.text
    assert "timed out" in page.text
    assert "Complete:" not in page.text
    complete = Page(CONTENT)
    assert "Complete:" in complete.text
    assert "partial" not in complete.text


def test_nothing_compared_is_never_told_as_not_seen():
    nothing = replace(RESPONSE, matches=(), alike=(), robots=(RobotResponse("robot1", TIMED_OUT),))
    assert "No match." in Page(replace(CONTENT, response=replace(RESPONSE, matches=()))).text
    assert "Nothing was compared" in Page(replace(CONTENT, response=nothing)).text
    assert "Not seen" not in Page(replace(CONTENT, response=nothing)).text


def test_what_was_searched_is_a_table_with_headings():
    page = Page(CONTENT)
    assert len(page.of("table")) == len(page.of("caption")) == 1
    assert {given["scope"] for given in page.of("th")} == {"col", "row"}
    assert "robot2answered" in page.text
    levels = [int(tag[1]) for tag, _ in page.elements if tag in ("h1", "h2", "h3")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_the_frame_is_shown_with_boxes_while_there_is_room(tmp_path, monkeypatch):
    path = tmp_path / "match_01_robot1_front_frame.jpg"
    path.write_bytes(encode_jpeg(np.full((100, 200, 3), 128, np.uint8)))
    content = replace(CONTENT, frames={1: path, 2: path})
    frames = [given for given in Page(content).of("img") if given["alt"].startswith("Frame of")]
    image = picture_of(frames[0]["src"]).astype(int)
    assert image.shape == (100, 200, 3)
    for x, y in ((20, 60), (60, 60), (30, 25), (50, 25)):
        assert np.ptp(image[y, x - 2 : x + 3]) > 60, "a coloured line"
    assert np.ptp(image[60, 100:]) < 20
    assert len(frames) == 2
    monkeypatch.setattr(match_card, "MOST_FRAME_CHARACTERS", len(frames[0]["src"]))
    page = Page(content)
    assert len([given for given in page.of("img") if given["alt"].startswith("Frame of")]) == 1
    assert page.addresses.count("./match_01_robot1_front_frame.jpg") == 2


def test_a_picture_that_cannot_be_read_leaves_a_page(tmp_path):
    broken = tmp_path / "broken_frame.jpg"
    broken.write_bytes(b"damaged")
    response = replace(RESPONSE, matches=(match(1, 0.8, thumbnail=b"damaged"), match(2, 0.7, thumbnail=b"")))
    content = replace(CONTENT, response=response, frames={1: broken, 2: tmp_path / "gone.jpg"}, reference=b"damaged")
    page = Page(content)
    assert page.text.count("no picture") == 2
    assert page.text.count("The frame cannot be shown") == 2


def test_a_person_asked_for_without_a_picture_is_told():
    assert "without a picture" in Page(replace(CONTENT, reference=b"")).text
    assert "without a picture" not in Page(CONTENT).text


def test_what_people_said_of_a_match_stands_with_it():
    said = {
        match_id(MATCHES[0]): MatchJudgement("confirmed", {"ada": "confirmed", "bob": "confirmed"}),
        match_id(MATCHES[1]): MatchJudgement("rejected", {HOSTILE: "rejected"}),
    }
    page = Page(replace(CONTENT, judged=said))
    assert "confirmed by ada, confirmed by bob" in page.text
    assert "rejected by <script>" in page.text
    assert page.text.count("unverified") == Page(CONTENT).text.count("unverified") - 2


def test_purpose_and_legal_basis_stand_there_once_for_robots_with_the_same():
    same = KeepingRules("find lost children", "consent", "all", {"frames": {"max_age_h": 24.0}})
    text = Page(replace(CONTENT, rules={"robot1": same, "robot2": same})).text
    assert f"robot1, robot2: {same.sentence}" in text
    assert (
        "robot2: purpose, legal basis and limits are not known here"
        in Page(replace(CONTENT, rules={"robot1": same})).text
    )
