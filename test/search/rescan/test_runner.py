"""Looking again finds what was skipped, tells how far it came, and does nothing twice."""

import threading

import numpy as np
import pytest

from facetrack_ros.clips.sources import LiveSource
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.history.frames.settings import ALERT, FrameSettings
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.local_search import search_history
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.rescan.runner import frames_without_face, rescan

CONTRACT = ModelContract(
    "net", "embedding", "onnx", "net.onnx", "", 1, "MIT", dimension=4, threshold=0.35, purpose="identity"
)
SECOND = 10**9
ALL = (-(2**62), 2**62)
ANNA, BORIS = np.eye(4, dtype=np.float32)[:2]
GREY = {"nobody": 0, "anna": 100, "boris": 200}


class FrameAnalyzer:
    """Sees Anna in a grey picture, Boris in a light one, nobody in a black one; and remembers which it saw."""

    contract = CONTRACT

    def __init__(self):
        self.looked = 0

    def detect(self, images):
        self.looked += len(images)
        return [
            Detections(
                np.array([[10, 10, 50, 60]] if image.mean() > 50 else np.empty((0, 4)), np.float32),
                np.ones(int(image.mean() > 50), np.float32),
                "eyes",
            )
            for image in images
        ]

    def faces(self, image, persons, choose=None):
        who = ANNA if image.mean() < 150 else BORIS
        return tuple(
            Face(
                np.array([20, 15, 40, 35], np.float32),
                np.zeros((5, 2), np.float32),
                0.9,
                0.8,
                person=row,
                embedding=who,
            )
            for row in range(len(persons))
        )


def picture(who):
    return encode_jpeg(np.full((64, 64, 3), GREY[who], np.uint8))


@pytest.fixture
def history(tmp_path):
    kept = RobotHistory(tmp_path, "robot1", CONTRACT, FrameSettings(mode=ALERT))
    yield kept
    kept.close()


def film(history, people, camera="front", start=0.0, step=0.1):
    for number, who in enumerate(people):
        history.add_frame(Frame(camera, round((start + number * step) * SECOND), number, picture(who)))


def look_again(history, eyes=None, over=lambda: False, slice=ALL, cameras=()):
    frames = LiveSource(history)
    wanted = frames_without_face(frames, (history.sightings,), *slice, cameras)
    return rescan(frames, wanted, history.sightings, eyes or [FrameAnalyzer()], over)


def who_is_found(history, face):
    return search_history(history.sightings, SearchRequest("s", face, "net"))[1]


