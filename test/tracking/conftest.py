"""Scenes in literal numbers: boxes that walk, faces that are unit vectors."""

import numpy as np
import pytest

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.face import Face
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.tracking.people_tracker import PeopleTracker
from facetrack_ros.tracking.settings import TrackingSettings

THRESHOLD = 0.36
MODEL = "a-model"


@pytest.fixture
def embedding_of():
    """The face of a person, by number: exactly ``similarity`` to the person's front, unlike all other persons'."""

    def make(person: int, similarity: float = 1.0, side: int = 0) -> np.ndarray:
        vector = np.zeros(64, np.float32)
        vector[person] = similarity
        vector[32 + side] = np.sqrt(1 - similarity**2)
        return vector

    return make


class Scene:
    """One robot whose frames are written as lists of persons: ``(x, face or None)``, a person 60 px wide at ``x``."""

    def __init__(self, **settings):
        self.people = PeopleTracker("robot1", IdAllocator(), TrackingSettings(**settings), THRESHOLD, MODEL)
        self.events = []
        self.number = {}

    def show(self, time_s, *persons, camera="front", quality=0.8, score=0.7):
        """Show a frame at ``time_s``; returns its tracks."""
        boxes = np.array([[x, 100, x + 60, 280] for x, _ in persons], np.float32).reshape(-1, 4)
        landmarks, faces = np.zeros((5, 2), np.float32), []
        for row, (x, embedding) in enumerate(persons):
            if embedding is not None:
                box = np.array([x + 20, 110, x + 40, 135], np.float32)
                faces.append(Face(box, landmarks, 0.9, quality, person=row, embedding=embedding))
        number = self.number[camera] = self.number.get(camera, -1) + 1
        detections = Detections(boxes, np.full(len(boxes), score, np.float32), "boxes")
        tracks, events = self.people.update(camera, round(time_s * 1e9), number, detections, faces)
        self.events += events
        return tracks

    def pass_time(self, time_s, camera="front"):
        self.events += self.people.advance(camera, round(time_s * 1e9))

    def close(self, camera=None):
        self.events += self.people.close(camera)

    def summary(self):
        """Events in short: kind, person, stamp in seconds."""
        return [(event.event, event.person_id, round(event.stamp_ns / 1e9, 3)) for event in self.events]


@pytest.fixture
def make_scene():
    return Scene


@pytest.fixture
def scene():
    return Scene()
