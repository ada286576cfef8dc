"""``facetrack eval persons``: measures a person detector on sequences with MOT ground truth."""

import argparse
import json
import math
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from facetrack_ros.config import Config
from facetrack_ros.core.pictures.decoding import load_picture
from facetrack_ros.core.pictures.picture_limits import FRAME
from facetrack_ros.errors import ConfigError, FrameError, SourceError
from facetrack_ros.vision.evaluation.average_precision import PrecisionRecall, precision_recall
from facetrack_ros.vision.evaluation.mot_dataset import MotSequence, read_sequences
from facetrack_ros.vision.factory import open_model
from facetrack_ros.vision.inference.threads import limit_threads
from facetrack_ros.vision.settings import vision_settings

# Average precision includes precision at high recall, so boxes with lower scores than in use count.
LOWEST_SCORE = 0.01


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the kind."""
    add = parser.add_argument
    add("folder", type=Path, metavar="DIR", help="a sequence in MOT format (gt/gt.txt, img1/), or a folder of them")
    add("--model", metavar="ID|PATH", help="the person detector, as detector.model; default: the configured one")
    add("--min-iou", type=float, default=0.5, metavar="IOU", help="lowest IoU that counts as found (0.5)")
    add("--config", metavar="FILE", help="settings, a YAML file")
    add("--json", action="store_true", help="one JSON object instead of text")
    add("--plot", type=Path, metavar="FILE", help="draw precision over recall, a PNG, PDF or SVG")


def run(arguments: argparse.Namespace) -> int:
    """Detect on every frame, compare with the ground truth, print."""
    if not 0.0 < arguments.min_iou <= 1.0:
        raise ConfigError(f"--min-iou must be above 0 and at most 1, not {arguments.min_iou:g}")
    settings = vision_settings(Config.load(arguments.config))
    score = settings.person_score
    person_model = arguments.model or settings.person_model
    settings = replace(settings, person_score=min(LOWEST_SCORE, score), person_model=person_model)
    sequences = read_sequences(arguments.folder)
    limit_threads(settings.threads)
    model, detector = open_model(settings.person_model, "person", settings)
    found, times = [], []
    for path in (path for sequence in sequences for path in sequence.pictures):
        image = _read(path)
        start = time.perf_counter()
        found += detector.detect([image])
        times.append(time.perf_counter() - start)
    curve = _curve(sequences, found, arguments.min_iou)
    sequence_reports, end = [], 0
    for sequence in sequences:
        start_row, end = end, end + len(sequence.pictures)
        own = _curve([sequence], found[start_row:end], arguments.min_iou)
        sequence_reports.append(
            {"name": sequence.name, "frames": len(sequence.pictures), "boxes": own.boxes, **_report(own, score)}
        )
    report = {
        **_report(curve, score),
        "model": model.contract.id,
        "min_iou": arguments.min_iou,
        "score": score,
        "frames": len(times),
        "boxes": curve.boxes,
        "ms_per_frame": round(float(np.median(times)) * 1e3, 2),
        "sequences": sequence_reports,
    }
    if arguments.plot:
        _plot(curve, report, arguments.plot)
    print(json.dumps(report) if arguments.json else _text(report))
    return 0


def _read(path: Path) -> np.ndarray:
    try:
        return load_picture(path, FRAME)
    except FrameError as error:
        raise SourceError(f"{path} cannot be read as a picture: {error}") from error


def _curve(sequences: list[MotSequence], found: list, min_iou: float) -> PrecisionRecall:
    truth = [boxes for sequence in sequences for boxes in sequence.truth]
    boxes, scores = [each.boxes for each in found], [each.scores for each in found]
    return precision_recall(truth, boxes, scores, min_iou)


def _report(curve: PrecisionRecall, score: float) -> dict[str, float | None]:
    precision, recall = curve.at(score)
    values = {"average_precision": curve.average, "precision": precision, "recall": recall}
    return {name: None if math.isnan(value) else round(value, 4) for name, value in values.items()}


def _text(report: dict) -> str:
    def line(name: str, part: dict) -> str:
        rates = (part[key] for key in ("average_precision", "precision", "recall"))
        shown = ("-" if rate is None else f"{rate:.3f}" for rate in rates)
        return f"{name:<24} {part['frames']:>6} {part['boxes']:>6} " + " ".join(f"{value:>9}" for value in shown)

    title = f"AP{round(report['min_iou'] * 100):02d}"
    lines = [
        f"{report['model']}: precision and recall at score {report['score']:g}, "
        f"{report['ms_per_frame']:.1f} ms a frame",
        f"{'sequence':<24} {'frames':>6} {'boxes':>6} {title:>9} {'precision':>9} {'recall':>9}",
    ]
    lines += [line(part["name"], part) for part in report["sequences"]]
    if len(report["sequences"]) > 1:
        lines.append(line("all", report))
    return "\n".join(lines)


def _plot(curve: PrecisionRecall, report: dict, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4.5))
    axes.plot(curve.recall, curve.precision, drawstyle="steps-post")
    if report["precision"] is not None:
        axes.plot(report["recall"], report["precision"], "o", label=f"score {report['score']:g}")
        axes.legend(loc="lower left")
    average = "nothing to find" if report["average_precision"] is None else f"AP {report['average_precision']:.3f}"
    title = f"{report['model']}\n{average} at overlap {report['min_iou']:g}, {report['boxes']} boxes"
    axes.set(xlim=(0, 1), ylim=(0, 1.02), xlabel="recall", ylabel="precision", title=title)
    axes.grid(alpha=0.3)
    figure.tight_layout()
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} cannot be written: {error}") from error
    finally:
        pyplot.close(figure)
