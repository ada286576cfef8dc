"""Backs of heads, profiles from behind and faces turned away are no faces to recognise."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from facetrack_ros.models import catalog
from facetrack_ros.vision.evaluation.face_dataset import labelled_pictures
from facetrack_ros.vision.faces.quality import assess
from facetrack_ros.vision.faces.upright import UPSIDE_DOWN, turned
from facetrack_ros.vision.factory import quality_gate
from facetrack_ros.vision.settings import VisionSettings

#: Stretches of the film in which the face detector takes six people for faces, none of whom shows one.
STRETCHES = (*range(257, 303, 3), *range(683, 692), *range(763, 775, 3), *range(853, 860), 1343, 1345, 1348)


def test_six_people_seen_from_behind_give_no_face(full, real_data):
    video = cv2.VideoCapture(str(real_data("clips/one-by-one-person-detection.mp4")))
    refused = 0
    for number in range(max(STRETCHES) + 1):
        assert video.grab()
        if number in STRETCHES:
            frame = video.retrieve()[1]
            faces = full.faces(frame, full.detect([frame])[0])
            assert [face.rejected for face in faces if face.embedding is not None] == []
            refused += sum(face.rejected.startswith("no face on a second search") for face in faces)
    assert refused > 10


@pytest.mark.parametrize(("score", "close", "passes"), [(0.71, 0.64, False), (0.76, 0.6, True), (0.6, 0.72, True)])
def test_the_limits_of_centerface_lie_between_backs_of_heads_and_faces(astronaut, score, close, passes):
    gate = quality_gate(VisionSettings(), catalog.CENTERFACE)
    landmarks = np.array([[203, 104], [245, 104], [226, 126], [210, 145], [242, 144]], np.float32)
    box = np.array([180, 65, 270, 175], np.float32)
    reason = assess(astronaut, box, landmarks, score, gate, (close, 0.0))[1]
    assert reason.startswith("no face on a second search") != passes
    assert not assess(astronaut, box, landmarks, score, replace(gate, min_close_score=0.0), (close, 0.0))[1]
    off = quality_gate(VisionSettings(min_close_score=0.0), catalog.CENTERFACE)
    assert not assess(astronaut, box, landmarks, score, off, (0.1, 0.0))[1]


@pytest.mark.parametrize("kind", ["full", "pip_only"])
def test_nearly_every_face_of_a_clip_in_haze_passes(request, kind, clip):
    pipeline = request.getfixturevalue(kind)
    faces = [
        face
        for frame in clip("face-demographics-walking-and-pause.gif")[::4]
        for face in pipeline.faces(frame, pipeline.detect([frame])[0])
        if not face.rejected.endswith(f"px wide, needs {pipeline.min_face_px:.0f}")
    ]
    assert sum(not face.rejected for face in faces) >= 0.95 * len(faces) > 20


@pytest.mark.parametrize("kind", ["full", "pip_only"])
@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_faces_turned_by_quarter_turns_match_no_other_person(request, real_data, kind, degrees):
    pipeline = request.getfixturevalue(kind)
    faces, people = [], []
    for person, path in labelled_pictures(real_data("faces/att_faces"))[::20]:
        picture = cv2.copyMakeBorder(
            cv2.resize(cv2.imread(str(path)), None, fx=2, fy=2), *[60] * 4, cv2.BORDER_REPLICATE
        )
        for image in (picture, turned(picture, degrees)):
            found = [face for face in pipeline.faces(image, pipeline.detect([image])[0]) if not face.rejected]
            faces += [face.embedding for face in found]
            people += [person] * len(found)
    alike, people = np.stack(faces) @ np.stack(faces).T, np.array(people)
    assert alike[people[:, None] != people[None]].max() < pipeline.contract.threshold


def test_a_face_head_down_is_called_so(full, astronaut):
    (face,) = full.faces(turned(astronaut, 180), full.detect([turned(astronaut, 180)])[0])
    assert face.rejected == UPSIDE_DOWN
