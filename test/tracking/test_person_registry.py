"""Who somebody is: matched above the threshold and ahead of the second best, or somebody new."""

import numpy as np
import pytest

from facetrack_ros.errors import FacetrackError
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.tracking.person_registry import PersonRegistry
from facetrack_ros.tracking.settings import TrackingSettings


def make(**settings):
    return PersonRegistry("robot1", IdAllocator(), TrackingSettings(**settings), 0.36, "a-model")


@pytest.fixture
def identities():
    return make()


@pytest.fixture
def seen(identities):
    """A track's template of the given looks."""

    def of(*looks):
        template = identities.empty_template()
        for embedding in looks:
            template.add(embedding, 0.8)
        return template

    return of


def test_a_known_face_is_recognised_and_a_strange_one_is_not(identities, seen, look):
    person = identities.new_person()
    identities.add_face(person, look(1), 0.8)
    found = identities.recognise(seen(look(1, 0.7)))
    assert found.person_id == person
    assert found.similarity == pytest.approx(0.7)
    assert identities.recognise(seen(look(2))) is None
    assert identities.recognise(seen(look(1, 0.35))) is None
    assert identities.recognise(seen()) is None


def test_one_excluded_is_not_recognised(identities, seen, look):
    person = identities.new_person()
    identities.add_face(person, look(1), 0.8)
    assert identities.recognise(seen(look(1)), excluded={person}) is None


def test_a_lead_below_the_margin_is_no_recognition(identities, seen, look):
    first, second = identities.new_person(), identities.new_person()
    identities.add_face(first, look(1), 0.8)
    identities.add_face(second, look(2), 0.8)

    def towards_first(part):
        vector = part * look(1) + np.sqrt(1 - part**2) * look(2)
        return identities.recognise(seen(vector))

    assert towards_first(0.72) is None
    assert towards_first(0.8).person_id == first


def test_two_ids_of_one_face_are_no_rivals_and_the_older_is_taken(identities, seen, look):
    first, second = identities.new_person(), identities.new_person()
    identities.add_face(first, look(1, 0.9, 1), 0.8)
    identities.add_face(second, look(1, 0.92, 2), 0.8)
    assert identities.recognise(seen(look(1))).person_id == first


def test_only_those_known_before_may_be_asked_for_and_those_told_of(identities, seen, look):
    first, second = identities.new_person(), identities.new_person()
    identities.add_face(second, look(1), 0.8)
    assert identities.recognise(seen(look(1)), before=first) is None
    identities.learn("p_robot2_1", "a-model", look(3)[None], np.ones(1))
    assert identities.recognise(seen(look(3)), before=first).person_id == "p_robot2_1"


def test_a_look_like_none_known_does_not_enter_a_settled_template(identities, look):
    person = identities.new_person()
    for side in range(5):
        identities.add_face(person, look(1, 0.8, side), 0.8)
    identities.add_face(person, look(9), 1.0)
    assert len(identities.templates()[person]) == 5


def test_those_not_seen_for_longest_are_forgotten_first(look):
    identities = make(max_persons=2)
    persons = []
    for number in range(2):
        persons.append(identities.new_person())
        identities.add_face(persons[-1], look(number), 0.8)
    identities.add_face(persons[0], look(0), 0.9)
    persons.append(identities.new_person())
    assert list(identities.templates()) == [persons[0]]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"person_id": "7"}, "is no person id"),
        ({"person_id": ""}, "is no person id"),
        ({"model_id": "other-model"}, "made with model other-model, here runs a-model"),
        ({"embeddings": np.eye(32, dtype=np.float32)[:2]}, "have 32 numbers, those here 64"),
        ({"embeddings": np.empty((0, 64)), "qualities": np.empty(0)}, "do not belong together"),
        ({"qualities": np.ones(3)}, "do not belong together"),
        ({"embeddings": np.full((2, 64), np.nan)}, "no finite unit vector"),
        ({"embeddings": np.full((2, 64), 0.5)}, "no finite unit vector"),
        ({"qualities": np.array([0.5, 1.5])}, "between 0 and 1"),
        ({"qualities": np.array([0.5, np.nan])}, "between 0 and 1"),
        ({"person_id": "p_robot1_1"}, "face of .* does not match"),
    ],
)
def test_a_template_that_does_not_fit_is_refused_with_its_reason(identities, look, change, says):
    identities.add_face(identities.new_person(), look(1), 0.8)
    told = {
        "person_id": "p_robot2_1",
        "model_id": "a-model",
        "embeddings": np.stack([look(3), look(3, 0.8)]),
        "qualities": np.array([0.5, 0.6]),
        **change,
    }
    with pytest.raises(ValueError, match=says) as caught:
        identities.learn(**told)
    assert isinstance(caught.value, FacetrackError)
    assert list(identities.templates()) == ["p_robot1_1"]


def test_what_is_told_of_a_known_person_adds_to_it(identities, look):
    person = identities.new_person()
    identities.add_face(person, look(1), 0.8)
    identities.learn(person, "a-model", look(1, 0.8)[None], np.array([0.9]))
    assert len(identities.templates()[person]) == 2


@pytest.mark.parametrize("threshold", [0.36, 1.0])
def test_the_very_same_face_is_recognised_at_any_threshold_and_with_no_margin(threshold, look):
    identities = PersonRegistry("robot1", IdAllocator(), TrackingSettings(margin=0.0), threshold, "a-model")
    person, template = identities.new_person(), identities.empty_template()
    once = np.zeros_like(look(1))
    once[0] = 1.0
    identities.add_face(person, once, 0.8)
    template.add(once, 0.8)
    assert identities.recognise(template).person_id == person
