"""Choice of a camera's image topic, and the sentence if no images arrive."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facetrack_ros.nodes.inputs.image_topics import (
    COMPRESSED,
    RAW,
    Publisher,
    TopicCandidate,
    candidate_of,
    choose,
    silence_sentence,
    wants_reliable,
)

JPEG = TopicCandidate("/r/front/image/compressed", COMPRESSED, (Publisher("/cam", COMPRESSED, False),))
PIXELS = TopicCandidate("/r/front/image", RAW, (Publisher("/cam", RAW, True),))


def test_the_first_published_topic_is_chosen():
    assert choose([JPEG, PIXELS], None, False, False) is JPEG
    assert choose([PIXELS], None, False, False) is PIXELS
    assert choose([PIXELS], JPEG, False, False) is PIXELS, "the current topic has no publisher left"


def test_a_topic_that_delivers_is_kept_but_jpeg_replaces_raw_images():
    assert choose([JPEG, PIXELS], PIXELS, True, False) is JPEG
    assert choose([PIXELS], PIXELS, True, True) is PIXELS
    other = TopicCandidate("/r/front/image_raw", RAW, PIXELS.publishers)
    assert choose([PIXELS, other], other, True, False) is other


def test_a_silent_topic_is_replaced_by_the_next_in_rotation():
    assert choose([JPEG, PIXELS], JPEG, False, False) is JPEG, "it has time"
    assert choose([JPEG, PIXELS], JPEG, False, True) is PIXELS
    assert choose([JPEG, PIXELS], PIXELS, False, True) is JPEG


@given(
    st.lists(st.sampled_from([JPEG, PIXELS]), unique=True),
    st.sampled_from([None, JPEG, PIXELS]),
    st.booleans(),
    st.booleans(),
)
def test_a_published_topic_is_always_chosen(offers, current, flowing, expired):
    found = choose(offers, current, flowing and current is not None, expired)
    assert found in offers or (not offers and found is current) or (flowing and found is current)


def test_of_two_types_on_one_topic_jpeg_is_chosen_and_only_images_count():
    both = (Publisher("/a", RAW, True), Publisher("/b", COMPRESSED, True), Publisher("/c", "std_msgs/msg/String", True))
    assert candidate_of("/x", both).publishers == (both[1],)
    assert candidate_of("/x", (both[0],)).kind == RAW
    assert candidate_of("/x", (both[0],), raw_too=False) is None
    assert candidate_of("/x", (both[2],)) is None


def test_only_raw_images_of_reliable_publishers_are_subscribed_reliably():
    assert not wants_reliable(JPEG, "auto")
    assert wants_reliable(PIXELS, "auto")
    assert not wants_reliable(PIXELS, "best_effort")
    assert wants_reliable(JPEG, "reliable")
    mixed = TopicCandidate("/x", RAW, (Publisher("/a", RAW, True), Publisher("/b", RAW, False)))
    assert not wants_reliable(mixed, "auto"), "best effort receives both"


@pytest.mark.parametrize(
    ("offer", "others", "odd", "reliable", "expected"),
    [
        (None, {}, {}, False, "on /r/front/image/compressed: it has no publisher; image topics seen: none"),
        (
            None,
            {"/b/image": RAW, "/a/image/compressed": COMPRESSED},
            {},
            False,
            "it has no publisher; image topics seen: /a/image/compressed (CompressedImage), /b/image (Image). "
            "If one of them is this camera, set camera.topics: front=TOPIC",
        ),
        (None, {f"/c{number}/image": RAW for number in range(20)}, {}, False, " and 12 more"),
        (
            None,
            {},
            {"/r/front/image": "std_msgs/msg/String"},
            False,
            "on /r/front/image: what is published there is std_msgs/msg/String",
        ),
        (JPEG, {}, {}, False, "/cam publishes it, but nothing arrives: is the camera running"),
        (PIXELS, {}, {}, False, "FASTDDS_BUILTIN_TRANSPORTS=LARGE_DATA"),
        (JPEG, {}, {}, True, "/cam offers best effort on /r/front/image/compressed, but is subscribed reliably"),
    ],
)
def test_the_silence_sentence_gives_the_reason(offer, others, odd, reliable, expected):
    sentence = silence_sentence("front", 5.2, "/r/front/image/compressed", offer, others, odd, reliable)
    assert sentence.startswith("No frames for 5 s on ")
    assert expected in sentence
    assert "\n" not in sentence
