"""ROC, AUC, thresholds and false-match curves of genuine and impostor pairs."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facetrack_ros.errors import EvaluationError
from facetrack_ros.vision.evaluation.verification import (
    auc,
    false_match_rate,
    roc,
    round_up,
    shows,
    threshold_at,
    true_accept_rate,
)

# A busy machine is slow; that is not what is tested.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Few different values, so that ties are common.
similarities = st.lists(st.integers(-20, 20).map(lambda n: n / 20), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("genuine", "impostor", "area"),
    [([0.9, 0.8], [0.1, 0.2], 1.0), ([0.1], [0.9], 0.0), ([0.5], [0.5], 0.5), ([0.5, 0.9], [0.5, 0.1], 0.875)],
)
def test_auc_is_the_probability_that_the_genuine_pair_is_more_similar(genuine, impostor, area):
    assert auc(genuine, impostor) == area


@PATIENT
@given(similarities, similarities)
def test_auc_is_the_area_under_the_roc(genuine, impostor):
    far, tar, thresholds = roc(genuine, impostor)
    assert (far[0], tar[0], far[-1], tar[-1]) == (0, 0, 1, 1)
    assert (np.diff(thresholds) < 0).all()
    assert (np.diff(far) >= 0).all()
    assert (np.diff(tar) >= 0).all()
    assert np.isclose(((tar[1:] + tar[:-1]) / 2 * np.diff(far)).sum(), auc(genuine, impostor))


@PATIENT
@given(similarities, similarities)
def test_every_point_of_the_roc_has_the_rates_at_its_threshold(genuine, impostor):
    for far, tar, threshold in zip(*roc(genuine, impostor)):
        assert np.isclose(far, false_match_rate(impostor, threshold))
        assert np.isclose(tar, true_accept_rate(genuine, threshold))


@PATIENT
@given(similarities, similarities)
def test_auc_and_roc_agree_with_scikit_learn(genuine, impostor):
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    labels, scores = [1] * len(genuine) + [0] * len(impostor), genuine + impostor
    assert np.isclose(auc(genuine, impostor), metrics.roc_auc_score(labels, scores))
    for ours, theirs in zip(roc(genuine, impostor), metrics.roc_curve(labels, scores, drop_intermediate=False)):
        np.testing.assert_allclose(ours, theirs)


@pytest.mark.parametrize(("rate", "matches"), [(0.5, 5), (0.3, 3), (0.29, 2), (0.1, 1), (0.09, 0), (0.0, 0)])
def test_the_threshold_lets_as_many_pairs_match_as_the_rate_allows(rate, matches):
    impostor = np.arange(10) / 10
    assert (impostor >= threshold_at(impostor, rate)).sum() == matches


def test_tied_pairs_match_together_or_not_at_all():
    impostor = [0.1, 0.2, 0.4, 0.4, 0.4]
    assert false_match_rate(impostor, threshold_at(impostor, 0.4)) == 0
    assert false_match_rate(impostor, threshold_at(impostor, 0.6)) == 0.6


@PATIENT
@given(similarities, st.floats(0, 0.999))
def test_no_lower_threshold_keeps_the_rate(impostor, rate):
    threshold = threshold_at(impostor, rate)
    assert false_match_rate(impostor, threshold) <= rate
    assert false_match_rate(impostor, np.nextafter(threshold, -1)) > rate


def test_a_rate_below_one_pair_puts_the_threshold_just_above_all():
    impostor = np.array([0.1, 0.7], np.float32)
    assert impostor[1] < threshold_at(impostor, 0.001) < 0.7001
    assert not (impostor >= threshold_at(impostor, 0.001)).any()
    assert not (np.float64(impostor) >= threshold_at(np.float64(impostor), 0.001)).any()


def test_the_rule_of_three_decides_what_rate_is_shown():
    assert shows(30_000, 1e-4)
    assert not shows(29_999, 1e-4)


@PATIENT
@given(st.floats(-1, 1))
def test_rounding_never_lowers_a_threshold(threshold):
    assert threshold <= round_up(threshold) < threshold + 0.0011


def test_no_pairs_is_an_error():
    calls = [(auc, [], [0.1]), (auc, [0.1], []), (threshold_at, [], 0.1), (true_accept_rate, [], 0.1)]
    for function, *arguments in calls:
        with pytest.raises(EvaluationError, match=r"no (genuine|impostor) pairs"):
            function(*arguments)


def test_nan_is_refused():
    with pytest.raises(EvaluationError, match="not a number"):
        auc([np.nan], [0.1])
