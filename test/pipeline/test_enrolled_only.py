"""``recognition.keep: watchlist``: nothing of a person who is not enrolled is on disk, in frames kept, or shared."""

import re

import cv2
import numpy as np
import pytest

from facetrack_ros.config import Config
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.event import FACE_MATCHED
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.catalog import MOBILEFACENET
from facetrack_ros.pipeline.analysis_stage import AnalysisStage
from facetrack_ros.pipeline.face_stage import FaceStage
from facetrack_ros.pipeline.history_writer import HistoryWriter
from facetrack_ros.pipeline.robot_pipeline import RobotPipeline
from facetrack_ros.pipeline.tracking_stage import TrackingStage
from facetrack_ros.tracking.factory import make_people_tracker
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.tracking.identity.gallery import GalleryEntry

DIMENSION = MOBILEFACENET.dimension
FRAMES, PERIOD_NS = 40, 10**8
#: Boxes of the enrolled person and of the stranger, and the colours that they show.
BOXES = {"anna": (40, 20, 140, 220), "stranger": (200, 20, 300, 220)}
COLOURS = {"anna": (30, 200, 30), "stranger": (30, 30, 220)}


def unit(seed):
    vector = np.random.default_rng(seed).normal(size=DIMENSION).astype(np.float32)
    return vector / np.linalg.norm(vector)


def seen(name, number):
    """A person's face in one frame: near the person's own, and different in each frame."""
    vector = unit({"anna": 1, "stranger": 2}[name]) + 0.02 * unit(1000 + number)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def frame_of(number, names):
    image = np.full((240, 320, 3), 128, np.uint8)
    for name in names:
        x1, y1, x2, y2 = BOXES[name]
        image[y1:y2, x1:x2] = COLOURS[name]
    return Frame("front", 10**12 + number * PERIOD_NS, number, encode_jpeg(image))


class Models:
    """Finds the people of a frame and their faces, by the number of frames so far."""

    batches = False
    contract = MOBILEFACENET

    def __init__(self, names):
        self._names, self._number = names, -1

    def reduction(self, width, height):
        return 1

    def detect(self, images):
        boxes = np.array([BOXES[name] for name in self._names], np.float32)
        return [Detections(boxes, np.full(len(boxes), 0.9, np.float32), "boxes") for _ in images]

    def degrees_to_upright(self, image):
        return None

    def faces(self, image, persons, selection=None):
        self._number += 1
        faces = []
        for row, name in enumerate(self._names):
            x1, y1, _, _ = BOXES[name]
            box = np.array([x1 + 30, y1 + 10, x1 + 70, y1 + 60], np.float32)
            embedding = seen(name, self._number)
            faces.append(Face(box, np.zeros((5, 2), np.float32), 0.9, 0.8, person=row, embedding=embedding))
        return tuple(faces)


class Robot:
    """A robot's frame loop with its history, after :data:`FRAMES` frames with Anna, who is enrolled, and a stranger."""

    def __init__(self, folder, names=("anna", "stranger"), **settings):
        self.folder = folder
        config = Config({"frame_history.mode": "continuous", **settings})
        self.history = RobotHistory.of_config(config, folder, "robot1", MOBILEFACENET, wait=True)
        analysis = AnalysisStage(("front",), config, FaceStage(("front",), config, lambda: True))
        tracking = TrackingStage(("front",), config)
        self.people = tracking.people = make_people_tracker("robot1", IdAllocator(), config, MOBILEFACENET)
        self.people.gallery.add(GalleryEntry("g_1", "Anna", MOBILEFACENET.id, unit(1), 0.9))
        self.tracks, self.events = [], []
        merges = MergeLog(self.history.path)
        tracking.event_listeners.append(lambda events: self.events.extend(events))
        tracking.event_listeners.append(lambda _: merges.append(self.people.take_new_decisions()))
        listeners = [lambda frame, tracks: self.tracks.extend(tracks)]
        pipeline = RobotPipeline(HistoryWriter(self.history, True), analysis, tracking, listeners)
        analysis.start("test", [Models(names)])
        for number in range(FRAMES):
            pipeline.add_frame(frame_of(number, names))
            assert analysis.drain()
        self.templates = [self.people.shared_template(person) for person in self.people.persons()]
        pipeline.close_camera("front")
        self.history.flush()
        assert self.history.recorder.drain()
        self.kept = list(self.history.frames_between("front", 0, 2**62))
        self.stored = list(self.history.recorder.archive.reader.between("front", 0, 2**62))
        store = self.history.sightings
        self.sightings = [sighting for sighting, _ in store.search(unit(1), 0, 2**62, limit=10_000)[0]]
        self.faces_stored = [face for each in store.persons() for face in store.best_faces(each.person_id)[0]]
        analysis.stop()
        self.history.close()

    def shared(self):
        return [face for template in self.templates if template is not None for face in template.embeddings]

    def published(self):
        """Embeddings of the tracks as they leave the tracker."""
        faces = (track.face for track in self.tracks)
        return [face.embedding for face in faces if face is not None and face.embedding is not None]

    def on_disk(self, vector):
        """Whether a file holds an embedding's numbers or a part of them."""
        parts = [vector.tobytes()[start : start + 64] for start in range(0, 4 * DIMENSION - 64, 64)]
        files = [file.read_bytes() for file in self.folder.rglob("*") if file.is_file()]
        return any(part in content for content in files for part in parts)

    def pictures_on_disk(self):
        """Every JPEG in any file, decoded as far as it is there."""
        for file in (file for file in self.folder.rglob("*") if file.is_file()):
            content = file.read_bytes()
            for found in re.finditer(b"\xff\xd8\xff", content):
                image = cv2.imdecode(np.frombuffer(content[found.start() :], np.uint8), cv2.IMREAD_COLOR)
                if image is not None:
                    yield image


