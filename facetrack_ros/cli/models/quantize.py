"""``facetrack models quantize``: makes an INT8 version of an ONNX face embedder, kept only if it agrees with it."""

import argparse
import time
from pathlib import Path

import numpy as np

from facetrack_ros.errors import ModelError
from facetrack_ros.models.paths import cache_folder, model_folders
from facetrack_ros.models.resolver import resolve
from facetrack_ros.vision.embedding.onnx_face import OnnxFaceEmbedder
from facetrack_ros.vision.evaluation.face_samples import enlarged
from facetrack_ros.vision.export.calibration_faces import FaceCrops, extract_face_crops, face_pipeline, find_pictures
from facetrack_ros.vision.export.int8 import (
    METHODS,
    Comparison,
    compare_embedders,
    int8_contract,
    measured_contract,
    quantise_embedder,
    split_calibration,
)
from facetrack_ros.vision.export.publish import publish_model, staged_model
from facetrack_ros.vision.settings import VisionSettings

#: Most pictures used, evenly spread over all.
MOST_PICTURES = 4000
#: Calls of each model, alternating, for the times printed.
ROUNDS = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the action."""
    add = parser.add_argument
    add("id", metavar="ID", help="the ONNX face embedder: its id, or ID=PATH")
    add(
        "--faces",
        type=Path,
        required=True,
        metavar="DIR",
        help="pictures of faces, at any depth, to calibrate and check with; with one folder per person "
        "the threshold is measured, too",
    )
    add("--upscale", type=float, default=1.0, metavar="F", help="enlarge the pictures before face detection")
    add("--pad", type=int, default=0, metavar="PX", help="then add a border, for pictures cut tight")
    add(
        "--reduce-range",
        action="store_true",
        help="weights in seven bits, for x86 processors without VNNI instructions",
    )
    add("--out", type=Path, metavar="FOLDER", help="folder of the model (default: the user's model cache)")


def run(arguments: argparse.Namespace) -> int:
    """Calibrate and check; keep the model if it passes."""
    if not 0 < arguments.upscale <= 16 or not 0 <= arguments.pad <= 10_000:
        raise ModelError("--upscale must be above 0 and at most 16, --pad from 0 to 10000")
    model = resolve(arguments.id)
    base = model.contract
    if model.path is None or (base.task, base.architecture) != ("embedding", "onnx"):
        raise ModelError(
            f"{base.id} is no face embedder in an ONNX file"
            + (f"; make one with facetrack models export {arguments.id}" if base.architecture == "resnet50" else "")
        )
    float32 = OnnxFaceEmbedder(model.path, base)
    pictures = find_pictures(arguments.faces, MOST_PICTURES)
    crops = extract_face_crops(
        face_pipeline(float32, VisionSettings()), float32.input, pictures, enlarged(arguments.upscale, arguments.pad)
    )
    calibration, held_out = split_calibration(crops)
    print(
        f"{len(crops)} usable faces in {crops.pictures} pictures: {len(calibration)} calibrate, {len(held_out)} check"
        + ("" if crops.labelled else "; there are no folders of persons, so the threshold cannot be measured")
    )
    folder = arguments.out or cache_folder()
    contract = int8_contract(base)
    with staged_model(folder, contract.id) as made:
        for method in METHODS:
            quantise_embedder(model.path, float32, calibration, made, method, arguments.reduce_range)
            int8 = OnnxFaceEmbedder(made, contract)
            found = compare_embedders(float32, int8, held_out)
            _report(found, method)
            if not found.objection:
                break
        _report_speed(float32, int8, held_out)
        if found.objection:
            raise ModelError(f"{contract.id} is not offered: {found.objection}")
        contract = measured_contract(
            contract, base, found, arguments.faces.resolve().name, len(calibration), method, arguments.reduce_range
        )
        contract, path = publish_model(made, contract, folder)
    print(
        f"{contract.id}: {path} ({contract.size / 1e6:.1f} MB, float32 {base.size / 1e6:.1f} MB), "
        f"threshold {contract.threshold:g}"
    )
    if folder not in model_folders():
        print(f"it is found once {folder} is in FACETRACK_MODELS")
    print(f"to use it: embedder.model: {contract.id}")
    return 0


def _report(found: Comparison, method: str) -> None:
    print(
        f"calibrated by {method}: cosine to float32 {found.cosines.mean():.4f} on average, "
        f"lowest {found.cosines.min():.4f}"
    )
    if found.auc is not None:
        print(f"AUC float32 {found.auc[0]:.5f}, INT8 {found.auc[1]:.5f}, on {found.people} people")


def _report_speed(float32: OnnxFaceEmbedder, int8: OnnxFaceEmbedder, crops: FaceCrops) -> None:
    """Alternate the models, so that other load slows both."""
    times: tuple[list[float], list[float]] = ([], [])
    for row in range(ROUNDS):
        for embedder, taken in zip((float32, int8), times):
            start = time.perf_counter()
            embedder.embed_crops(crops.crops[row % len(crops)][None])
            taken.append((time.perf_counter() - start) * 1e3)
    before, after = (float(np.median(taken)) for taken in times)
    print(f"a face on one thread: float32 {before:.1f} ms, INT8 {after:.1f} ms, {before / after:.1f} times as fast")
