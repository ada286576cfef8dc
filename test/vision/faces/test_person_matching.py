"""Search regions cover the heads of persons at least cost; each face is matched to one person."""

import numpy as np
import pytest

from facetrack_ros.vision.faces.person_matching import (
    head_regions,
    match_faces_to_persons,
    merge_search_regions,
    smallest_faces,
)


def boxes(*rows):
    return np.array(rows, np.float32).reshape(-1, 4)


def test_each_face_is_matched_to_the_person_whose_head_it_is():
    persons = boxes([0, 0, 100, 300], [80, 0, 180, 300])
    faces = boxes([110, 20, 150, 70], [30, 20, 70, 70])
    assert match_faces_to_persons(faces, persons).tolist() == [1, 0]


def test_of_two_faces_in_one_person_the_worse_placed_is_unmatched():
    owner = match_faces_to_persons(boxes([30, 20, 70, 70], [60, 80, 90, 110]), boxes([0, 0, 100, 300]))
    assert owner.tolist() == [0, -1]


def test_a_face_at_the_feet_or_as_wide_as_the_body_is_unmatched():
    faces = boxes([30, 240, 70, 290], [-20, 0, 120, 160])
    assert match_faces_to_persons(faces, boxes([0, 0, 100, 300])).tolist() == [-1, -1]


def test_no_faces_or_no_persons_give_no_match():
    assert match_faces_to_persons(boxes(), boxes([0, 0, 1, 1])).shape == (0,)
    assert match_faces_to_persons(boxes([0, 0, 1, 1]), boxes()).tolist() == [-1]
    assert match_faces_to_persons(boxes([0, 0, 5, 5]), boxes([3, 3, 3, 3])).tolist() == [-1]


def test_a_head_region_is_the_upper_body_within_the_image():
    region = head_regions(boxes([10, 5, 110, 405]), 640, 480)[0]
    assert region[1] == 0
    assert 200 < region[3] < 260
    assert region[0] == 0


def test_regions_far_apart_stay_apart_and_close_ones_merge():
    apart, _ = merge_search_regions(boxes([0, 0, 50, 50], [500, 300, 550, 350]), np.array([24, 24]), 640, 360)
    together, smallest = merge_search_regions(boxes([0, 0, 50, 50], [20, 0, 70, 50]), np.array([24, 26]), 640, 360)
    assert len(apart) == 2
    assert together.tolist() == [[0, 0, 70, 50]]
    assert smallest.tolist() == [24]


def test_a_large_region_is_not_searched_at_the_scale_of_a_small_one_in_it():
    regions, smallest = boxes([0, 0, 300, 300], [280, 100, 310, 130]), np.array([80, 24])
    found, sizes = merge_search_regions(regions, smallest, 1280, 720)
    assert found.tolist() == regions.tolist()
    assert sizes.tolist() == [80, 24]


def test_regions_that_cover_the_image_become_the_image():
    halves = boxes([0, 0, 330, 360], [320, 0, 640, 360])
    found, smallest = merge_search_regions(halves, np.array([30, 32]), 640, 360)
    assert found.tolist() == [[0, 0, 640, 360]]
    assert smallest.tolist() == [30]
    none, sizes = merge_search_regions(boxes(), np.empty(0), 640, 360)
    assert none.shape == (0, 4)
    assert sizes.shape == (0,)


def test_the_smallest_face_follows_from_the_size_of_the_person():
    standing, sitting, far = [0, 0, 200, 1000], [0, 0, 800, 400], [0, 0, 20, 50]
    assert smallest_faces(boxes(standing, sitting, far), 24).tolist() == pytest.approx([70, 56, 24])
