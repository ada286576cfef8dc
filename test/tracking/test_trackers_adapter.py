"""The library's trackers by name, in real time, with faces, and without its OpenCV."""

from importlib import metadata

import numpy as np
import pytest

from facetrack_ros.config import Config
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.face import Face
from facetrack_ros.errors import ConfigError
from facetrack_ros.tracking.factory import tracker_factory
from facetrack_ros.tracking.observation import Observation
from facetrack_ros.tracking.trackers_adapter import LIBRARY_TRACKERS, LibraryTracker

_EXTRA = "the trackers library is an extra: pip install facetrack_ros[trackers]"
trackers = pytest.importorskip("trackers", reason=_EXTRA)
supervision = pytest.importorskip("supervision", reason=_EXTRA)
THRESHOLD = 0.36


def observation(*persons, image=None):
    """Of ``(x, embedding or None)`` rows."""
    boxes = np.array([[x, 100, x + 60, 280] for x, _ in persons], np.float32).reshape(-1, 4)
    faces = [
        Face(box, np.zeros((5, 2), np.float32), 0.9, 0.8, person=row, embedding=persons[row][1])
        for row, box in enumerate(boxes)
        if persons[row][1] is not None
    ]
    return Observation.of(Detections(boxes, np.full(len(boxes), 0.9, np.float32), "boxes"), faces, image=image)


@pytest.fixture(params=LIBRARY_TRACKERS)
def see(request):
    tracker = LibraryTracker(request.param, THRESHOLD)
    start_ns = 1_795_000_000_000_000_000
    return lambda time_s, *persons: tracker.update(start_ns + round(time_s * 1e9), observation(*persons)).tolist()


def test_two_walkers_keep_their_keys_over_empty_and_uneven_frames(see):
    times = np.cumsum([0.0, 0.04, 0.03, 0.05, 0.04, 0.12, 0.04])
    shown = [see(time, (100 + 50 * time, None), (400 - 50 * time, None)) for time in times]
    assert see(times[-1] + 0.04) == []
    shown.append(see(times[-1] + 0.08, (100 + 50 * times[-1], None), (400 - 50 * times[-1], None)))
    firsts = {keys[0] for keys in shown if keys[0] >= 0}
    seconds = {keys[1] for keys in shown if keys[1] >= 0}
    assert len(firsts) == len(seconds) == 1
    assert firsts != seconds


def test_tracks_age_in_seconds_not_in_frames(see):
    for step in range(4):
        before = see(0.04 * step, (100, None))
    see(0.2)
    for step in range(4):
        after = see(5 + 0.04 * step, (100, None))
    assert before[0] >= 0
    assert after[0] >= 0
    assert before != after


def jittery_walkers(frames, fps):
    """Boxes of six people who walk apart from each other, off by 5 % of their height, one in twenty missed."""
    rng = np.random.default_rng(7)
    for number in range(frames):
        x = 100 + 150 * np.arange(6) + 20 * number / fps
        boxes = np.stack([x, np.full(6, 100), x + 40, np.full(6, 200)], axis=1) + rng.normal(size=(6, 4)) * 5
        shown = rng.uniform(size=6) > 0.05
        yield Detections(boxes[shown].astype(np.float32), np.full(shown.sum(), 0.9, np.float32), "boxes")


def library_ids(name, fps, frames):
    """Number of ids that the library gives by itself, told the true frame rate."""
    options = {"enable_cmc": False} if name == "botsort" else {}
    tracker = getattr(trackers, LIBRARY_TRACKERS[name])(frame_rate=fps, **options)
    ids = set()
    for found in frames:
        detections = supervision.Detections(xyxy=found.boxes.astype(float), confidence=found.scores.astype(float))
        ids |= set(tracker.update(detections).tracker_id.tolist())
    return len(ids - {-1})


@pytest.mark.parametrize("name", LIBRARY_TRACKERS)
@pytest.mark.parametrize("fps", [30, 7, 2])
@pytest.mark.parametrize("uneven", [False, True])
def test_no_frame_rate_makes_more_tracks_than_the_library_by_itself(name, fps, uneven):
    frames = list(jittery_walkers(100, fps))
    tracker, ids, rng = LibraryTracker(name, THRESHOLD), set(), np.random.default_rng(3)
    for number, found in enumerate(frames):
        late = rng.uniform(-0.15, 0.15) if uneven else 0
        stamp_ns = 1_795_000_000_000_000_000 + round((number + late) * 1e9 / fps)
        ids |= set(tracker.update(stamp_ns, Observation.of(found, ())).tolist())
    assert len(ids - {-1}) <= library_ids(name, fps, frames) + 1


def test_a_clearly_different_face_gets_a_key_of_its_own(see, embedding_of):
    for step in range(4):
        before = see(0.04 * step, (100, embedding_of(1)))
    after = see(0.16, (100, embedding_of(2)))
    assert before[0] >= 0
    assert after != before
    assert see(0.2, (100, embedding_of(2))) == after


def test_the_configuration_chooses_by_name():
    for name in LIBRARY_TRACKERS:
        tracker = tracker_factory(Config({"tracking.association": name}), THRESHOLD)()
        assert isinstance(tracker, LibraryTracker)


def test_an_impossible_choice_is_refused():
    with pytest.raises(ConfigError, match="there are: bytetrack"):
        LibraryTracker("deepsort", THRESHOLD)
    with pytest.raises(ConfigError, match="camera's motion"):
        tracker_factory(Config({"tracking.association": "ocsort", "tracking.camera_motion": "orb"}), THRESHOLD)


@pytest.mark.parametrize("association", ["own", "botsort"])
def test_camera_motion_does_not_break_tracks(association):
    """People stand still; the camera turns by 70 px between frames, more than their boxes are wide."""
    rng = np.random.default_rng(7)
    wall = np.kron(rng.integers(0, 255, (40, 160, 3)), np.ones((12, 12, 1))).astype(np.uint8)
    keys = {"off": [], "sparseOptFlow": []}
    for motion, seen in keys.items():
        tracker = tracker_factory(
            Config({"tracking.association": association, "tracking.camera_motion": motion}), 0.36
        )()
        for step in range(12):
            # It looks one way for a while, so that no speed is learned, then turns.
            shift = 70 * max(0, step - 5)
            seen += tracker.update(
                step * 40_000_000, observation((600 - shift, None), image=wall[:, shift : shift + 1000])
            ).tolist()
    assert len(set(keys["sparseOptFlow"])) == 1 < len(set(keys["off"]))


def test_the_headless_opencv_stays():
    """The library asks for opencv-python, which needs libGL and writes over the headless one."""
    names = {each.metadata["Name"].lower() for each in metadata.distributions()}
    assert "opencv-python" not in names
    assert "opencv-python-headless" in names
