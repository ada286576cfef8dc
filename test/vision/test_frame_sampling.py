"""The detector looks as often as it is asked to, and not at a scene that has not changed."""

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


def test_by_default_every_frame_is_worth_a_look():
    attention, still = FrameSampler(), frame(room(1))
    assert [attention.decide(still) for _ in range(3)] == [FrameDecision.ANALYZE] * 3


def test_the_detector_looks_at_the_rate_asked_for_however_uneven_the_frames_come():
    attention = FrameSampler(rate_hz=5.0)
    random = np.random.default_rng(3)
    stamps = START_NS + np.sort(random.integers(0, 10 * SECOND_NS, 250))
    worths = [attention.decide(Frame("front", int(stamp), 0, b"")) for stamp in stamps]
    assert worths.count(FrameDecision.ANALYZE) == 50
    assert worths.count(FrameDecision.SKIP) == 200


def test_noise_is_no_change_and_somebody_who_comes_is():
    attention = FrameSampler(still_below=10.0)
    worths = [
        attention.decide(frame(room(seed, person_x)))
        for seed, person_x in enumerate((None, None, None, 400, 400, 430, None))
    ]
    assert worths == [
        FrameDecision.ANALYZE,
        FrameDecision.UNCHANGED,
        FrameDecision.UNCHANGED,
        FrameDecision.ANALYZE,
        FrameDecision.UNCHANGED,
        FrameDecision.ANALYZE,
        FrameDecision.ANALYZE,
    ]


def test_what_changes_slowly_is_looked_at_once_it_has_changed():
    attention = FrameSampler(still_below=10.0)
    worths = [attention.decide(frame(np.full((360, 640, 3), 100 + level, np.uint8))) for level in range(0, 40, 2)]
    assert worths.count(FrameDecision.ANALYZE) == 4


def test_a_frame_that_cannot_be_read_is_left_to_whoever_looks():
    attention = FrameSampler(still_below=10.0)
    picture = room(1)
    assert [attention.decide(frame(data)) for data in (picture, b"", b"no picture", picture, picture)] == [
        FrameDecision.ANALYZE,
        FrameDecision.ANALYZE,
        FrameDecision.ANALYZE,
        FrameDecision.ANALYZE,
        FrameDecision.UNCHANGED,
    ]
