"""A search result read from its bytes equals the message that rclpy makes of them."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rclpy.serialization import deserialize_message, serialize_message

from facetrack_ros import msg
from facetrack_ros.core.pose import RobotPose
from facetrack_ros.nodes.conversion.search import (
    match_from_message,
    match_to_message,
    robot_response_from_message,
    robot_response_to_message,
)
from facetrack_ros.nodes.conversion.search_result_cdr import read_result, search_of
from facetrack_ros.search.response import Match, NotSearched, RobotResponse, SearchedCamera

# Sentences and names as robots send them: printable.
words = st.text(st.characters(exclude_categories=("C", "Z")), max_size=12)
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,11}", fullmatch=True)
models = names | st.just("")
stamps = st.integers(0, 2**31 * 10**9 - 1)
reals = st.floats(-1000, 1000, width=32)
boxes = st.lists(reals, min_size=4, max_size=4).map(lambda box: np.array(box, np.float32))
places = st.builds(RobotPose, words, stamps, st.tuples(reals, reals, reals), st.tuples(reals, reals, reals, reals))
shares_of_one = st.floats(0, 1, width=32)
u32, u63, floats = st.integers(0, 2**32 - 1), st.integers(0, 2**63 - 1), (reals, reals)
robots = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,11}", fullmatch=True)
ids = (robots, names, names, names)
matches = st.builds(
    Match,
    *ids,
    u63,
    stamps,
    stamps,
    stamps,
    boxes,
    boxes,
    reals,
    shares_of_one,
    st.binary(max_size=9),
    st.booleans(),
    st.none() | places,
    words,
    *floats[:1],
    words,
)
spans = st.lists(st.tuples(names, stamps, stamps), max_size=3).map(tuple)
searched = st.lists(st.builds(SearchedCamera, names, u63, stamps, stamps), max_size=2).map(tuple)
gaps = st.lists(st.builds(NotSearched, words, words, words, words, u63, stamps, stamps), max_size=2).map(tuple)
shares = (u63, reals)
answers = st.builds(
    RobotResponse,
    *(robots, words, u32, u63, reals, words, words, u32, u32, models),
    *(*floats, spans, searched, gaps, models, *floats, *shares),
)


def serialized(search_id: str, answer: RobotResponse, found: list[Match]) -> bytes:
    return serialize_message(
        msg.FaceSearchResult(
            search_id=search_id,
            instance_id="i",
            model_id="m",
            robot=robot_response_to_message(answer),
            matches=[match_to_message(match) for match in found],
        )
    )


def plain(match: Match) -> dict:
    return {**vars(match), "bbox": match.bbox.tolist(), "face_bbox": match.face_bbox.tolist()}


@settings(deadline=None, max_examples=60)
@given(words, answers, st.lists(matches, max_size=3))
def test_every_field_is_read_as_rclpy_reads_it(search_id, answer, found):
    data = serialized(search_id, answer, found)
    message = deserialize_message(data, msg.FaceSearchResult)
    read_answer, read_matches = read_result(data)
    assert search_of(data) == search_id
    assert read_answer == robot_response_from_message(message.robot) == answer
    assert [plain(match) for match in read_matches] == [plain(match_from_message(match)) for match in message.matches]


@settings(deadline=None, max_examples=60)
@given(answers, st.lists(matches, min_size=1, max_size=2), st.data())
def test_a_truncated_message_is_refused(answer, found, data):
    whole = serialized("s", answer, found)
    # Up to three bytes at the end may be nothing but filling.
    kept = data.draw(st.integers(0, len(whole) - 4))
    with pytest.raises(ValueError, match="not a search result"):
        read_result(whole[:kept])


@settings(deadline=None, max_examples=60)
@given(answers, st.lists(matches, max_size=2), st.data())
def test_a_damaged_message_is_read_or_refused(answer, found, data):
    broken = bytearray(serialized("s", answer, found))
    for _ in range(data.draw(st.integers(1, 8))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ValueError):
        read_result(bytes(broken))


def test_other_encodings_are_refused():
    with pytest.raises(ValueError, match="little-endian"):
        search_of(b"\0\0\0\0" + bytes(20))
