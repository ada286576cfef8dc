"""Enrolment refuses faces that do not belong under a name, and knows the pictures that are enrolled."""

import itertools
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from facetrack_ros.enrolment.entries import EnrolmentPicture, enrol
from facetrack_ros.models.catalog import MOBILEFACENET
from facetrack_ros.models.operating_points import operating_point
from facetrack_ros.tracking.identity.gallery import EntryRefused, Gallery, GalleryEntry

WIDE = operating_point(MOBILEFACENET, "wide").threshold


def face(degrees):
    """A unit vector at an angle from the first axis."""
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees)), *[0.0] * 126], np.float32)


class Pipeline:
    """Finds the face that a picture's grey level stands for, in degrees."""

    contract = MOBILEFACENET

    def embed_reference(self, image, number=0):
        return SimpleNamespace(
            embedding=face(int(image[0, 0, 0])), quality=0.9, note=f"face {number}" if number else ""
        )


def picture(name, degrees, number=0):
    data = cv2.imencode(".png", np.full((4, 4, 3), degrees, np.uint8))[1].tobytes()
    return EnrolmentPicture(name, data, number)


@pytest.fixture
def add():
    """A function that enrols pictures into one gallery, and the gallery's entries."""
    gallery, numbers = Gallery(MOBILEFACENET.id, MOBILEFACENET.threshold, 0.04), itertools.count(1)

    def run(name, *pictures, **options):
        done = enrol(name, pictures, Pipeline(), gallery, lambda: f"g_{next(numbers)}", **options)
        for entry in done.entries:
            gallery.add(entry)
        for entry_id in done.outdated:
            gallery.remove(entry_id)
        return done

    run.gallery = gallery
    return run


def test_pictures_of_one_person_hang_together_over_others(add):
    assert np.cos(np.radians(120)) < WIDE < np.cos(np.radians(60))
    done = add("Ann", picture("left", 0), picture("right", 120), picture("middle", 60))
    assert done.entry_ids == ["g_1", "g_2", "g_3"]
    assert any("left does not look like" in note or "right does not" in note for note in done.notes) is False


@pytest.mark.parametrize("enrolled", [True, False])
def test_someone_else_under_the_name_is_refused_and_nothing_enrolled(add, enrolled):
    if enrolled:
        add("Ann", picture("one", 0), picture("two", 20))
    pictures = (picture("odd", 90),) if enrolled else (picture("odd", 90), picture("one", 0), picture("two", 20))
    with pytest.raises(EntryRefused, match=r"odd shows someone else than the other pictures of Ann .*--force"):
        add("Ann", *pictures)
    assert len(add.gallery) == 2 * enrolled
    assert len(add("Ann", *pictures, force=True).entries) == len(pictures)


def test_a_face_of_another_enrolled_person_is_refused(add):
    add("Ann", picture("ann", 0))
    with pytest.raises(EntryRefused, match=r"b looks like Ann, who is enrolled \(similarity 0.87\)"):
        add("Beth", picture("a", 90), picture("b", 30))
    assert len(add.gallery) == 1
    notes = add("Beth", picture("b", 30), force=True).notes
    assert any("Beth looks like Ann" in note for note in notes)


def test_the_same_picture_is_one_entry_and_watching_replaces_it(add):
    add("Zo\u00eb", picture("a", 0))
    again = add("Zoe\u0308", picture("copy of a", 0), picture("once more", 0))
    assert (again.entries, again.entry_ids) == ((), ["g_1"])
    assert "copy of a is enrolled already, as g_1" in again.notes[0]
    watched = add("Zo\u00eb", picture("a", 0), watch=True)
    assert (watched.entry_ids, watched.outdated) == (["g_2"], ("g_1",))
    assert add("Zo\u00eb", picture("a", 0)).entry_ids == ["g_2"]
    assert len(add.gallery) == 1


def test_what_was_done_to_a_picture_is_noted(add):
    assert add("Ann", picture("a", 0, number=2)).notes == ("a: face 2",)


def test_names_are_compared_in_their_composed_form():
    entry = GalleryEntry("g_1", "Zoe\u0308", MOBILEFACENET.id, face(0), 0.9)
    assert entry.name == "Zo\u00eb"
