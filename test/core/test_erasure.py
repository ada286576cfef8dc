"""People erased from pictures."""

import numpy as np

from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.pictures.erasure import COLOUR, PersonRegion, shown_mask, with_regions

SIZE = (100, 200)


def region(box, face=None):
    return PersonRegion(np.array(box, np.float32), None if face is None else np.array(face, np.float32))


def test_with_a_background_only_the_erased_person_is_gone():
    mask = shown_mask(SIZE, [region((10, 10, 40, 90))], [region((100, 20, 140, 80))], background=True)
    assert mask[:, :96].all()
    assert not mask[14:86, 96:144].any()
    assert mask[:, 145:].all()


def test_without_one_only_the_shown_person_is_left():
    mask = shown_mask(SIZE, [region((10.5, 10, 40, 90))], [], background=False)
    assert mask[10:90, 11:40].all()
    assert mask.sum() == 80 * 29


def test_where_two_overlap_faces_count_more_than_bodies_and_the_erased_face_most():
    shown, erased = region((50, 0, 90, 100), (60, 10, 80, 30)), region((60, 0, 120, 100), (75, 10, 95, 30))
    for background in (True, False):
        mask = shown_mask(SIZE, [shown], [erased], background)
        assert mask[20, 62]  # the face shown
        assert not mask[20, 76]  # both faces
        assert not mask[60, 70]  # both bodies
        assert mask[60, 52]


def test_boxes_outside_the_picture_change_nothing():
    outside = [region((-50, -50, -10, -10)), region((300, 10, 400, 50), (310, 10, 320, 20))]
    assert shown_mask(SIZE, [], outside, background=True).all()
    assert not shown_mask(SIZE, outside, [], background=False).any()


def test_erased_pixels_are_of_one_colour_in_the_new_jpeg():
    noise = np.random.default_rng(0).integers(0, 256, (100, 200, 3), np.uint8)
    frame = Frame("front", 5, 3, encode_jpeg(noise), "cam", 0)
    image = with_regions(frame, [], [region((50, 20, 120, 80))], background=True).image
    assert np.abs(image[24:76, 56:112].astype(int) - COLOUR).max() < 12
    assert image[:, :40].std() > 20
