"""INT8 versions of ONNX face embedders, and the check that decides whether one is offered."""

import io
import logging
import os
from collections.abc import Iterable
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from facetrack_ros.errors import ModelError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.embedding.onnx_face import OnnxFaceEmbedder
from facetrack_ros.vision.evaluation.pair_similarities import pair_similarities
from facetrack_ros.vision.evaluation.verification import auc, false_match_curve, round_up, shows, threshold_at
from facetrack_ros.vision.export.calibration_faces import FaceCrops
from facetrack_ros.vision.inference.onnx_session import NO_TELEMETRY

#: An INT8 model whose embeddings are further from float32's on average, or that tells people apart worse by more, is not
#: offered.
LEAST_MEAN_COSINE = 0.98
MOST_AUC_LOSS = 0.002
#: Faces a calibration looks at, and the fewest for which calibration and check mean anything.
CALIBRATION_FACES = 200
FEWEST_FACES = 40
#: How the ranges of activations are found, in the order in which they are tried: from lowest to highest seen, quick; or
#: between percentiles, which takes minutes and keeps outliers from costing everybody else their precision.
METHODS = ("range", "percentile")
#: The first version of ONNX's operations in which a weight has a scale a channel.
SCALE_A_CHANNEL = 13
#: Rates for which thresholds of the two models are compared, the first for which there are pairs enough.
RATES = (1e-4, 1e-3, 1e-2)


@dataclass(frozen=True, eq=False)
class Comparison:
    """An INT8 model against its float32 model, on faces that it was not calibrated on.

    :param cosines: ``(n,)`` of the two embeddings of each face.
    :param auc: of the float32 and of the INT8 model, 0..1; None where nobody said who the faces are.
    :param impostor: similarities of pairs of two people by the float32 and by the INT8 model; None likewise.
    :param people: how many people the faces are of, 0 likewise.
    """

    cosines: np.ndarray
    auc: tuple[float, float] | None = None
    impostor: tuple[np.ndarray, np.ndarray] | None = None
    people: int = 0

    @property
    def objection(self) -> str:
        """Why the INT8 model cannot stand for the other, empty where it can."""
        if not self.cosines.mean() >= LEAST_MEAN_COSINE:
            return f"its mean cosine to float32 is {self.cosines.mean():.4f}, needed is {LEAST_MEAN_COSINE}"
        if self.auc is not None and not self.auc[0] - self.auc[1] <= MOST_AUC_LOSS:
            return (
                f"its AUC is {self.auc[1]:.4f}, that of float32 {self.auc[0]:.4f}: allowed is a loss of {MOST_AUC_LOSS}"
            )
        return ""


