"""Enrolled persons are recognised clearly or not at all, and recognition changes nothing."""

import numpy as np
import pytest

from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN
from facetrack_ros.tracking.identity.face_template import FaceTemplate
from facetrack_ros.tracking.identity.gallery import EntryRefused, Gallery, GalleryEntry

MODEL = "a-model"


@pytest.fixture
def entry(embedding_of):
    def make(entry_id, name, person=1, similarity=1.0, side=0, **more):
        return GalleryEntry(entry_id, name, MODEL, embedding_of(person, similarity, side), 0.8, **more)

    return make


@pytest.fixture
def gallery(entry):
    made = Gallery(MODEL, 0.36, 0.05)
    for each in (entry("g_1", "Ann", 1), entry("g_2", "Ann", 1, 0.9, 3), entry("g_3", "Bob", 2)):
        assert made.add(each)
        assert not made.add(each)
    return made


def template(*embeddings, frames=2):
    """A track's template of the given embeddings, each in two frames."""
    made = FaceTemplate()
    for each in embeddings * frames:
        made.add(each, 0.8)
    return made


def test_the_best_entry_of_the_person_is_named(gallery, embedding_of):
    match = gallery.recognise(template(embedding_of(1, 0.7)))
    assert (match.entry.entry_id, match.entry.name) == ("g_1", "Ann")
    assert match.similarity == pytest.approx(0.7)


def test_names_are_the_same_in_either_form_of_unicode(entry):
    decomposed, composed = entry("g_1", "Rene\u0301", source="Rene\u0301.jpg"), entry("g_2", "Ren\u00e9")
    assert decomposed.name == composed.name
    assert decomposed.source == "Ren\u00e9.jpg"
    assert composed.is_called("Rene\u0301")
    assert composed.is_called("g_2")
    assert not composed.is_called("Rene")


def test_a_stranger_and_an_empty_template_are_not_recognised(gallery, embedding_of):
    assert gallery.recognise(template(embedding_of(5))) is None
    assert gallery.recognise(template(embedding_of(1, 0.3))) is None
    assert gallery.recognise(template()) is None
    assert Gallery(MODEL, 0.36, 0.05).recognise(template(embedding_of(1))) is None


def test_one_frame_and_few_of_many_faces_are_no_match(gallery, embedding_of):
    assert gallery.recognise(template(embedding_of(1), frames=1)) is None
    others = [embedding_of(1, 0.3, side) for side in range(4, 7)]
    assert gallery.recognise(template(embedding_of(1), *others)) is None
    assert gallery.recognise(template(embedding_of(1), embedding_of(1, 0.7, 8), *others[:2])).entry.name == "Ann"


def test_a_face_between_two_enrolled_persons_is_neither(gallery, embedding_of):
    between = (embedding_of(1) + embedding_of(2)) / np.sqrt(2)
    assert gallery.recognise(template(between)) is None
    gallery.remove("g_3")
    assert gallery.recognise(template(between)).entry.name == "Ann"


def test_lookalikes_and_outliers_are_found(gallery, entry):
    relative = entry("g_4", "Beth", 1, 0.5)
    assert [match.entry.name for match in gallery.lookalikes(relative)] == ["Ann"]
    assert gallery.lookalikes(entry("g_5", "Carl", 7)) == []
    assert gallery.is_outlier(entry("g_6", "Ann", 9))
    assert not gallery.is_outlier(entry("g_6", "Ann", 1, 0.8))
    assert not gallery.is_outlier(entry("g_7", "Somebody new", 9))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"entry_id": "1"}, "no id"),
        ({"entry_id": "../../x"}, "no id"),
        ({"name": " "}, "the name of"),
        ({"name": "A\nB"}, "the name of"),
        ({"name": "x" * 201}, "the name of"),
        ({"model_id": ""}, "the model of"),
        ({"model_id": "other"}, "made with model other, here runs a-model"),
        ({"embedding": np.ones(64, np.float32)}, "unit vector"),
        ({"embedding": np.full(64, np.nan)}, "unit vector"),
        ({"embedding": np.eye(1, 16, dtype=np.float32)[0]}, "16 numbers"),
        ({"quality": 1.5}, "quality"),
        ({"quality": float("nan")}, "quality"),
    ],
)
def test_an_entry_that_does_not_fit_is_refused_and_nothing_changes(gallery, embedding_of, change, says):
    valid = {"entry_id": "g_9", "name": "Zoe", "model_id": MODEL, "embedding": embedding_of(9), "quality": 0.5}
    with pytest.raises(EntryRefused, match=says):
        gallery.add(GalleryEntry(**(valid | change)))
    assert len(gallery) == 3


def test_an_enrolled_person_is_reported_once_a_visit_and_the_gallery_stays(scene, entry, embedding_of):
    scene.people.gallery.add(entry("g_1", "Ann", 1, 0.9, watch=True))
    for start in (10, 20):
        for step in range(6):
            scene.show(start + 0.2 * step, (100, embedding_of(1, 0.9, step)))
        scene.show(start + 4)
    matched = [event for event in scene.events if event.event == FACE_MATCHED]
    references = [(event.reference_face_id, event.reference_name, event.watch) for event in matched]
    assert references == [("g_1", "Ann", True)] * 2
    assert {event.person_id for event in matched} == {"p_robot1_1"}
    assert len(scene.people.gallery) == 1


def test_of_two_people_in_view_only_one_is_the_enrolled_one(scene, entry, embedding_of):
    scene.people.gallery.add(entry("g_1", "Ann", 1))
    for step in range(6):
        scene.show(10 + 0.2 * step, (100, embedding_of(1)), (400, embedding_of(1, 0.98)))
    assert [event.event for event in scene.events].count(FACE_MATCHED) == 1


def test_a_person_enrolled_while_in_view_is_reported_with_the_next_face(scene, entry, embedding_of):
    for step in range(3):
        scene.show(10 + 0.2 * step, (100, embedding_of(1)))
    scene.people.gallery.add(entry("g_1", "Ann", 1))
    scene.show(10.6, (100, None))
    assert [event.event for event in scene.events] == [PERSON_IN]
    scene.show(10.8, (100, embedding_of(1)))
    assert [event.event for event in scene.events] == [PERSON_IN, FACE_MATCHED]
