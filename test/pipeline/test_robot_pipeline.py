"""Each frame passes history, analysis and tracking once, and its tracks and events reach the history."""

import pytest

from facetrack_ros.config import Config
from facetrack_ros.core.event import PERSON_IN, PERSON_OUT
from facetrack_ros.models.catalog import MOBILEFACENET
from facetrack_ros.pipeline.analysis_stage import AnalysisStage
from facetrack_ros.pipeline.face_stage import FaceStage
from facetrack_ros.pipeline.robot_pipeline import RobotPipeline
from facetrack_ros.pipeline.tracking_stage import TrackingStage
from facetrack_ros.tracking.factory import make_people_tracker
from facetrack_ros.tracking.id_allocator import IdAllocator


class History:
    """Records what is stored."""

    def __init__(self):
        self.frames, self.tracks, self.events, self.with_faces = [], [], [], []

    def add_frame(self, frame):
        self.frames.append(frame.number)

    def add_analysis(self, frame, analysis):
        self.with_faces.append(analysis.with_faces)

    def add_tracks(self, frame, tracks):
        self.tracks.append((frame.number, len(tracks)))

    def add_events(self, events):
        self.events += [event.event for event in events]


@pytest.fixture
def make_pipeline(make_models):
    started = []

    def make(extrapolate=True, **settings):
        config = Config({name.replace("__", "."): value for name, value in settings.items()})
        analysis = AnalysisStage(("front",), config, FaceStage(("front",), config, lambda: False))
        tracking = TrackingStage(("front",), config)
        tracking.people = make_people_tracker("robot1", IdAllocator(), config, MOBILEFACENET)
        history, overlay = History(), []
        pipeline = RobotPipeline(
            history, analysis, tracking, [lambda frame, _: overlay.append(frame.number)], extrapolate
        )
        analysis.start("test", [make_models()])
        started.append(analysis)
        return pipeline, history, overlay

    yield make
    for analysis in started:
        analysis.stop()


def add(pipeline, frames):
    for frame in frames:
        pipeline.add_frame(frame)
        assert pipeline.analysis.drain()


def test_each_frame_and_its_tracks_are_stored_once(make_pipeline, make_frame):
    pipeline, history, overlay = make_pipeline()
    add(pipeline, map(make_frame, range(15)))
    assert history.frames == overlay == list(range(15))
    assert history.tracks == [(number, 1) for number in range(15)]
    assert history.events == [PERSON_IN]
    pipeline.close_camera("front")
    assert history.events == [PERSON_IN, PERSON_OUT]


@pytest.mark.parametrize("extrapolate", [True, False])
def test_skipped_frames_are_stored_and_their_tracks_only_if_extrapolated(make_pipeline, make_frame, extrapolate):
    pipeline, history, _ = make_pipeline(extrapolate, detector__rate_hz=5.0)
    add(pipeline, map(make_frame, range(4)))
    assert history.frames == [0, 1, 2, 3]
    assert [number for number, _ in history.tracks] == ([0, 1, 2, 3] if extrapolate else [0, 2])
