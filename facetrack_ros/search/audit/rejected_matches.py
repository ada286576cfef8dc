"""Matches that people rejected count against the false matches that are told."""

import math
from dataclasses import replace
from pathlib import Path

from facetrack_ros.history.audit.verifications import judged_matches
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.false_match_rate import estimate_false_matches
from facetrack_ros.search.response import RobotResponse

# Standard errors to the end of a 95 % interval.
_Z95 = 1.96


def with_rejected_matches(
    line: RobotResponse, folder: Path, contract: ModelContract, threshold: float, references: int = 1
) -> RobotResponse:
    """A robot's line with the false matches to expect, where people rejected matches of it.

    In earlier searches that people judged, so many matches at or above the threshold were rejected among so many
    sightings. If that is more than the estimate from the model's curve and the scene says, it counts instead.

    :param folder: the robot's.
    :param references: number of embeddings of the person asked for.
    :raises StoreError: what people said of matches cannot be read.
    """
    judged = judged_matches(folder, line.robot_id, contract.id, threshold)
    if not judged.verified:
        return line
    line = replace(line, verified_matches=judged.verified, rejected_matches=judged.rejected)
    if not judged.rejected or not judged.sightings:
        return line
    expected = line.expected_false_matches, line.expected_false_matches_low, line.expected_false_matches_high
    if not line.scene_pairs:
        model = estimate_false_matches(contract, threshold, line.sightings, references)
        expected = model.expected, model.low, model.high
    share = line.sightings / judged.sightings
    return replace(
        line,
        expected_false_matches=_larger(expected[0], judged.rejected * share),
        expected_false_matches_low=_larger(expected[1], 0.0),
        expected_false_matches_high=_larger(expected[2], most_expected(judged.rejected) * share),
    )


def most_expected(counted: int) -> float:
    """Upper end of the 95 % interval of the mean of a Poisson distribution of which a number was counted (Byar's
    approximation; Breslow and Day, Statistical Methods in Cancer Research II, 1987)."""
    more = counted + 1
    return more * (1 - 1 / (9 * more) + _Z95 / (3 * math.sqrt(more))) ** 3


def _larger(estimate: float, counted: float) -> float:
    return counted if math.isnan(estimate) else max(estimate, counted)
