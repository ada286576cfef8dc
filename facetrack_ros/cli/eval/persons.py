"""``facetrack eval persons``: how well a person detector finds the people of labelled sequences."""

import argparse
import json
import math
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.config import Config
from facetrack_ros.errors import ConfigError, SourceError
from facetrack_ros.vision.evaluation.average_precision import PrecisionRecall, precision_recall
from facetrack_ros.vision.evaluation.mot_dataset import MotSequence, read_sequences
from facetrack_ros.vision.factory import open_model
from facetrack_ros.vision.inference.threads import limit_threads
from facetrack_ros.vision.settings import vision_settings

# Precision at high recall is part of the average, so that boxes count that nobody would act on.
LOWEST_SCORE = 0.01


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of ``eval persons``."""
    parser.add_argument(
        "folder",
        type=Path,
        metavar="DIR",
        help="a sequence as in the MOT challenges (gt/gt.txt, img1/), or a folder of them",
    )
    parser.add_argument(
        "--model", metavar="ID|PATH", help="the person detector, as detector.model; default: the configured one"
    )
    parser.add_argument(
        "--min-iou", type=float, default=0.5, metavar="IOU", help="least overlap that counts as found (0.5)"
    )
    parser.add_argument("--config", metavar="FILE", help="settings, a YAML file")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw precision over recall, a PNG, PDF or SVG")


def run(arguments: argparse.Namespace) -> int:
    """Detect on every picture, compare, print."""
    if not 0.0 < arguments.min_iou <= 1.0:
        raise ConfigError(f"--min-iou must be above 0 and at most 1, not {arguments.min_iou:g}")
    config = Config.load(arguments.config) if arguments.config else Config()
    settings = vision_settings(config)
    score = settings.person_score
    settings = replace(
        settings, person_score=min(LOWEST_SCORE, score), person_model=arguments.model or settings.person_model
    )
    sequences = read_sequences(arguments.folder)
    limit_threads(settings.threads)
    model, detector = open_model(settings.person_model, "person", settings)
    found, times = [], []
    for path in (path for sequence in sequences for path in sequence.pictures):
        picture = _picture(path)
        start = time.perf_counter()
        found += detector.detect([picture])
        times.append(time.perf_counter() - start)
    curve = _curve(sequences, found, arguments.min_iou)
    report = _report(curve, score) | {
        "model": model.contract.id,
        "min_iou": arguments.min_iou,
        "score": score,
        "frames": len(times),
        "boxes": curve.boxes,
        "ms_per_frame": round(float(np.median(times)) * 1e3, 2),
    }
    report["sequences"] = []
    for sequence in sequences:
        part, found = found[: len(sequence.pictures)], found[len(sequence.pictures) :]
        own = _curve([sequence], part, arguments.min_iou)
        report["sequences"].append(
            {"name": sequence.name, "frames": len(part), "boxes": own.boxes} | _report(own, score)
        )
    if arguments.plot:
        _plot(curve, report, arguments.plot)
    print(json.dumps(report) if arguments.json else _text(report))
    return 0


def _picture(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise SourceError(f"{path} cannot be read as a picture")
    return picture


def _curve(sequences: list[MotSequence], found: list, min_iou: float) -> PrecisionRecall:
    return precision_recall(
        [boxes for sequence in sequences for boxes in sequence.truth],
        [detections.boxes for detections in found],
        [detections.scores for detections in found],
        min_iou,
    )


def _report(curve: PrecisionRecall, score: float) -> dict[str, float | None]:
    precision, recall = curve.at(score)
    values = {"average_precision": curve.average, "precision": precision, "recall": recall}
    return {name: None if math.isnan(value) else round(value, 4) for name, value in values.items()}


def _text(report: dict) -> str:
    def line(name: str, part: dict) -> str:
        shown = (
            "-" if part[key] is None else f"{part[key]:.3f}" for key in ("average_precision", "precision", "recall")
        )
        return f"{name:<24} {part['frames']:>6} {part['boxes']:>6} " + " ".join(f"{value:>9}" for value in shown)

    title = f"AP{round(report['min_iou'] * 100):02d}"
    lines = [
        f"{report['model']}: precision and recall at score {report['score']:g}, {report['ms_per_frame']:.1f} ms a frame",
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
    axes.set(
        xlim=(0, 1),
        ylim=(0, 1.02),
        xlabel="recall",
        ylabel="precision",
        title=f"{report['model']}\n{average} at overlap {report['min_iou']:g}, {report['boxes']} boxes",
    )
    axes.grid(alpha=0.3)
    figure.tight_layout()
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} cannot be written: {error}") from error
    finally:
        pyplot.close(figure)
