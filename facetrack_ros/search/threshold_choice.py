"""The threshold of a search: a number or an operating point, of the request or of the settings."""

from facetrack_ros.errors import ModelError, RequestError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.models.operating_points import operating_point
from facetrack_ros.settings import BacktrackSearchOptions


def choose_threshold(
    contract: ModelContract, options: BacktrackSearchOptions, threshold: float = 0.0, name: str = ""
) -> tuple[float, str]:
    """The threshold, and the name of its operating point; no name where it is a number.

    :param contract: of the request's model. One without a false-match curve has no operating points but its threshold.
    :param threshold: of the request; 0: none.
    :param name: the operating point of the request; empty: none.
    :raises RequestError: the request gives both, or an unknown operating point.
    """
    if threshold and name:
        raise RequestError(f"give a threshold or an operating point, not both: {threshold:g} and {name}")
    if threshold or (options.similarity_threshold and not name):
        return threshold or options.similarity_threshold, ""
    try:
        point = operating_point(contract, name or options.operating_point)
    except ModelError as error:
        raise RequestError(str(error)) from error
    return point.threshold, point.name if contract.false_match_curve else ""
