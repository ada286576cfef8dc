"""INT8 versions of ONNX graphs, and the comparison with float32 that decides whether one is published."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from facetrack_ros.errors import ModelError, first_line
from facetrack_ros.models.contract import CALIBRATION, ModelContract
from facetrack_ros.vision.embedding.onnx_face import OnnxFaceEmbedder
from facetrack_ros.vision.evaluation import verification
from facetrack_ros.vision.evaluation.false_match_curve import FalseMatchCurve, found_curve, measure_false_matches
from facetrack_ros.vision.export.calibration_faces import FaceCrops
from facetrack_ros.vision.export.quiet import quiet
from facetrack_ros.vision.inference.onnx_session import NO_TELEMETRY

#: An INT8 model is published only within both limits. Chosen by hand.
MIN_MEAN_COSINE = 0.98
MAX_AUC_LOSS = 0.002
#: Most faces of a calibration, and fewest for calibration and check together. Chosen by hand.
CALIBRATION_FACES = 200
MIN_FACES = 40
#: How the ranges of activations are found, in the order in which they are tried: from lowest to highest value seen; or
#: between percentiles, which takes minutes and keeps the precision of all other values where there are outliers.
METHODS = ("range", "percentile")
#: First ONNX opset in which a weight has a scale per channel.
PER_CHANNEL_OPSET = 13
#: False-match rates at which the thresholds of both models are compared, the first for which there are pairs enough.
RATES = (1e-4, 1e-3, 1e-2)


@dataclass(frozen=True, eq=False)
class Comparison:
    """An INT8 model against its float32 model, on faces that it was not calibrated on.

    :param cosines: ``(n,)`` of the two embeddings of each face.
    :param auc: of the float32 and of the INT8 model, 0..1; None where the faces have no labels.
    :param impostor: similarities of pairs of two people by the float32 and by the INT8 model; None likewise.
    :param curve: false-match curve of the INT8 model; None likewise.
    :param found_curve: share of pairs of one person at or above thresholds by the INT8 model, empty likewise.
    """

    cosines: np.ndarray
    auc: tuple[float, float] | None = None
    impostor: tuple[np.ndarray, np.ndarray] | None = None
    curve: FalseMatchCurve | None = None
    found_curve: tuple[tuple[float, float], ...] = ()

    @property
    def people(self) -> int:
        """Number of people; 0 where the faces have no labels."""
        return self.curve.people if self.curve else 0

    @property
    def objection(self) -> str:
        """Why the INT8 model cannot replace the other, empty where it can."""
        if not self.cosines.mean() >= MIN_MEAN_COSINE:
            return f"its mean cosine to float32 is {self.cosines.mean():.4f}, needed is {MIN_MEAN_COSINE}"
        if self.auc is not None and not self.auc[0] - self.auc[1] <= MAX_AUC_LOSS:
            return f"its AUC is {self.auc[1]:.4f}, that of float32 {self.auc[0]:.4f}: it may lose {MAX_AUC_LOSS}"
        return ""


def split_calibration(crops: FaceCrops) -> tuple[FaceCrops, FaceCrops]:
    """Crops to calibrate on, evenly out of all, and the others, to check.

    :raises ModelError: too few.
    """
    if len(crops) < MIN_FACES:
        raise ModelError(
            f"{len(crops)} usable faces in {crops.pictures} pictures do not calibrate a model: give pictures "
            f"with at least {MIN_FACES}"
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
    :raises ModelError: the package onnx is missing, or onnxruntime fails.
    """
    blobs = (embedder.input.blob([crop]) for crop in calibration.crops)
    quantise_graph(source, embedder.input_name, blobs, target, method, reduce_range)


