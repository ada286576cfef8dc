"""Frames are analysed at the set rate, and not where the scene is unchanged."""

import cv2
import numpy as np

from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.vision.frame_sampling import FrameDecision, FrameSampler

SECOND_NS = 1_000_000_000
START_NS = 1_777_636_800 * SECOND_NS


def frame(image, stamp_ns=START_NS, number=0):
    return Frame("front", stamp_ns, number, encode_jpeg(image) if isinstance(image, np.ndarray) else image)


def room(seed, person_x=None):
    random = np.random.default_rng(seed)  # the camera's noise, new in each frame
    image = np.full((360, 640, 3), (90, 110, 120), np.float32)
    cv2.rectangle(image, (60, 80), (200, 340), (60, 70, 160), cv2.FILLED)
    if person_x is not None:
        cv2.rectangle(image, (person_x, 150), (person_x + 24, 220), (40, 40, 40), cv2.FILLED)
    return np.clip(image + random.normal(0, 3, image.shape), 0, 255).astype(np.uint8)


def test_every_frame_is_analysed_by_default():
    sampler, still = FrameSampler(), frame(room(1))
    assert [sampler.decide(still) for _ in range(3)] == [FrameDecision.ANALYZE] * 3


def test_frames_are_analysed_at_the_set_rate_even_at_uneven_intervals():
    sampler = FrameSampler(rate_hz=5.0)
    random = np.random.default_rng(3)
    stamps = START_NS + np.sort(random.integers(0, 10 * SECOND_NS, 250))
    decisions = [sampler.decide(Frame("front", int(stamp), 0, b"")) for stamp in stamps]
    assert decisions.count(FrameDecision.ANALYZE) == 50
    assert decisions.count(FrameDecision.SKIP) == 200


def test_noise_is_no_change_and_a_person_is():
    sampler = FrameSampler(still_below=10.0)
    places = (None, None, None, 400, 400, 430, None)
    decisions = [sampler.decide(frame(room(seed, person_x))) for seed, person_x in enumerate(places)]
    assert [decision is FrameDecision.ANALYZE for decision in decisions] == [
        True,
        False,
        False,
        True,
        False,
        True,
        True,
    ]
    assert FrameDecision.SKIP not in decisions


def test_slow_changes_add_up():
    sampler = FrameSampler(still_below=10.0)
    decisions = [sampler.decide(frame(np.full((360, 640, 3), 100 + level, np.uint8))) for level in range(0, 40, 2)]
    assert decisions.count(FrameDecision.ANALYZE) == 4


def test_an_unreadable_frame_is_passed_to_the_analysis():
    sampler = FrameSampler(still_below=10.0)
    picture = room(1)
    decisions = [sampler.decide(frame(data)) for data in (picture, b"", b"no picture", picture, picture)]
    assert decisions == [FrameDecision.ANALYZE] * 4 + [FrameDecision.UNCHANGED]
