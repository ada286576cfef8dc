"""How far a search response can be trusted, in a sentence."""

import math

from facetrack_ros.models.contract import ModelContract
from facetrack_ros.models.operating_points import NAMES, found_share, operating_point
from facetrack_ros.search.response import SearchResponse


def trust_sentence(response: SearchResponse) -> str:
    """The threshold, the expected number of false matches with its range, and what the estimate rests on."""
    named = f"operating point {response.operating_point}, " if response.operating_point else ""
    opening = f"Model {response.model_id}, {named}threshold {response.threshold:.3g}"
    if math.isnan(response.expected_false_matches):
        return f"{opening}, false matches unknown, as this model's false-match rate was never measured."
    expected = f"{_number(response.expected_false_matches)} false matches expected by chance"
    over = f"{expected} over {response.sightings} sightings{_range(response)}{_scenes(response)}"
    return f"{opening}, {over}.{_judged(response)}"


def _scenes(response: SearchResponse) -> str:
    """The pairs of different people on the robots' own cameras that count too."""
    calibrated = [robot for robot in response.robots if robot.scene_pairs]
    if not calibrated:
        return ""
    pairs = sum(robot.scene_pairs for robot in calibrated)
    robots = calibrated[0].robot_id if len(calibrated) == 1 else f"{len(calibrated)} robots"
    return f", and on {pairs} pairs of faces of different people seen by {robots}"


def _judged(response: SearchResponse) -> str:
    """What people said of earlier matches at this threshold."""
    judged = [robot for robot in response.robots if robot.verified_matches]
    if not judged:
        return ""
    verified = sum(robot.verified_matches for robot in judged)
    rejected = sum(robot.rejected_matches for robot in judged)
    robots = judged[0].robot_id if len(judged) == 1 else f"{len(judged)} robots"
    counted = ", which counts" if rejected else ""
    return f" Of {verified} earlier matches of {robots} that people verified, {rejected} were rejected{counted}."


def wider_sentence(response: SearchResponse, contract: ModelContract | None) -> str:
    """Where nothing matched: how many pictures of one person the threshold finds, and what finds more; empty: unknown.

    :param contract: of the response's model.
    """
    found = found_share(contract, response.threshold) if contract is not None else math.nan
    if response.matches or math.isnan(found):
        return ""
    assert contract is not None
    wider = [operating_point(contract, name) for name in NAMES]
    more = [f"{point.name} ({point.found:.0%})" for point in wider if point.threshold < response.threshold]
    advice = f"; search again with --operating-point {' or '.join(more)}, which have more false matches" if more else ""
    return f"At this threshold {found:.0%} of the pairs of pictures of one person match{advice}."


def _range(response: SearchResponse) -> str:
    low, high = response.expected_false_matches_low, response.expected_false_matches_high
    if math.isnan(low) or math.isnan(high) or not response.sightings:
        return ""
    if not response.calibration_people:
        return f" ({_number(low)} to {_number(high)} assumed, as the number of people measured is unknown)"
    measured = f"{response.calibration_people} people, {response.calibration_pairs} pairs"
    return f" ({_number(low)} to {_number(high)} with 95 % confidence, measured on {measured})"


def _number(expected: float) -> str:
    if 0 < expected < 0.001:
        return "fewer than 0.001"
    return f"{expected:.2g}" if expected < 10 else f"{expected:.0f}"
