"""What a measurement says into a model's contract: threshold, false-match curve, and the data behind them."""

from dataclasses import replace
from pathlib import Path

from facetrack_ros.errors import EvaluationError, ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.contract import ModelContract, write_contract
from facetrack_ros.models.paths import cache_folder
from facetrack_ros.vision.evaluation.recognition import RecognitionMetrics, operating_point
from facetrack_ros.vision.evaluation.verification import RULE_OF_THREE, false_match_curve, round_up


def calibrate_contract(
    contract: ModelContract, recognition: RecognitionMetrics, rate: float, data: str
) -> ModelContract:
    """The contract with the threshold of a false-match rate and the curve of the pairs measured.

    :param rate: the false-match rate, 0..1.
    :param data: what was measured on, in words.
    :raises EvaluationError: the pairs cannot show so low a rate, or no threshold keeps it.
    """
    point = operating_point(recognition.genuine, recognition.impostor, rate)
    if not point.shown:
        raise EvaluationError(
            f"{len(recognition.impostor)} pairs of two people cannot show a false-match rate of {rate:g}: that takes "
            f"{RULE_OF_THREE / rate:.0f} pairs or more; measure on more people, or ask for a higher rate"
        )
    threshold = round_up(point.threshold)
    if threshold > 1:
        raise EvaluationError(
            f"no threshold keeps a false-match rate of {rate:g}: more pairs of two people than that are "
            f"of the same picture; is somebody there under two names?"
        )
    measured_on = (
        f"{data}, {len(recognition.impostor)} pairs of two people among {recognition.people} (AUC "
        f"{recognition.auc:.4f}, {point.true_accept_rate:.1%} of {len(recognition.genuine)} pairs of one person "
        f"found at a false-match rate of {rate:g})"
    )
    return replace(
        contract,
        threshold=threshold,
        false_match_curve=false_match_curve(recognition.impostor),
        measured_on=measured_on,
    )


def install_contract(contract: ModelContract) -> Path:
    """Keep a calibrated contract in the user's own model folder. From then on its threshold and curve count.

    :return: the file.
    :raises ModelError: it cannot be written, or another record of the same model comes before it.
    """
    path = write_contract(contract, cache_folder())
    if catalog.known(contract.id) != contract:
        raise ModelError(
            f"{path} is written but does not count: a folder of FACETRACK_MODELS has a record of {contract.id} "
            f"too, which comes first; move the new one there"
        )
    return path