def split_calibration(crops: FaceCrops) -> tuple[FaceCrops, FaceCrops]:
    """Faces to calibrate on, evenly out of all and so of everybody, and the others, to check.

    :raises ModelError: too few.
    """
    if len(crops) < FEWEST_FACES:
        raise ModelError(
            f"{len(crops)} usable faces in {crops.pictures} pictures do not calibrate a model: give pictures "
            f"with at least {FEWEST_FACES}"
        )
    count = min(CALIBRATION_FACES, len(crops) // 4)
    chosen = np.zeros(len(crops), bool)
    chosen[np.linspace(0, len(crops) - 1, count).round().astype(int)] = True
    return crops.rows(chosen), crops.rows(~chosen)


def quantise_embedder(
    source: Path,
    embedder: OnnxFaceEmbedder,
    calibration: FaceCrops,
    target: Path,
    method: str = "range",
    reduce_range: bool = False,
) -> None:
    """Write a static INT8 version of a face embedder's graph, see :func:`quantise_graph`.

    :param source: the float32 graph, which ``embedder`` runs.
    :raises ModelError: the package onnx is missing, or onnxruntime cannot do it.
    """
    quantise_graph(
        source,
        embedder.input_name,
        (embedder.input.blob([crop]) for crop in calibration.crops),
        target,
        method,
        reduce_range,
    )


def quantise_graph(
    source: Path,
    input_name: str,
    blobs: Iterable[np.ndarray],
    target: Path,
    method: str = "range",
    reduce_range: bool = False,
    float_convolutions: int = 0,
) -> None:
    """Write a static INT8 version of a graph: activations in unsigned, weights in signed bytes, a scale a channel.

    Of the ways onnxruntime offers this is the fastest here on x86: three times as fast as float32, where signed activations
    gain next to nothing.

    :param source: the float32 graph.
    :param blobs: what it is calibrated on, an input each.
    :param method: one of :data:`METHODS`.
    :param reduce_range: weights in seven bits, for x86 processors without VNNI, where sums of eight bits overflow.
    :param float_convolutions: the first so many, and what lies before and between them and the next, stay float32: of a network
        that takes pixels from 0 to 255 they give numbers of too wide a range for a byte.
    :raises ModelError: the package onnx is missing, or onnxruntime cannot do it.
    """
    os.environ.setdefault(*NO_TELEMETRY)
    try:
        import onnx
        import onnx.version_converter
        from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError as error:
        raise ModelError("quantising needs the package onnx: pip install facetrack_ros[quantize]") from error
    methods = dict(zip(METHODS, (CalibrationMethod.MinMax, CalibrationMethod.Percentile)))
    newer, fused = (target.with_name(f"{step}_{target.name}") for step in ("newer", "fused"))
    try:
        with _quiet():
            graph = onnx.load(str(source))
            if any(each.domain == "" and each.version < SCALE_A_CHANNEL for each in graph.opset_import):
                onnx.save(onnx.version_converter.convert_version(graph, SCALE_A_CHANNEL), str(newer))
            # Shapes are inferred and batch normalisation goes into the convolutions, so that it needs no scales of its own.
            quant_pre_process(str(newer if newer.exists() else source), str(fused), skip_symbolic_shape=True)
            kept = _first(onnx.load(str(fused)).graph.node, float_convolutions)
            quantize_static(
                str(fused),
                str(target),
                _Calibration(input_name, blobs),
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                reduce_range=reduce_range,
                calibrate_method=methods[method],
                nodes_to_exclude=kept,
            )
    except Exception as error:  # onnx and onnxruntime raise classes of their own
        told = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{source} cannot be quantised: {told}") from error
    finally:
        for step in (newer, fused):
            step.unlink(missing_ok=True)


def _first(nodes: Iterable, convolutions: int) -> list[str]:
    """Names of the nodes before the convolution that comes after so many."""
    names: list[str] = []
    for node in nodes if convolutions else ():
        convolutions -= node.op_type == "Conv"
        if convolutions < 0:
            break
        names.append(node.name)
    return names


def compare_embedders(float32: OnnxFaceEmbedder, int8: OnnxFaceEmbedder, crops: FaceCrops) -> Comparison:
    """Embed faces with both."""
    wanted, got = float32.embed_crops(crops.crops), int8.embed_crops(crops.crops)
    cosines = np.sum(wanted * got, axis=1)
    if not crops.labelled:
        return Comparison(cosines)
    pairs = [pair_similarities(rows, crops.people)[:2] for rows in (wanted, got)]
    return Comparison(
        cosines,
        tuple(auc(*pair) for pair in pairs),
        tuple(impostor for _, impostor in pairs),
        len(np.unique(crops.people)),
    )


def int8_contract(contract: ModelContract) -> ModelContract:
    """The record of a model's INT8 version before anything is measured, but for file, sha256 and size."""
    return replace(contract, id=f"{contract.id}_int8", derived_from=contract.id, urls=(), package="")


def measured_contract(
    contract: ModelContract,
    base: ModelContract,
    found: Comparison,
    data: str,
    calibrated: int,
    method: str,
    reduce_range: bool,
) -> ModelContract:
    """The record with what was measured here.

    With people known, the curve is that of the INT8 model, and its threshold lies above that of the float32 model by as much
    as its most alike strangers do. It is never put lower: these faces are fewer than those the other was measured on.

    :param base: of the float32 model.
    :param data: what the faces are, in a word.
    """
    said = [
        f"{len(found.cosines)} faces of {data} that it was not calibrated on: cosine to {base.id} {found.cosines.mean():.4f} "
        f"on average, at least {found.cosines.min():.4f}"
    ]
    threshold, curve = base.threshold, base.false_match_curve
    if found.impostor is None:
        if base.measured_on:
            said.append(f"threshold and curve taken over from {base.id}, which says: {base.measured_on}")
    else:
        pairs = len(found.impostor[1])
        said.append(f"{pairs} pairs of two people, AUC {found.auc[1]:.4f} (float32 {found.auc[0]:.4f})")
        rate = next((rate for rate in RATES if shows(pairs, rate)), None)
        shift = (
            0.0
            if rate is None
            else max(0.0, threshold_at(found.impostor[1], rate) - threshold_at(found.impostor[0], rate))
        )
        # Where the other's curve ends, strangers may have been as alike in data that is not at hand.
        highest = base.false_match_curve[-1][0] - 0.005 + shift if base.false_match_curve else -1.0
        curve = false_match_curve(found.impostor[1], highest)
        if base.threshold > 0:
            threshold = min(1.0, round_up(base.threshold + shift))
            said.append(
                f"threshold {base.threshold:g} of {base.id} and {threshold - base.threshold:.3f} more, as its strangers "
                f"are more alike at a false-match rate of {rate:g}"
                if shift
                else f"threshold of {base.id}: its strangers are no more alike"
            )
        elif rate is not None and rate <= 1e-3:
            threshold = round_up(threshold_at(found.impostor[1], rate))
            said.append(f"threshold at a false-match rate of {rate:g}")
    bits = (
        "weights in seven bits"
        if reduce_range
        else (
            "weights in eight bits, whose sums may overflow on x86 processors "
            "without VNNI: make it with --reduce-range for those"
        )
    )
    note = f"static INT8 of {base.id}, calibrated on {calibrated} faces by {method}; {bits}"
    return replace(
        contract,
        threshold=threshold,
        false_match_curve=curve,
        measured_on="; ".join(said),
        note="; ".join(part for part in (note, base.note) if part),
    )


class _Calibration:
    """Hands onnxruntime one input after the other."""

    def __init__(self, input_name: str, blobs: Iterable[np.ndarray]):
        self._name, self._blobs = input_name, iter(blobs)

    def get_next(self) -> dict[str, np.ndarray] | None:
        blob = next(self._blobs, None)
        return None if blob is None else {self._name: blob}


@contextmanager
def _quiet():
    """onnxruntime's tools log warnings and print progress that no user can act on."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)
