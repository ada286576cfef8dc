"""Which faces are searched for and embedded."""

import numpy as np

from facetrack_ros.config import Config
from facetrack_ros.core.face import Face
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.pipeline.face_stage import FaceStage

BOX = np.array([1, 2, 30, 40], np.float32)


def tracks(quality):
    embedding = np.array([1, 0], np.float32)
    face = Face(BOX, np.zeros((5, 2), np.float32), 0.9, quality, embedding=embedding)
    return (Track("t_1", "", TrackState.TRACKING, BOX, 0.9, face=face),)


def test_while_faces_are_disabled_none_are_searched_for(make_frame):
    enabled = [True]
    faces = FaceStage(("front",), Config(), lambda: enabled[0])
    assert faces.task(make_frame(0)).with_faces
    enabled[0] = False
    assert not faces.task(make_frame(1)).with_faces


def test_every_face_is_embedded_by_default(make_frame):
    assert FaceStage(("front",), Config(), lambda: True).task(make_frame(0)).selection is None


def test_improving_a_track_with_good_faces_is_not_searched_again_at_once(make_frame):
    faces = FaceStage(("front",), Config({"faces.embed": "improving"}), lambda: True)
    for number in range(4):
        assert faces.task(make_frame(number)).selection is not None
        faces.add_tracks(make_frame(number), tracks(0.99))
    selection = faces.task(make_frame(4)).selection
    assert selection.search_mask(BOX[None]).tolist() == [False]
    assert selection.search_mask(BOX[None] + 100).tolist() == [True], "a new person"