def test_a_face_in_a_skipped_frame_is_found_and_marked(history):
    film(history, ["nobody", "nobody", "anna", "nobody"])
    assert who_is_found(history, ANNA) == ()
    done = look_again(history)
    assert (done.looked, done.remaining, done.faces) == (4, 0, 1)
    (match,) = who_is_found(history, ANNA)
    assert (match.stamp_ns, match.frame_number, match.rescanned) == (2 * SECOND // 10, 2, True)
    assert match.thumbnail
    assert match.face_bbox.tolist() == [20, 15, 40, 35]
    assert who_is_found(history, BORIS) == ()


def test_looking_again_makes_no_events(history):
    film(history, ["anna"])
    look_again(history)
    assert history.events.written == history.events.unwritten == 0


def test_what_was_looked_at_again_is_not_looked_at_a_third_time(history):
    film(history, ["nobody", "anna", "nobody"])
    look_again(history)
    eyes = FrameAnalyzer()
    assert look_again(history, [eyes]).looked == 0
    assert eyes.looked == 0
    film(history, ["nobody"], start=5)
    assert look_again(history, [eyes]).looked == 1


def test_frames_within_a_sighting_gave_their_face(history):
    film(history, ["anna"] * 5)
    for stamp in (1, 3):
        history.sightings.add(
            "front", stamp * SECOND // 10, stamp, "t1", "p_1", np.zeros(4), np.zeros(4), 0.5, ANNA, bytes
        )
    wanted = frames_without_face(LiveSource(history), (history.sightings,), *ALL)
    assert [stamp * 10 // SECOND for stamp, _ in wanted] == [4, 0]


def test_the_newest_frames_come_first_and_the_rest_is_told(history):
    film(history, ["anna"] + ["nobody"] * 29)
    film(history, ["nobody"] * 30, "rear", start=0.05)
    left = threading.Semaphore(20)
    done = look_again(history, over=lambda: not left.acquire(blocking=False))
    assert 10 <= done.looked <= 20
    assert done.looked + done.remaining == 60
    looked = {
        (stamp, camera) for camera in ("front", "rear") for stamp in history.sightings.rescanned_stamps(camera, *ALL)
    }
    waiting = frames_without_face(LiveSource(history), (history.sightings,), *ALL)
    assert len(looked) == done.looked
    assert len(waiting) == done.remaining
    # Half a second of a camera is looked at in one go.
    assert min(looked)[0] + SECOND // 2 >= waiting[0][0] - SECOND // 2
    assert look_again(history).remaining == 0
    assert who_is_found(history, ANNA)


def test_time_that_is_up_before_it_begins_looks_at_nothing(history):
    film(history, ["anna"] * 3)
    done = look_again(history, over=lambda: True)
    assert (done.looked, done.remaining) == (0, 3)


def test_the_slice_and_the_cameras_asked_for_are_kept(history):
    film(history, ["nobody"] * 10)
    film(history, ["nobody"] * 10, "rear")
    assert look_again(history, slice=(0, 3 * SECOND // 10), cameras=("rear",)).looked == 4


@pytest.mark.parametrize("threads", [2, 3])
def test_what_is_found_does_not_depend_on_the_threads(tmp_path, threads):
    found = []
    for count in (1, threads):
        kept = RobotHistory(tmp_path / str(count), "robot1", CONTRACT, FrameSettings())
        film(kept, ["nobody", "anna", "anna", "boris"] * 12)
        look_again(kept, [FrameAnalyzer() for _ in range(count)])
        found.append(
            [
                (one.stamp_ns, one.first_ns, one.last_ns, one.track_id, one.embedding.tolist())
                for one in kept.sightings.between("front", *ALL)
            ]
        )
        kept.close()
    assert found[0]
    assert found[0] == found[1]


def test_somebody_who_was_followed_keeps_track_and_person(history):
    box = np.array([5, 5, 60, 63], np.float32)
    history.add_tracks("front", 0, 0, [Track("t_7", "p_robot1_7", TrackState.TRACKING, box, 0.9)])
    film(history, ["anna"])
    eyes = FrameAnalyzer()
    look_again(history, [eyes])
    (match,) = who_is_found(history, ANNA)
    assert (match.track_id, match.person_id) == ("t_7", "p_robot1_7")
    assert eyes.looked == 0, "where somebody was followed, persons need not be found once more"


def test_faces_of_nobody_known_that_follow_each_other_are_one_track(history):
    film(history, ["anna"] * 12 + ["boris"] * 12 + ["nobody"] * 60 + ["anna"])
    look_again(history)
    anna, boris = who_is_found(history, ANNA), who_is_found(history, BORIS)
    assert [match.person_id for match in (*anna, *boris)] == ["", "", ""]
    assert len({match.track_id for match in (*anna, *boris)}) == 3
    assert len(boris) == 1


def test_a_frame_that_does_not_decode_holds_nobody(history):
    history.add_frame(Frame("front", 0, 0, b"no picture"))
    film(history, ["anna"], start=1)
    done = look_again(history)
    assert (done.looked, done.faces) == (2, 1)


def test_a_store_from_before_has_no_notes_and_can_be_read(history, tmp_path):
    assert history.sightings.rescanned_stamps("front", *ALL) == set()
    assert not history.sightings.found_by_rescan("front", 0)
    film(history, ["anna"])
    look_again(history)
    history.flush()
    from facetrack_ros.history.sightings.store import SightingStore

    store = SightingStore.open_readonly(tmp_path / "robot1", CONTRACT)
    assert store.rescanned_stamps("front", *ALL) == {0}
    assert store.found_by_rescan("front", 0)
    store.close()
