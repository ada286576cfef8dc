"""An aligned crop is recognised by other models and shows little besides the face."""

import cv2
import numpy as np
import pytest

from facetrack_ros.core.face import Face
from facetrack_ros.errors import ReferenceFaceError
from facetrack_ros.vision.faces.aligned_crop import encode_aligned_crop


@pytest.mark.parametrize("degrees", [0, 25])
def test_another_embedder_recognises_the_face_in_the_crop(full, pip_only, astronaut, degrees):
    height, width = astronaut.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    picture = cv2.warpAffine(astronaut, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    crop = encode_aligned_crop(picture, full.embed_reference(picture))
    assert len(crop) < 40_000
    image = cv2.imdecode(np.frombuffer(crop, np.uint8), cv2.IMREAD_COLOR)
    for models in (full, pip_only):
        similarity = float(models.embed_reference(image).embedding @ models.embed_reference(astronaut).embedding)
        assert similarity >= models.contract.threshold, models.contract.id


def test_a_face_without_landmarks_is_refused():
    face = Face(np.array([0, 0, 10, 10], np.float32), np.full((5, 2), np.nan, np.float32), 0.9, 0.9)
    with pytest.raises(ReferenceFaceError, match="landmarks"):
        encode_aligned_crop(np.zeros((20, 20, 3), np.uint8), face)
