"""A face matches a person above the threshold and ahead of the second best, or is a new person."""

import contextlib

import numpy as np
import pytest

from facetrack_ros.errors import FacetrackError
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.tracking.identity.person_registry import PersonRegistry
from facetrack_ros.tracking.settings import TrackingSettings


def make(**settings):
    return PersonRegistry("robot1", IdAllocator(), TrackingSettings(**settings), 0.36, "a-model")


@pytest.fixture
def registry():
    return make()


@pytest.fixture
def seen(registry):
    """A track's template of the given embeddings, each in two frames."""

    def of(*embeddings, frames=2):
        template = registry.empty_template()
        for embedding in embeddings * frames:
            template.add(embedding, 0.8)
        return template

    return of


def test_a_known_face_is_recognised_and_a_strange_one_is_not(registry, seen, embedding_of):
    person = registry.new_person()
    registry.add_face(person, embedding_of(1), 0.8)
    found = registry.recognise(seen(embedding_of(1, 0.7)))
    assert found.person_id == person
    assert found.similarity == pytest.approx(0.7)
    assert registry.recognise(seen(embedding_of(2))) is None
    assert registry.recognise(seen(embedding_of(1, 0.35))) is None
    assert registry.recognise(seen()) is None


def test_an_excluded_person_is_not_recognised(registry, seen, embedding_of):
    person = registry.new_person()
    registry.add_face(person, embedding_of(1), 0.8)
    assert registry.recognise(seen(embedding_of(1)), excluded={person}) is None


def test_a_lead_below_the_margin_is_no_recognition(registry, seen, embedding_of):
    first, second = registry.new_person(), registry.new_person()
    registry.add_face(first, embedding_of(1), 0.8)
    registry.add_face(second, embedding_of(2), 0.8)

    def towards_first(part):
        vector = part * embedding_of(1) + np.sqrt(1 - part**2) * embedding_of(2)
        return registry.recognise(seen(vector))

    assert towards_first(0.72) is None
    assert towards_first(0.8).person_id == first


def test_two_ids_of_one_face_are_merged_and_the_older_is_recognised(registry, seen, embedding_of):
    first, second = registry.new_person(), registry.new_person()
    for _ in range(2):
        registry.add_face(first, embedding_of(1, 0.9, 1), 0.8)
        registry.add_face(second, embedding_of(1, 0.92, 2), 0.8)
    assert registry.recognise(seen(embedding_of(1))).person_id == first
    (decision,) = registry.take_new_decisions()
    assert (decision.pair, decision.same, decision.faces, decision.margin) == ((first, second), True, 1, None)
    assert decision.template_similarity == pytest.approx(0.828, abs=1e-3)


def test_one_pair_of_frames_is_no_identity(registry, seen, embedding_of):
    person = registry.new_person()
    registry.add_face(person, embedding_of(1), 0.8)
    assert registry.recognise(seen(embedding_of(1, 0.9), frames=1)) is None
    assert registry.recognise(seen(embedding_of(1, 0.9))).person_id == person


def faces(embedding_of, person, similarity, count, first_side=0):
    """Faces of a person, each the given similarity to the person's front and unlike each other else."""
    return np.stack([embedding_of(person, similarity, first_side + side) for side in range(count)])


def test_one_face_among_several_that_matches_is_a_suggestion(registry, embedding_of):
    own = registry.new_person()
    for embedding in faces(embedding_of, 1, 0.9, 3):
        registry.add_face(own, embedding, 0.8)
    mixed = np.stack([embedding_of(1), *faces(embedding_of, 2, 0.9, 3, 10)])
    registry.learn("p_robot2_1", "a-model", mixed, np.array([0.6, 0.3, 0.3, 0.3]))
    (decision,) = registry.take_new_decisions()
    assert decision.suggestion
    assert decision.reason == "perhaps the same"
    assert (decision.faces, decision.model_id) == (1, "a-model")
    assert registry.merges.canonical("p_robot2_1") == "p_robot2_1"
    assert registry.merges.groups() == ()
    # All faces of another visit prove it.
    registry.learn("p_robot2_1", "a-model", faces(embedding_of, 1, 0.9, 8, 13), np.ones(8))
    (decision,) = registry.take_new_decisions()
    assert decision.same
    assert not decision.suggestion
    assert registry.merges.canonical("p_robot2_1") == own


