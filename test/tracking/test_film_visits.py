"""Visits of a real film without faces: six people come from below, one after the other, and leave at the side."""

from facetrack_ros.config import Config
from facetrack_ros.core.event import PERSON_IN, PERSON_OUT
from facetrack_ros.models.catalog import MOBILEFACENET
from facetrack_ros.sources.factory import open_source
from facetrack_ros.sources.stamped_frames import stamped_frames
from facetrack_ros.tracking.factory import make_people_tracker
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.settings import vision_settings

FILM_FPS = 10
FIRST_SEEN = [60, 227, 502, 744, 921, 1234]


def test_six_people_come_and_go_one_by_one(real_data, models, monkeypatch):
    monkeypatch.setenv("FACETRACK_MODELS", str(models))
    config = Config({"detector.model": "yolox_nano"})
    detector = build_pipeline(vision_settings(config))
    people = make_people_tracker("robot1", IdAllocator(), config, MOBILEFACENET)
    events = []
    film = open_source(str(real_data("clips/one-by-one-person-detection.mp4")))
    for frame in stamped_frames(film, "front", 0, 90):
        detections = detector.detect([frame.image])[0]
        events += people.update("front", frame.stamp_ns, frame.number, detections, ())[1]
    events += people.close()
    came = [event for event in events if event.event == PERSON_IN]
    left = [event for event in events if event.event == PERSON_OUT]
    assert len(came) == len(left) == len({event.person_id for event in came}) == 6
    late = [round(event.stamp_ns * FILM_FPS / 1e9) - first for event, first in zip(came, FIRST_SEEN)]
    assert all(-1 <= frames <= 2 for frames in late), late
