"""Tracks and events of analysed and other frames."""

import numpy as np
import pytest

from facetrack_ros.config import Config
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.event import PERSON_IN, PERSON_OUT
from facetrack_ros.models.catalog import MOBILEFACENET
from facetrack_ros.pipeline.tracking_stage import TrackingStage
from facetrack_ros.tracking.factory import make_people_tracker
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.vision.frame_analysis import FrameAnalysis

SECOND = 10**9


class Clock:
    now_ns = 0

    def __call__(self):
        return self.now_ns


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def stage(clock):
    config = Config()
    stage = TrackingStage(("front",), config, clock_ns=clock)
    stage.people = make_people_tracker("robot1", IdAllocator(), config, MOBILEFACENET)
    stage.tracks, stage.events = {}, []
    stage.track_listeners.append(
        lambda frame, tracks: stage.tracks.update({frame.number: [float(track.bbox[0]) for track in tracks]})
    )
    stage.event_listeners.append(lambda events: stage.events.extend(event.event for event in events))
    return stage


def persons(number):
    box = np.array([[100 + 10 * number, 100, 200 + 10 * number, 400]], np.float32)
    return Detections(box, np.ones(1, np.float32), "a model")


def test_an_analysed_frame_yields_its_tracks_at_once(stage, make_frame):
    stage.add_analysis(make_frame(0), FrameAnalysis(persons(0)))
    assert stage.tracks == {0: [100.0]}


def test_until_the_embedder_is_known_there_are_no_tracks(stage, make_frame):
    stage.people = None
    stage.add_analysis(make_frame(0), FrameAnalysis(persons(0)))
    assert stage.tracks == {}


def test_detections_wait_for_their_faces_and_skipped_frames_for_those_before_them(stage, make_frame):
    for number in (0, 2):
        stage.add_detections(make_frame(number), persons(number))
        stage.add_skipped(make_frame(number + 1))
        assert len(stage.tracks) == number
        stage.add_faces(make_frame(number), ())
        assert list(stage.tracks) == list(range(number + 2))
    assert stage.tracks[3] == [130.0], "extrapolated at the speed of the last two boxes"


def test_a_silent_camera_s_visits_end_when_its_time_has_passed(stage, clock, make_frame):
    for number in range(15):
        clock.now_ns = number * SECOND // 10
        stage.add_analysis(make_frame(number), FrameAnalysis(persons(0)))
    assert stage.events == [PERSON_IN]
    stage.advance()
    assert stage.events == [PERSON_IN]
    clock.now_ns += 10 * SECOND
    stage.advance()
    assert stage.events == [PERSON_IN, PERSON_OUT]


@pytest.mark.parametrize("close", [lambda stage: stage.close(), lambda stage: stage.close_camera("front")])
def test_closing_ends_all_visits(stage, make_frame, close):
    for number in range(15):
        stage.add_analysis(make_frame(number), FrameAnalysis(persons(0)))
    close(stage)
    assert stage.events == [PERSON_IN, PERSON_OUT]