def quantise_graph(
    source: Path,
    input_name: str,
    blobs: Iterable[np.ndarray],
    target: Path,
    method: str = "range",
    reduce_range: bool = False,
    float_convolutions: int = 0,
) -> None:
    """Write a static INT8 version of a graph: activations uint8, weights int8, a scale per channel.

    On x86 this is the fastest of onnxruntime's ways, three times as fast as float32 (benchmarks/int8.py); with int8
    activations next to nothing is gained.

    :param source: the float32 graph.
    :param blobs: inputs to calibrate on.
    :param method: one of :data:`METHODS`.
    :param reduce_range: weights of seven bits, for x86 processors without VNNI, where sums of eight bits overflow.
    :param float_convolutions: keep the first so many convolutions and all nodes up to the next one in float32. In a
        network that takes pixels of 0..255 their outputs have too wide a range for a byte.
    :raises ModelError: the package onnx is missing, or onnxruntime fails.
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
        with quiet():
            graph = onnx.load(str(source))
            if any(each.domain == "" and each.version < PER_CHANNEL_OPSET for each in graph.opset_import):
                onnx.save(onnx.version_converter.convert_version(graph, PER_CHANNEL_OPSET), str(newer))
            # Fuses batch normalisation into the convolutions, so that it needs no scales of its own.
            quant_pre_process(str(newer if newer.exists() else source), str(fused), skip_symbolic_shape=True)
            quantize_static(
                str(fused),
                str(target),
                _CalibrationReader(input_name, blobs),
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                reduce_range=reduce_range,
                calibrate_method=methods[method],
                nodes_to_exclude=_first_nodes(onnx.load(str(fused)).graph.node, float_convolutions),
            )
    except Exception as error:  # onnx and onnxruntime raise classes of their own
        raise ModelError(f"{source} cannot be quantised: {first_line(error)}") from error
    finally:
        for step in (newer, fused):
            step.unlink(missing_ok=True)


def _first_nodes(nodes: Iterable, convolutions: int) -> list[str]:
    """Names of the nodes up to the convolution that follows this many."""
    names: list[str] = []
    for node in nodes if convolutions else ():
        convolutions -= node.op_type == "Conv"
        if convolutions < 0:
            break
        names.append(node.name)
    return names


def compare_embedders(float32: OnnxFaceEmbedder, int8: OnnxFaceEmbedder, crops: FaceCrops) -> Comparison:
    """Embed faces with both models and compare."""
    rows = [embedder.embed_crops(crops.crops) for embedder in (float32, int8)]
    cosines = np.sum(rows[0] * rows[1], axis=1)
    if not crops.labelled:
        return Comparison(cosines)
    before, after = (verification.pair_similarities(each, crops.people)[:2] for each in rows)
    curve = measure_false_matches(rows[1], crops.people)
    found = found_curve(rows[1], crops.people, tuple(threshold for threshold, _ in curve.points))
    aucs = (verification.auc(*before), verification.auc(*after))
    return Comparison(cosines, aucs, (before[1], after[1]), curve, found)


def int8_contract(contract: ModelContract) -> ModelContract:
    """The contract of a model's INT8 version before it is measured, without file, sha256 and size."""
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
    """The contract with threshold, false-match curve and description of the comparison.

    :param base: of the float32 model.
    :param data: name of the faces' data set.
    :param calibrated: number of faces it was calibrated on.
    """
    threshold, shift, origin = _threshold(base, found)
    measured_on = (
        f"{len(found.cosines)} faces of {data} that it was not calibrated on: cosine to {base.id} "
        f"{found.cosines.mean():.4f} on average, at least {found.cosines.min():.4f}"
    )
    bits = (
        "weights in seven bits"
        if reduce_range
        else "weights in eight bits, whose sums may overflow on x86 processors without VNNI: make it with "
        "--reduce-range for those"
    )
    note = f"static INT8 of {base.id}, calibrated on {calibrated} faces by {method}; {bits}"
    return replace(
        contract,
        **_curves(base, found, shift),
        threshold=threshold,
        measured_on="; ".join([measured_on, *origin]),
        note="; ".join(part for part in (note, base.note) if part),
    )


def _curves(base: ModelContract, found: Comparison, shift: float) -> dict[str, Any]:
    """The curves of an INT8 model: its own, or those of the float32 model where these rest on more people.

    :param shift: by how much the INT8 model's thresholds are above those of the float32 model.
    """
    if found.curve is None or found.curve.people <= base.calibration_people:
        curves = {name: getattr(base, name) for name in CALIBRATION if name not in ("threshold", "measured_on")}
        for name in ("false_match_curve", "found_curve"):
            curves[name] = tuple((min(1.0, at + shift), rate) for at, rate in curves[name])
        return curves
    return {
        "false_match_curve": found.curve.points,
        "false_match_interval": found.curve.interval,
        "found_curve": found.found_curve,
        "calibration_people": found.curve.people,
        "calibration_pairs": found.curve.pairs,
    }


def _threshold(base: ModelContract, found: Comparison) -> tuple[float, float, list[str]]:
    """Threshold of an INT8 model, its distance from that of the float32 model, and sentences that say where it is from.

    With labelled faces the threshold is above that of the float32 model by as much as the similarities of its impostor
    pairs are. It is never below: these are fewer faces than those the float32 model was measured on.
    """
    if found.impostor is None or found.auc is None:
        taken_over = f"threshold and curve taken over from {base.id}, which says: {base.measured_on}"
        return base.threshold, 0.0, [taken_over] if base.measured_on else []
    before, after = found.impostor
    origin = [f"{len(after)} pairs of two people, AUC {found.auc[1]:.4f} (float32 {found.auc[0]:.4f})"]
    rate = next((rate for rate in RATES if verification.shows(len(after), rate)), None)
    shift = 0.0
    if rate is not None:
        shift = max(0.0, verification.threshold_at(after, rate) - verification.threshold_at(before, rate))
    threshold = base.threshold
    if base.threshold > 0:
        threshold = min(1.0, verification.round_up(base.threshold + shift))
        origin.append(
            f"threshold {base.threshold:g} of {base.id} and {threshold - base.threshold:.3f} more, as its strangers "
            f"are more alike at a false-match rate of {rate:g}"
            if shift
            else f"threshold of {base.id}: its strangers are no more alike"
        )
    elif rate is not None and rate <= 1e-3:
        threshold = verification.round_up(verification.threshold_at(after, rate))
        origin.append(f"threshold at a false-match rate of {rate:g}")
    return threshold, shift, origin


class _CalibrationReader:
    """onnxruntime's data reader over an iterable of inputs."""

    def __init__(self, input_name: str, blobs: Iterable[np.ndarray]):
        self._name, self._blobs = input_name, iter(blobs)

    def get_next(self) -> dict[str, np.ndarray] | None:
        blob = next(self._blobs, None)
        return None if blob is None else {self._name: blob}
