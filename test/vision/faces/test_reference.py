"""The face of a reference picture is found in portraits, tight crops and large pictures; others are refused."""

import cv2
import numpy as np
import pytest

from facetrack_ros.errors import ReferenceFaceError, SeveralFacesError
from facetrack_ros.search.numbered_faces import listed_faces, write_numbered_faces
from facetrack_ros.vision.faces.mirrored import embed_with_mirror, mirrored_face


def crop_of(pipeline, picture):
    """The face alone, without any margin."""
    x1, y1, x2, y2 = pipeline.embed_reference(picture).bbox.astype(int)
    return picture[y1:y2, x1:x2]


def test_a_portrait_gives_a_unit_embedding_and_the_box_of_the_face(pipeline, astronaut):
    face = pipeline.embed_reference(astronaut)
    assert np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-5)
    assert face.bbox[0] < 224 < face.bbox[2]
    assert face.bbox[1] < 115 < face.bbox[3]
    assert face.rejected == ""
    assert 0 < face.quality <= 1
    assert face.person == -1


@pytest.mark.parametrize("scale", [1.0, 0.6, 4.0])
def test_a_crop_without_margin_is_the_same_face(pipeline, astronaut, hopper, scale):
    for picture in (astronaut, hopper):
        tight = cv2.resize(crop_of(pipeline, picture), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        if tight.shape[1] < pipeline.min_face_px * 1.3:
            continue
        face = pipeline.embed_reference(tight)
        assert face.embedding @ pipeline.embed_reference(picture).embedding > pipeline.contract.threshold
        assert face.bbox[0] < tight.shape[1] / 2 < face.bbox[2]


def test_a_small_face_in_a_large_picture_is_found(full, astronaut, scene):
    picture = cv2.copyMakeBorder(scene(astronaut, 80, 92), 500, 500, 600, 600, cv2.BORDER_CONSTANT, value=(90, 90, 90))
    face = full.embed_reference(picture)
    assert face.embedding @ full.embed_reference(astronaut).embedding > full.contract.threshold


def test_a_small_bystander_is_ignored(full, astronaut):
    picture = cv2.resize(astronaut, None, fx=2, fy=2)
    small = cv2.resize(astronaut[:260, 100:360], (60, 60), interpolation=cv2.INTER_AREA)
    picture[20:80, 20:80] = small
    assert full.embed_reference(picture).bbox[0] > 300


def test_a_grey_picture_is_the_same_face(pipeline, astronaut):
    face = pipeline.embed_reference(cv2.cvtColor(astronaut, cv2.COLOR_BGR2GRAY))
    assert face.embedding @ pipeline.embed_reference(astronaut).embedding > pipeline.contract.threshold


def side_by_side(left, right):
    """Both pictures in one, on a grey ground."""
    height = max(left.shape[0], right.shape[0])
    pad = [(0, height - each.shape[0]) for each in (left, right)]
    return np.hstack([cv2.copyMakeBorder(e, *p, 0, 0, 0, value=(90,) * 3) for e, p in zip((left, right), pad)])


def face_width(pipeline, picture):
    x1, _, x2, _ = pipeline.embed_reference(picture).bbox
    return x2 - x1


def scaled_to(pipeline, picture, width):
    factor = width / face_width(pipeline, picture)
    return cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def test_of_two_faces_the_clearly_wider_one_is_taken_and_else_a_number_decides(pipeline, astronaut, hopper):
    left, right = scaled_to(pipeline, astronaut, 120), scaled_to(pipeline, hopper, 110)
    alike = side_by_side(left, right)
    with pytest.raises(SeveralFacesError, match=r"2 faces found, the widest .* not 1\.5 times as wide") as caught:
        pipeline.embed_reference(alike)
    boxes, degrees = listed_faces(str(caught.value))
    assert degrees == 0
    assert [box[0] < left.shape[1] for box in boxes] == [True, False]
    for number, person in ((1, astronaut), (2, hopper)):
        face = pipeline.embed_reference(alike, number)
        assert face.embedding @ pipeline.embed_reference(person).embedding > 0.9
        assert f"number {number} from the left" in face.note
    with pytest.raises(SeveralFacesError, match="no face 3 in the picture: there are 2 faces"):
        pipeline.embed_reference(alike, 3)
    clear = side_by_side(scaled_to(pipeline, astronaut, 240), right)
    face = pipeline.embed_reference(clear)
    assert face.embedding @ pipeline.embed_reference(astronaut).embedding > 0.9
    assert "of 2 faces number 1 from the left was taken" in face.note


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_picture_on_its_side_or_head_down_is_the_same_reference(pipeline, astronaut, hopper, degrees):
    for picture in (astronaut, hopper):
        upright = pipeline.embed_reference(picture)
        face = pipeline.embed_reference(np.ascontiguousarray(np.rot90(picture, degrees // 90)))
        assert upright.note == ""
        assert face.note == f"the picture was turned by {degrees}° to set its face upright"
        assert face.embedding @ upright.embedding > 0.98
        assert face.picture.shape == picture.shape


@pytest.mark.parametrize("name", ["upright", "head_down", "turned_120"])
def test_one_face_three_ways_up_is_one_reference(pipeline, real_data, name):
    paths = [real_data(f"cases/pictures/{each}.jpg") for each in ("upright", name)]
    upright, face = (pipeline.embed_reference(cv2.imread(str(path))) for path in paths)
    assert face.embedding @ upright.embedding > 0.98
    assert bool(face.note) == (name != "upright")


def test_the_mirror_image_of_a_face_has_the_same_embedding(full, astronaut):
    face = full.embed_reference(astronaut)
    flipped = np.ascontiguousarray(astronaut[:, ::-1])
    mirrored = embed_with_mirror(full._embedder, flipped, [mirrored_face(face, astronaut.shape[1])])[0]
    assert mirrored @ face.embedding > 0.995
    assert full._embedder.embed(astronaut, [face])[0] @ face.embedding < 0.999


def test_faces_are_numbered_in_the_picture_that_is_written(pipeline, astronaut, hopper, tmp_path):
    upright = side_by_side(scaled_to(pipeline, astronaut, 120), scaled_to(pipeline, hopper, 110))
    picture = cv2.imencode(".png", np.ascontiguousarray(np.rot90(upright, 2)))[1].tobytes()
    with pytest.raises(SeveralFacesError) as caught:
        pipeline.embed_reference(cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR))
    assert write_numbered_faces(str(caught.value), picture, tmp_path / "new" / "faces.png")
    drawn = cv2.imread(str(tmp_path / "new" / "faces.png"))
    assert drawn.shape == upright.shape
    changed = np.argwhere((drawn != upright).any(axis=2))
    assert 0 < len(changed) < 0.2 * upright[..., 0].size
    assert not write_numbered_faces("no face found", picture, tmp_path / "none.png")


@pytest.mark.parametrize("shape", [(1, 1, 3), (300, 2, 3), (200, 200, 3), (50, 60)])
def test_a_picture_without_a_face_is_refused(pipeline, shape):
    with pytest.raises(ReferenceFaceError, match="no face found"):
        pipeline.embed_reference(np.full(shape, 120, np.uint8))


def test_a_face_too_small_is_refused_with_both_numbers(full, astronaut):
    small = cv2.resize(astronaut, None, fx=0.19, fy=0.19, interpolation=cv2.INTER_AREA)
    with pytest.raises(ReferenceFaceError, match=r"1[0-9] px wide, needs 24"):
        full.embed_reference(small)
