"""Two templates prove one person by several faces, by their means, and by comparison with other people."""

import numpy as np
import pytest

from facetrack_ros.core.similarity_level import SimilarityLevel
from facetrack_ros.tracking.identity.agreement import AgreementRule, FaceAgreement
from facetrack_ros.tracking.identity.face_template import FaceTemplate

THRESHOLD = 0.36
CURVE = ((0.1, 0.1), (0.2, 0.01), (0.3, 0.001), (0.36, 0.0001))


def template(*embeddings, frames=2):
    made = FaceTemplate()
    for each in embeddings * frames:
        made.add(each, 0.8)
    return made


def along(*parts):
    vector = np.zeros(64, np.float32)
    vector[: len(parts)] = parts
    return vector / np.linalg.norm(vector)


@pytest.mark.parametrize(
    ("one", "other", "pairs", "proves"),
    [
        ([0.9] * 3, [0.9] * 3, 3, True),
        ([0.9] * 2, [0.9] * 8, 2, True),
        ([0.65] * 2, [0.65] * 2, 2, False),
        ([0.7] * 3, [0.7] * 3, 3, True),
        ([1.0], [0.8] * 3, 1, True),
        ([1.0], [0.6], 1, False),
        ([0.5] * 3, [0.5] * 3, 0, False),
    ],
)
def test_fewer_faces_need_more_similarity(embedding_of, one, other, pairs, proves):
    rule = AgreementRule(THRESHOLD)
    templates = [
        template(*(embedding_of(1, similarity, first + side) for side, similarity in enumerate(similarities)))
        for first, similarities in ((0, one), (16, other))
    ]
    agreement = rule.compare(*templates, None)
    assert agreement.pairs == pairs
    assert rule.proves(agreement) == proves


@pytest.mark.parametrize(
    ("pairs", "deviations", "proves"),
    [(1, 5.4, False), (1, 5.7, True), (2, 5.2, False), (3, 5.3, False), (3, 5.5, True)],
)
def test_strangers_in_the_dark_stay_apart(pairs, deviations, proves):
    """Two people of ORL, filmed in the dark, reached 5.4 deviations with one matching pair and 5.2 with three."""
    agreement = FaceAgreement(0.4, 0.5, deviations, pairs, least_pairs=1, frames=9)
    assert AgreementRule(THRESHOLD).proves(agreement) == proves


def test_half_of_the_faces_must_match(embedding_of):
    rule = AgreementRule(THRESHOLD)
    own = template(*(embedding_of(1, 0.9, side) for side in range(6)))
    few = [embedding_of(1, 0.9, 10 + side) for side in range(2)]
    others = [embedding_of(1, -0.2, 16 + side) for side in range(4)]
    agreement = rule.compare(own, template(*few, *others), None)
    assert (agreement.pairs, agreement.least_pairs) == (2, 3)
    assert not rule.proves(agreement)


def test_one_frame_on_each_side_proves_nothing(embedding_of):
    rule = AgreementRule(THRESHOLD)
    once = template(embedding_of(1), frames=1)
    assert not rule.proves(rule.compare(once, once, None))
    assert rule.suggests(rule.compare(once, once, None))
    assert rule.proves(rule.compare(once, template(embedding_of(1)), None))


@pytest.mark.parametrize(("level", "alike"), [(0.0, True), (0.35, False)])
def test_where_all_people_are_alike_it_takes_more(level, alike):
    """The same two faces match among people unlike them, and do not among people who all look like both."""
    rule = AgreementRule(THRESHOLD, SimilarityLevel.of_curve(CURVE))
    one, other = along(np.sqrt(0.75), 0.5), along(np.sqrt(0.75), -0.5)
    share = level / np.sqrt(0.75)
    others = np.zeros((40, 64), np.float32)
    others[:, 0], others[np.arange(40), 2 + np.arange(40)] = share, np.sqrt(1 - share**2)
    cohort = rule.cohort([f"p_{number}" for number in range(40)], others)
    assert rule.alike(template(one), template(other), cohort) == alike
