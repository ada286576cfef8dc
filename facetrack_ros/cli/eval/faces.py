"""``facetrack eval faces``: measures how well a face embedder tells people apart, on labelled pictures."""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from facetrack_ros.cli.console.progress import ProgressLine
from facetrack_ros.config import Config
from facetrack_ros.errors import EvaluationError
from facetrack_ros.vision.evaluation import recognition_report
from facetrack_ros.vision.evaluation.calibration import calibrate_contract, install_contract
from facetrack_ros.vision.evaluation.face_dataset import ignored_files, labelled_pictures
from facetrack_ros.vision.evaluation.face_samples import FaceSamples, embed_pictures, enlarged
from facetrack_ros.vision.evaluation.recognition import measure_recognition
from facetrack_ros.vision.evaluation.roc_plot import draw_roc
from facetrack_ros.vision.factory import build_for_measuring
from facetrack_ros.vision.pipeline import VisionPipeline
from facetrack_ros.vision.settings import vision_settings

NOTHING_USABLE = 1
FALSE_MATCH_RATE = 1e-4
PLOTS = (".png", ".svg", ".pdf")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the kind."""
    add = parser.add_argument
    add("folder", metavar="DIR", type=Path, help="folder with one folder of pictures per person")
    add("--embedder", metavar="ID", help="a catalog id, a model file, or ID=FILE; default: as configured")
    add("--face-model", metavar="ID", help="face detector, likewise")
    add("--config", metavar="FILE", help="settings, a YAML file")
    add(
        "--fpir",
        metavar="RATE",
        type=_rate,
        default=0.01,
        help="false-positive identification rate of open-set identification (default: %(default)s)",
    )
    add("--upscale", metavar="N", type=_factor, default=1.0, help="enlarge the pictures before face detection")
    add(
        "--pad",
        metavar="PX",
        type=_pixels,
        default=0,
        help="then add a border, for pictures cropped tightly to the face",
    )
    add("--plot", metavar="FILE", type=Path, help="draw the ROC and the similarities: .png, .svg or .pdf")
    add("--json", action="store_true", help="print one object")
    add("--write", action="store_true", help="use the measured threshold and false-match curve from now on")
    add(
        "--false-match-rate",
        metavar="RATE",
        type=_rate,
        help=f"false-match rate of the threshold to write (default: {FALSE_MATCH_RATE:g})",
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure and print."""
    if arguments.false_match_rate is not None and not arguments.write:
        raise EvaluationError("--false-match-rate chooses the threshold that --write writes; give both")
    if arguments.plot and not arguments.plot.absolute().parent.is_dir():
        folder = arguments.plot.absolute().parent
        raise EvaluationError(f"there is no folder {folder} to draw {arguments.plot.name} into")
    if arguments.plot and arguments.plot.suffix.lower() not in PLOTS:
        raise EvaluationError(f"{arguments.plot.name} must end with {', '.join(PLOTS)}")
    settings = vision_settings(Config.load(arguments.config))
    pictures = labelled_pictures(arguments.folder)
    embedder, face_model = arguments.embedder or settings.embedder, arguments.face_model or settings.face_model
    pipeline = build_for_measuring(replace(settings, embedder=embedder, face_model=face_model))
    line, enlarge = ProgressLine(), enlarged(arguments.upscale, arguments.pad)

    def show_progress(done: int) -> None:
        line.show(f"{done} of {len(pictures)} pictures")

    samples = embed_pictures(pipeline, pictures, enlarge, show_progress)
    line.end()
    return _report(arguments, pipeline, samples)


def _report(arguments: argparse.Namespace, pipeline: VisionPipeline, samples: FaceSamples) -> int:
    models = {role: model["model"] for role, model in pipeline.describe().items() if role != "person"}
    contract, ignored = pipeline.contract, ignored_files(arguments.folder)
    result: dict[str, object] = {"folder": str(arguments.folder), **models, "purpose": contract.purpose}
    result |= {"passed_over": [str(path) for path in ignored], **recognition_report.samples_json(samples)}

    def show(*lines: str) -> None:
        if not arguments.json:
            print("\n".join(lines))

    show(f"{models['embedder']} ({contract.purpose}), faces by {models['face']}")
    if ignored:
        show(f"{'passed over':<22}{len(ignored)} of other kinds, such as {ignored[0]}")
    show(*recognition_report.samples_lines(samples))
    try:
        metrics = measure_recognition(samples.embeddings, samples.people, arguments.fpir)
    except EvaluationError as error:
        if arguments.json:
            print(json.dumps({**result, "error": str(error)}, indent=1))
        print(f"facetrack eval faces: {error}", file=sys.stderr)
        return NOTHING_USABLE
    result.update(recognition_report.metrics_json(metrics))
    show(*recognition_report.metrics_lines(metrics))
    dataset = arguments.folder.resolve().name
    if arguments.plot:
        title = f"{models['embedder']} on {dataset}, faces by {models['face']}"
        draw_roc(metrics, title, arguments.plot, contract.threshold)
    if arguments.write:
        data = f"{dataset} by {models['face']}{_enlargement(arguments)}"
        written = calibrate_contract(contract, metrics, arguments.false_match_rate or FALSE_MATCH_RATE, data)
        path = install_contract(written)
        result.update(written=str(path), threshold=written.threshold)
        before, after = (recognition_report.threshold_text(each.threshold) for each in (contract, written))
        show(f"{'threshold in use':<22}{after}, was {before}: {path}")
    if arguments.json:
        print(json.dumps(result, indent=1))
    return 0


def _enlargement(arguments: argparse.Namespace) -> str:
    text = f", enlarged {arguments.upscale:g} times" if arguments.upscale != 1 else ""
    return text + (f", with a border of {arguments.pad} px" if arguments.pad else "")


def _rate(text: str) -> float:
    return _number(text, lambda rate: 0 < rate < 1, "a rate between 0 and 1")


def _factor(text: str) -> float:
    return _number(text, lambda factor: 0 < factor <= 16, "a factor above 0, at most 16")


def _pixels(text: str) -> int:
    return int(_number(text, lambda pixels: pixels in range(4097), "whole pixels from 0 to 4096"))


def _number(text: str, right, wanted: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not right(number):
        raise argparse.ArgumentTypeError(f"{text} is not {wanted}")
    return number
