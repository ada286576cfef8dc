"""Threshold and false-match curve of a measurement, written into the model's contract."""

from dataclasses import replace
from pathlib import Path

from facetrack_ros.errors import EvaluationError, ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.contract import ModelContract, write_contract
from facetrack_ros.models.paths import cache_folder
from facetrack_ros.vision.evaluation.recognition import RecognitionMetrics, operating_point
from facetrack_ros.vision.evaluation.verification import RULE_OF_THREE, round_up


def calibrate_contract(contract: ModelContract, metrics: RecognitionMetrics, rate: float, data: str) -> ModelContract:
    """The contract with the threshold at a false-match rate, and the false-match curve of the pairs measured.

    :param rate: the false-match rate, 0..1.
    :param data: description of the pictures measured.
    :raises EvaluationError: there are too few pairs for so low a rate, or no threshold keeps it.
    """
    point = operating_point(metrics.genuine, metrics.impostor, rate)
    if not point.shown:
        raise EvaluationError(
            f"{len(metrics.impostor)} pairs of two people cannot show a false-match rate of {rate:g}: that takes "
            f"{RULE_OF_THREE / rate:.0f} pairs or more; measure on more people, or ask for a higher rate"
        )
    threshold = round_up(point.threshold)
    if threshold > 1:
        raise EvaluationError(
            f"no threshold keeps a false-match rate of {rate:g}: more pairs of two people than that are "
            f"of the same picture; is a person there under two names?"
        )
    measured_on = (
        f"{data}, {len(metrics.impostor)} pairs of two people among {metrics.people} (AUC "
        f"{metrics.auc:.4f}, {point.true_accept_rate:.1%} of {len(metrics.genuine)} pairs of one person "
        f"found at a false-match rate of {rate:g})"
    )
    return replace(
        contract,
        threshold=threshold,
        false_match_curve=metrics.curve.points,
        false_match_interval=metrics.curve.interval,
        found_curve=metrics.found_curve,
        calibration_people=metrics.curve.people,
        calibration_pairs=metrics.curve.pairs,
        measured_on=measured_on,
    )


def install_contract(contract: ModelContract) -> Path:
    """Write a calibrated contract into the user's model folder, from where it replaces the catalog's.

    :return: the file.
    :raises ModelError: it cannot be written, or a folder of FACETRACK_MODELS has another record of the same model.
    """
    path = write_contract(contract, cache_folder())
    if catalog.known(contract.id) != contract:
        raise ModelError(
            f"{path} is written but does not count: a folder of FACETRACK_MODELS has a record of {contract.id} "
            f"too, which comes first; move the new one there"
        )
    return path
