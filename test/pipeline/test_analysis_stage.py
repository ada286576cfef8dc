"""Which frames are analysed, and what is delivered for the others."""

import pytest

from facetrack_ros.config import Config
from facetrack_ros.pipeline.analysis_stage import AnalysisStage
from facetrack_ros.pipeline.face_stage import FaceStage
from facetrack_ros.pipeline.stage_monitor import StageMonitor
from facetrack_ros.vision.frame_analysis import AnalysisTask, FrameAnalyzer
from facetrack_ros.vision.frame_sampling import FrameDecision

CAMERAS = ("front", "rear")


class Counted(StageMonitor):
    """Counts the frames that arrive, finish and fail."""

    def __init__(self):
        self.counts = {"arrived": [], "finished": [], "failed": []}

    def arrived(self, frame):
        self.counts["arrived"].append(frame.number)

    def finished(self, frame, took_s=0.0):
        self.counts["finished"].append(frame.number)

    def failed(self, camera_id, message, stamp_ns=None):
        self.counts["failed"].append(stamp_ns)


@pytest.fixture
def make_stage():
    stages = []

    def make(with_faces=True, monitor=None, **settings):
        config = Config({name.replace("__", "."): value for name, value in settings.items()})
        faces = FaceStage(CAMERAS, config, lambda: True) if with_faces else None
        stage = AnalysisStage(CAMERAS, config, faces, monitor or Counted())
        stage.delivered, stage.skipped, stage.received = [], [], []
        stage.listeners.append(lambda frame, analysis: stage.delivered.append((frame.number, analysis)))
        stage.skip_listeners.append(lambda frame: stage.skipped.append(frame.number))
        stage.frame_listeners.append(lambda frame: stage.received.append(frame.number))
        stages.append(stage)
        return stage

    yield make
    for stage in stages:
        stage.stop()


def add(stage, *frames):
    for frame in frames:
        stage.add_frame(frame)
        assert stage.drain()


def add_while_busy(stage, models, first, *others):
    """Add the other frames while the first one is analysed."""
    detect = models.detect

    def detect_slowly(images):
        if not models.shapes:
            for frame in others:
                stage.add_frame(frame)
        return detect(images)

    models.detect = detect_slowly
    stage.start("test", [models])
    add(stage, first)


def test_each_frame_arrives_and_finishes_once_with_its_analysis(make_stage, make_frame, make_models):
    monitor = Counted()
    stage = make_stage(monitor=monitor)
    stage.start("test", [make_models(), make_models()])
    add(stage, *(make_frame(number) for number in range(3)))
    assert [number for number, _ in stage.delivered] == [0, 1, 2]
    assert all(len(analysis.faces) == len(analysis.detections) == 1 for _, analysis in stage.delivered)
    assert monitor.counts == {"arrived": [0, 1, 2], "finished": [0, 1, 2], "failed": []}


def test_the_frames_of_all_cameras_go_through_a_batching_model_together(make_stage, make_frame, make_models):
    stage, models = make_stage(), make_models()
    models.batches = True
    add_while_busy(stage, models, make_frame(0), make_frame(1), make_frame(2, "rear"))
    assert models.batch_sizes == [1, 2]
    assert sorted((number, len(analysis.faces)) for number, analysis in stage.delivered) == [(0, 1), (1, 1), (2, 1)]


def test_frames_beyond_the_rate_are_skipped(make_stage, make_frame, make_models):
    stage = make_stage(detector__rate_hz=5.0)
    stage.start("test", [make_models()])
    add(stage, *(make_frame(number) for number in range(4)))
    assert [number for number, _ in stage.delivered] == [0, 2]
    assert stage.skipped == [1, 3]


def test_an_unchanged_frame_has_the_persons_of_the_last_analysed_one_without_faces(make_stage, make_frame, make_models):
    stage, models = make_stage(detector__still_below=10.0), make_models()
    stage.start("test", [models])
    add(stage, make_frame(0), make_frame(1), make_frame(2, white_image=True))
    assert [number for number, _ in stage.delivered] == [0, 1, 2]
    assert [len(analysis.faces) for _, analysis in stage.delivered] == [1, 0, 1]
    assert len(models.shapes) == 2


def test_an_unreadable_frame_fails_and_the_next_one_is_analysed(make_stage, make_frame, make_models, caplog):
    monitor = Counted()
    stage = make_stage(monitor=monitor)
    stage.start("test", [make_models()])
    broken = [make_frame(number, jpeg=b"no image") for number in (0, 1)]
    add(stage, *broken, make_frame(2))
    assert [number for number, _ in stage.delivered] == [2]
    assert monitor.counts["failed"] == [frame.stamp_ns for frame in broken]
    assert len(caplog.records) == 1, "a warning is not repeated for each frame"


def test_a_stopped_stage_only_passes_frames_on(make_stage, make_frame, make_models):
    stage = make_stage()
    add(stage, make_frame(0))
    stage.start("test", [make_models()])
    add(stage, make_frame(1))
    stage.stop()
    add(stage, make_frame(2))
    assert stage.received == [0, 1, 2]
    assert [number for number, _ in stage.delivered] == [1]


def test_without_faces_a_frame_is_decoded_no_larger_than_the_detector_needs(make_stage, make_frame, make_models):
    models, frame = make_models(reduction=2), make_frame(0)
    stage = make_stage(with_faces=False)
    stage.start("test", [models])
    add(stage, frame)
    assert models.shapes == [(24, 32)]
    assert not frame.decoded
    assert stage.delivered[0][1].detections.boxes.tolist() == [[2, 4, 6, 8]]
    assert stage.delivered[0][1].faces == ()


def test_with_faces_a_frame_is_decoded_once_for_all_models(make_stage, make_frame, make_models):
    models, frame = make_models(reduction=2), make_frame(0)
    stage = make_stage()
    stage.start("test", [models])
    add(stage, frame)
    assert models.shapes == [(48, 64)]
    assert frame.decoded


def test_offline_the_same_frames_are_analysed_and_delivered(make_stage, make_frame, make_models):
    stage, analyzer = make_stage(detector__rate_hz=5.0), FrameAnalyzer(make_models())
    tasks = {number: stage.begin(make_frame(number)) for number in range(4)}
    assert [isinstance(task, AnalysisTask) for task in tasks.values()] == [True, False, True, False]
    for number, task in tasks.items():
        stage.deliver(make_frame(number), task if isinstance(task, FrameDecision) else task.run(analyzer))
    assert [number for number, _ in stage.delivered] == [0, 2]
    assert stage.skipped == [1, 3]
    assert stage.received == [0, 1, 2, 3]


def test_while_a_frame_is_analysed_newer_ones_replace_the_waiting_one(make_stage, make_frame, make_models):
    stage = make_stage()
    add_while_busy(stage, make_models(), *map(make_frame, range(4)))
    assert [number for number, _ in stage.delivered] == [0, 3]


def test_a_failing_model_is_logged_and_its_frames_fail(make_stage, make_frame, make_models, caplog):
    monitor, models = Counted(), make_models()
    stage, frame = make_stage(monitor=monitor), make_frame(0)
    models.detect = lambda images: 1 / 0
    stage.start("test", [models])
    add(stage, frame)
    assert stage.delivered == []
    assert monitor.counts["failed"] == [frame.stamp_ns]
    assert "ZeroDivisionError" in caplog.text