def test_a_merge_joins_a_group_only_with_all_of_its_faces(registry, embedding_of):
    """A matches B and B matches C, but A and C are strangers: C stays apart."""

    def between(one, other, share, side):
        vector = share * embedding_of(one, 0.9, side) + np.sqrt(1 - share**2) * embedding_of(other, 0.9, side)
        return vector / np.linalg.norm(vector)

    def learn(number, embeddings):
        registry.learn(f"p_robot2_{number}", "a-model", np.stack(embeddings), np.full(len(embeddings), 0.8))

    def merged(number):
        registry.settle([f"p_robot2_{number}"], foreign=True)
        return registry.merges.canonical(f"p_robot2_{number}")

    learn(1, [between(1, 2, 1.0, side) for side in range(3)])
    learn(2, [between(1, 2, 0.8, side) for side in range(3, 6)])
    assert merged(2) == "p_robot2_1"
    learn(3, [between(1, 2, 0.05, side) for side in range(6, 9)])
    assert merged(3) == "p_robot2_3"


def test_two_persons_of_other_robots_are_left_to_these(registry, embedding_of):
    for robot in (2, 3):
        registry.learn(f"p_robot{robot}_1", "a-model", faces(embedding_of, 1, 0.9, 3, 3 * robot), np.ones(3))
    assert registry.take_new_decisions() == ()
    registry.settle(["p_robot3_1"], foreign=True)
    assert registry.merges.canonical("p_robot3_1") == "p_robot2_1"


def test_a_merge_with_a_group_names_every_pair_of_ids(registry, embedding_of):
    for number in range(1, 4):
        registry.learn(f"p_robot{number}_1", "a-model", faces(embedding_of, 1, 0.95, 3, 3 * number), np.ones(3))
    pairs = {decision.pair for decision in registry.take_new_decisions() if decision.same}
    assert pairs == {("p_robot1_1", "p_robot2_1"), ("p_robot1_1", "p_robot3_1"), ("p_robot2_1", "p_robot3_1")}
    assert registry.merges.group("p_robot3_1") == ("p_robot1_1", "p_robot2_1", "p_robot3_1")


def test_persons_seen_together_are_not_suggested_either(registry, embedding_of):
    persons = [registry.new_person() for _ in range(2)]
    for side, person in enumerate(persons):
        registry.add_face(person, embedding_of(1, 0.9, side), 0.8)
    registry.mark_distinct(persons)
    registry.suggest(persons[1])
    assert registry.take_new_decisions() == ()


def test_recognition_may_be_limited_to_older_and_foreign_ids(registry, seen, embedding_of):
    first, second = registry.new_person(), registry.new_person()
    registry.add_face(second, embedding_of(1), 0.8)
    assert registry.recognise(seen(embedding_of(1)), before=first) is None
    registry.learn("p_robot2_1", "a-model", embedding_of(3)[None], np.ones(1))
    assert registry.recognise(seen(embedding_of(3)), before=first).person_id == "p_robot2_1"


def test_an_embedding_unlike_all_others_does_not_enter_a_full_template(registry, embedding_of):
    person = registry.new_person()
    for side in range(5):
        registry.add_face(person, embedding_of(1, 0.8, side), 0.8)
    registry.add_face(person, embedding_of(9), 1.0)
    assert len(registry.templates()[person]) == 5


def test_persons_unseen_for_longest_are_dropped_first(embedding_of):
    registry = make(max_persons=2)
    persons = []
    for number in range(2):
        persons.append(registry.new_person())
        registry.add_face(persons[-1], embedding_of(number), 0.8)
    registry.add_face(persons[0], embedding_of(0), 0.9)
    persons.append(registry.new_person())
    assert list(registry.templates()) == [persons[0]]


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
def test_an_unusable_template_is_refused(registry, embedding_of, change, says):
    registry.add_face(registry.new_person(), embedding_of(1), 0.8)
    template = {
        "person_id": "p_robot2_1",
        "model_id": "a-model",
        "embeddings": np.stack([embedding_of(3), embedding_of(3, 0.8)]),
        "qualities": np.array([0.5, 0.6]),
        **change,
    }
    with pytest.raises(ValueError, match=says) as caught:
        registry.learn(**template)
    assert isinstance(caught.value, FacetrackError)
    assert list(registry.templates()) == ["p_robot1_1"]