def shows(image, name):
    """How many pixels have a person's colour."""
    return int((np.abs(image.astype(int) - COLOURS[name]).max(axis=2) < 40).sum())


def similar(embeddings, name):
    return [embedding for embedding in embeddings if float(embedding @ seen(name, 0)) > 0.9]


@pytest.fixture(scope="module")
def watchlist(tmp_path_factory):
    return Robot(tmp_path_factory.mktemp("watchlist"), **{"recognition.keep": "watchlist"})


@pytest.fixture(scope="module")
def everyone(tmp_path_factory):
    return Robot(tmp_path_factory.mktemp("all"))


def test_without_it_the_stranger_is_found_by_every_check_below(everyone):
    assert any(everyone.on_disk(seen("stranger", number)) for number in range(FRAMES))
    assert any(shows(image, "stranger") > 500 for image in everyone.pictures_on_disk())
    assert all(shows(frame.image, "stranger") > 10_000 for frame in (*everyone.kept, *everyone.stored))
    for faces in (everyone.published(), everyone.shared(), everyone.faces_stored):
        assert similar(faces, "stranger")


def test_no_embedding_of_the_stranger_is_written(watchlist):
    assert not any(watchlist.on_disk(seen("stranger", number)) for number in range(FRAMES))
    assert not similar(watchlist.faces_stored, "stranger")


def test_no_pixel_of_the_stranger_is_written_or_kept_for_requests(watchlist):
    assert watchlist.kept
    assert watchlist.stored
    for image in (*watchlist.pictures_on_disk(), *(frame.image for frame in (*watchlist.kept, *watchlist.stored))):
        assert shows(image, "stranger") == 0


def test_no_embedding_of_the_stranger_leaves_the_tracker(watchlist):
    assert not similar(watchlist.published(), "stranger")
    assert not similar(watchlist.shared(), "stranger")


def test_the_enrolled_person_is_kept_once_recognised(watchlist):
    (match,) = [event for event in watchlist.events if event.event == FACE_MATCHED]
    assert match.reference_name == "Anna"
    assert {sighting.person_id for sighting in watchlist.sightings} == {match.person_id}
    assert all(sighting.thumbnail for sighting in watchlist.sightings)
    assert similar(watchlist.shared(), "anna")
    assert similar(watchlist.published(), "anna")
    assert all(shows(frame.image, "anna") > 10_000 for frame in watchlist.stored)
    assert min(frame.stamp_ns for frame in watchlist.stored) == match.stamp_ns


def test_the_stranger_is_forgotten_with_the_visit(watchlist):
    (person,) = watchlist.people.persons()
    assert {sighting.person_id for sighting in watchlist.sightings} == {person}


def test_alone_the_stranger_leaves_events_only(tmp_path):
    robot = Robot(tmp_path, names=("stranger",), **{"recognition.keep": "watchlist"})
    assert (robot.kept, robot.stored, robot.sightings, robot.published()) == ([], [], [], [])
    assert not any(robot.on_disk(seen("stranger", number)) for number in range(FRAMES))
    assert [event.event for event in robot.events] == ["PERSON_IN", "PERSON_OUT"]


def test_a_person_deleted_from_the_gallery_is_kept_no_longer(tmp_path):
    robot = Robot(tmp_path, **{"recognition.keep": "watchlist"})
    robot.people.gallery.remove("g_1")
    assert robot.people.shared_template(robot.sightings[0].person_id) is None
