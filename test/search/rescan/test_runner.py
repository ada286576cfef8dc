"""A rescan finds faces in skipped frames, reports its extent, and scans no frame twice."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from facetrack_ros.clips.sources import LiveSource
from facetrack_ros.core.detections import Detections, FaceDetections
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


class Models:
    """Finds Anna in a grey image, Boris in a light one, no person in a black one; counts the images.

    :param finds_faces: whether the person detector finds faces, too.
    """

    contract = CONTRACT

    def __init__(self, finds_faces=False):
        self.detected = self.embedded = 0
        self._finds_faces = finds_faces

    def detect(self, images):
        self.detected += len(images)
        return [self._detections(int(image.mean() > 50)) for image in images]

    def _detections(self, count):
        boxes = np.tile(np.array([[10, 10, 50, 60]], np.float32), (count, 1))
        faces = None
        if self._finds_faces:
            faces = FaceDetections(boxes + 5, np.zeros((count, 5, 2), np.float32), np.ones(count, np.float32))
        return Detections(boxes, np.ones(count, np.float32), "detector", faces, np.arange(count))

    def faces(self, image, persons, selection):
        embedding = ANNA if image.mean() < 150 else BORIS
        box, landmarks = np.array([20, 15, 40, 35], np.float32), np.zeros((5, 2), np.float32)
        rows = (
            np.arange(len(persons))
            if persons.faces is not None
            else np.flatnonzero(selection.search_mask(persons.boxes))
        )
        found = [Face(box, landmarks, 0.9, 0.8, person=int(row)) for row in rows]
        chosen = selection.embed_mask(persons.boxes, found)
        self.embedded += sum(chosen)
        return tuple(replace(face, embedding=embedding) if embed else face for face, embed in zip(found, chosen))


def image_of(who):
    return encode_jpeg(np.full((64, 64, 3), GREY[who], np.uint8))


@pytest.fixture
def history(tmp_path):
    kept = RobotHistory(tmp_path, "robot1", CONTRACT, FrameSettings(mode=ALERT))
    yield kept
    kept.close()


def add_frames(history, people, camera="front", start=0.0, step=0.1):
    for number, who in enumerate(people):
        history.add_frame(Frame(camera, round((start + number * step) * SECOND), number, image_of(who)))


def scan(history, models=None, stopped=lambda: False, slice=ALL, cameras=()):
    frames = LiveSource(history)
    wanted = frames_without_face(frames, (history.sightings,), *slice, cameras)
    return rescan(frames, wanted, history.sightings, models or [Models()], stopped)


def matches_of(history, face):
    return search_history(history.sightings, SearchRequest("s", face, "net"))[1]


def test_a_face_in_a_skipped_frame_is_found_and_marked(history):
    add_frames(history, ["nobody", "nobody", "anna", "nobody"])
    assert matches_of(history, ANNA) == ()
    done = scan(history)
    assert (done.scanned, done.remaining, done.faces) == (4, 0, 1)
    (match,) = matches_of(history, ANNA)
    assert (match.stamp_ns, match.frame_number, match.rescanned) == (2 * SECOND // 10, 2, True)
    assert match.thumbnail
    assert match.face_bbox.tolist() == [20, 15, 40, 35]
    assert matches_of(history, BORIS) == ()


def test_a_rescan_makes_no_events(history):
    add_frames(history, ["anna"])
    scan(history)
    assert history.events.written == history.events.unwritten == 0


def test_a_rescanned_frame_is_not_scanned_again(history):
    add_frames(history, ["nobody", "anna", "nobody"])
    scan(history)
    models = Models()
    assert scan(history, [models]).scanned == 0
    assert models.detected == 0
    add_frames(history, ["nobody"], start=5)
    assert scan(history, [models]).scanned == 1


def test_frames_within_a_sighting_have_a_face(history):
    add_frames(history, ["anna"] * 5)
    for stamp in (1, 3):
        box = np.zeros(4)
        history.sightings.add("front", stamp * SECOND // 10, stamp, "t1", "p_1", box, box, 0.5, ANNA, bytes)
    wanted = frames_without_face(LiveSource(history), (history.sightings,), *ALL)
    assert [stamp * 10 // SECOND for stamp, _ in wanted] == [4, 0]


def test_the_newest_frames_come_first_and_the_remaining_ones_are_counted(history):
    add_frames(history, ["anna"] + ["nobody"] * 29)
    add_frames(history, ["nobody"] * 30, "rear", start=0.05)
    left = threading.Semaphore(20)
    done = scan(history, stopped=lambda: not left.acquire(blocking=False))
    assert 10 <= done.scanned <= 20
    assert done.scanned + done.remaining == 60
    stamps = {camera: history.sightings.rescanned_stamps(camera, *ALL) for camera in ("front", "rear")}
    scanned = {(stamp, camera) for camera in stamps for stamp in stamps[camera]}
    waiting = frames_without_face(LiveSource(history), (history.sightings,), *ALL)
    assert len(scanned) == done.scanned
    assert len(waiting) == done.remaining
    # A window of half a second is scanned at once.
    assert min(scanned)[0] + SECOND // 2 >= waiting[0][0] - SECOND // 2
    assert scan(history).remaining == 0
    assert matches_of(history, ANNA)


def test_a_rescan_stopped_before_its_start_scans_nothing(history):
    add_frames(history, ["anna"] * 3)
    done = scan(history, stopped=lambda: True)
    assert (done.scanned, done.remaining) == (0, 3)


def test_only_the_requested_time_and_cameras_are_scanned(history):
    add_frames(history, ["nobody"] * 10)
    add_frames(history, ["nobody"] * 10, "rear")
    assert scan(history, slice=(0, 3 * SECOND // 10), cameras=("rear",)).scanned == 4


@pytest.mark.parametrize("threads", [2, 3])
def test_the_result_does_not_depend_on_the_number_of_threads(tmp_path, threads):
    found = []
    for count in (1, threads):
        kept = RobotHistory(tmp_path / str(count), "robot1", CONTRACT, FrameSettings())
        add_frames(kept, ["nobody", "anna", "anna", "boris"] * 12)
        scan(kept, [Models() for _ in range(count)])
        stored = kept.sightings.between("front", *ALL)
        found.append([(s.stamp_ns, s.first_ns, s.last_ns, s.track_id, s.embedding.tolist()) for s in stored])
        kept.close()
    assert found[0]
    assert found[0] == found[1]


def test_a_face_within_a_stored_track_gets_its_track_and_person(history):
    box = np.array([5, 5, 60, 63], np.float32)
    history.add_tracks("front", 0, 0, [Track("t_7", "p_robot1_7", TrackState.TRACKING, box, 0.9)])
    add_frames(history, ["anna"])
    models = Models()
    scan(history, [models])
    (match,) = matches_of(history, ANNA)
    assert (match.track_id, match.person_id) == ("t_7", "p_robot1_7")
    assert models.detected == 0, "a frame with stored tracks needs no person detection"


@pytest.mark.parametrize("finds_faces", [False, True])
def test_a_person_s_face_is_embedded_once_a_window(history, finds_faces):
    add_frames(history, ["anna"] * 5)
    models = Models(finds_faces)
    assert scan(history, [models]).faces == 1
    assert (models.detected, models.embedded) == (5, 1)


def test_similar_faces_of_an_unknown_person_are_linked_to_one_track(history):
    add_frames(history, ["anna"] * 12 + ["boris"] * 12 + ["nobody"] * 120 + ["anna"])
    scan(history)
    anna, boris = matches_of(history, ANNA), matches_of(history, BORIS)
    assert [match.person_id for match in (*anna, *boris)] == ["", "", ""]
    assert len({match.track_id for match in (*anna, *boris)}) == 3
    assert len(boris) == 1


def test_a_frame_that_cannot_be_decoded_has_no_faces(history):
    history.add_frame(Frame("front", 0, 0, b"no picture"))
    add_frames(history, ["anna"], start=1)
    done = scan(history)
    assert (done.scanned, done.faces) == (2, 1)


def test_notes_of_rescanned_frames_are_stored(history, tmp_path):
    assert history.sightings.rescanned_stamps("front", *ALL) == set()
    assert not history.sightings.found_by_rescan("front", 0)
    add_frames(history, ["anna"])
    scan(history)
    history.flush()
    from facetrack_ros.history.sightings.store import SightingStore

    store = SightingStore.open_readonly(tmp_path / "robot1", CONTRACT)
    assert store.rescanned_stamps("front", *ALL) == {0}
    assert store.found_by_rescan("front", 0)
    store.close()
