"""Recognition of the people in the test clips and in two photographs."""

import cv2
import numpy as np
import pytest

#: From left to right: (right end of the zone in pixels of 480, person). A and B are in two clips each.
CLIPS = {
    "face-demographics-walking-and-pause.gif": ((150, "A"), (300, "C"), (480, "D")),
    "head-pose-face-detection-female-and-male.gif": ((180, "A"), (480, "B")),
    "head-pose-face-detection-male.gif": ((480, "B"),),
    "classroom.gif": ((480, "classroom"),),
}


def seen(pipeline, clip, step):
    """Embeddings, people and clips of all gated faces in every ``step``-th frame."""
    rows = []
    for name, zones in CLIPS.items():
        for frame in clip(name)[::step]:
            for face in pipeline.faces(frame, pipeline.detect([frame])[0]):
                if not face.rejected:
                    x = (face.bbox[0] + face.bbox[2]) / 2
                    rows.append((face.embedding, next(who for end, who in zones if x < end), name))
    return tuple(np.array(column) for column in zip(*rows))


@pytest.mark.parametrize(("kind", "step"), [("full", 2), ("pip_only", 6)])
def test_people_match_themselves_in_another_clip_and_no_stranger(kind, step, request, clip):
    pipeline = request.getfixturevalue(kind)
    embeddings, people, clips = seen(pipeline, clip, step)
    similarity = embeddings @ embeddings.T
    strangers = people[:, None] != people[None]
    assert similarity[strangers].max() < pipeline.contract.threshold
    for who in "AB":
        first, second = sorted(set(clips[people == who]))
        across = similarity[np.ix_((people == who) & (clips == first), (people == who) & (clips == second))]
        assert across.max() >= pipeline.contract.threshold
    assert "classroom" not in people


def altered(picture):
    """The same picture, brighter, darker, tilted, blurred, compressed."""
    height, width = picture.shape[:2]
    for degrees in (-12, 12):
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
        yield cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    yield cv2.convertScaleAbs(picture, alpha=1.3, beta=20)
    yield cv2.convertScaleAbs(picture, alpha=0.55)
    yield cv2.GaussianBlur(picture, (0, 0), 1.5)
    yield cv2.imdecode(cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, 30))[1], cv2.IMREAD_COLOR)


@pytest.mark.parametrize("face_px", [90, 140])
def test_two_people_match_their_own_altered_images_and_never_each_other(pipeline, astronaut, hopper, scene, face_px):
    people = {"astronaut": (astronaut, 92), "hopper": (hopper, 176)}
    known = {who: pipeline.embed_reference(picture).embedding for who, (picture, _) in people.items()}
    for who, (picture, own_px) in people.items():
        (other,) = set(people) - {who}
        for copy in altered(picture):
            room = scene(copy, face_px, own_px)
            faces = [face for face in pipeline.faces(room, pipeline.detect([room])[0]) if not face.rejected]
            assert max(face.embedding @ known[who] for face in faces) > pipeline.contract.threshold
            assert max(face.embedding @ known[other] for face in faces) < pipeline.contract.threshold


def test_repeated_analysis_gives_equal_results(pipeline, clip):
    frame = clip("head-pose-face-detection-male.gif")[0]
    first, second = (pipeline.faces(frame, pipeline.detect([frame])[0])[0] for _ in range(2))
    assert np.array_equal(first.embedding, second.embedding)
    assert first.quality == second.quality