def test_a_learned_template_adds_to_a_known_person(registry, embedding_of):
    person = registry.new_person()
    registry.add_face(person, embedding_of(1), 0.8)
    registry.learn(person, "a-model", embedding_of(1, 0.8)[None], np.array([0.9]))
    assert len(registry.templates()[person]) == 2


@pytest.mark.parametrize("threshold", [0.36, 0.99])
def test_the_very_same_face_is_recognised_at_any_threshold_and_with_no_margin(threshold, embedding_of):
    registry = PersonRegistry("robot1", IdAllocator(), TrackingSettings(margin=0.0), threshold, "a-model")
    person, template = registry.new_person(), registry.empty_template()
    once = np.zeros_like(embedding_of(1))
    once[0] = 1.0
    for _ in range(2):
        registry.add_face(person, once, 0.8)
        template.add(once, 0.8)
    assert registry.recognise(template).person_id == person


RANDOM = np.random.default_rng(5)
PEOPLE = np.linalg.qr(RANDOM.normal(size=(512, 256)))[0].T.astype(np.float32)


def look(front, count=4, likeness=0.8):
    """Faces around a front, unlike each other else."""
    sides = RANDOM.normal(size=(count, 512))
    sides /= np.linalg.norm(sides, axis=1, keepdims=True)
    rows = likeness * front / np.linalg.norm(front) + np.sqrt(1 - likeness**2) * sides
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("own", [1, 2], ids=["one of another robot", "two own persons"])
def test_no_template_that_drifts_joins_two_persons_of_other_robots(steps, own):
    # Two people as alike as many are to an embedder.
    registry, fronts = make(), (PEOPLE[0], 0.25 * PEOPLE[0] + np.sqrt(1 - 0.25**2) * PEOPLE[1])
    two = [registry.new_person() for _ in range(own)]
    for person, front in zip(two, fronts):
        for embedding in look(front):
            registry.add_face(person, embedding, 0.8)
    if own == 1:
        two.append("p_robot2_1")
        registry.learn("p_robot2_1", "a-model", look(fronts[1]), np.full(4, 0.8))
    # In one step: faces that lie between the two from the beginning.
    for share in np.linspace(0, 1, steps + 1) if steps > 1 else [0.5]:
        faces_between = look((1 - share) * fronts[0] + share * fronts[1], likeness=0.9)
        with contextlib.suppress(FacetrackError):
            registry.learn("p_robot9_1", "a-model", faces_between, np.ones(4))
    registry.settle([*two, "p_robot9_1"], foreign=True)
    assert registry.merges.canonical(two[0]) != registry.merges.canonical(two[1])
    # Person 2 in view is not taken for person 1 either.
    template = registry.empty_template()
    for embedding in look(fronts[1]):
        template.add(embedding, 0.8)
    found = registry.recognise(template)
    assert found is None or found.person_id != registry.merges.canonical(two[0])


def test_one_noisy_robot_displaces_no_person_seen_here_and_none_of_a_quiet_robot():
    registry = make(max_persons=20)
    own = [registry.new_person() for _ in range(15)]
    for person, front in zip(own, PEOPLE):
        registry.add_face(person, front, 0.8)
    for robot, number in [("quiet", number) for number in range(3)] + [("noisy", number) for number in range(200)]:
        registry.learn(f"p_{robot}_{number}", "a-model", PEOPLE[20 + number][None], np.ones(1), merge=False)
    known = registry.templates()
    assert {*own, "p_quiet_0", "p_quiet_1", "p_quiet_2"} <= known.keys()
    assert [each for each in known if "noisy" in each] == [f"p_noisy_{number}" for number in range(183, 200)]
