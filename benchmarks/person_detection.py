"""Person detectors on a labelled sequence: AP50, time a frame, and what pre- and post-processing add to the bare model.

    python benchmarks/person_detection.py DATA_DIR [--json FILE]

DATA_DIR holds ``models`` and ``tracking/TUD-Campus``. Every frame is run three times, the whole stage and the bare model by
turns; a ratio is the median over those pairs. One thread.
"""

import argparse
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.vision.evaluation.average_precision import precision_recall
from facetrack_ros.vision.evaluation.mot_dataset import read_sequence
from facetrack_ros.vision.factory import open_model
from facetrack_ros.vision.settings import VisionSettings

MODELS = ("yolox_nano", "object_detection_nanodet_2022nov", "ultralytics={models}/yolov8n_int8_320.tflite")
#: AP counts boxes down to this score; times are at the default one.
LOWEST_SCORE = 0.01
ROUNDS = 3


def bare_call(detector, picture: np.ndarray):
    """The model alone on an input that is ready: what onnxruntime, or Ultralytics' backend, is handed in a frame."""
    calls = []
    if hasattr(detector, "_session"):
        owner, name = detector._session, "run_named"
    else:
        owner, name = detector._predictor.model, "forward"
    original = getattr(owner, name)

    def remember(*arguments, **options):
        calls.append((arguments, options))
        return original(*arguments, **options)

    setattr(owner, name, remember)
    detector.detect([picture])
    delattr(owner, name)
    arguments, options = calls[0]
    return lambda: original(*arguments, **options)


def seconds(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def measure(wanted: str, pictures, truth) -> dict:
    settings = VisionSettings()
    model, detector = open_model(wanted, "person", replace(settings, person_score=LOWEST_SCORE))
    found = [detector.detect([picture])[0] for picture in pictures]
    curve = precision_recall(truth, [one.boxes for one in found], [one.scores for one in found])
    precision, recall = curve.at(settings.person_score)
    detector = open_model(wanted, "person", settings)[1]
    stage, bare = [], []
    for picture in pictures * ROUNDS:
        call = bare_call(detector, picture)
        stage.append(seconds(lambda: detector.detect([picture])))
        bare.append(seconds(call))
    stage, bare = np.array(stage), np.array(bare)
    return {
        "model": model.contract.id,
        "ap50": round(curve.average, 4),
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "stage_ms": round(float(np.median(stage)) * 1e3, 2),
        "bare_ms": round(float(np.median(bare)) * 1e3, 2),
        "ratio": round(float(np.median(stage / bare)), 3),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    os.environ.setdefault("FACETRACK_MODELS", str(arguments.data / "models"))
    cv2.setNumThreads(1)
    sequence = read_sequence(arguments.data / "tracking" / "TUD-Campus")
    pictures = [cv2.imread(str(path)) for path in sequence.pictures]
    rows = [measure(name.format(models=arguments.data / "models"), pictures, sequence.truth) for name in MODELS]
    boxes = sum(int(np.sum(~expected.ignored)) for expected in sequence.truth)
    print(f"{sequence.name}: {len(pictures)} frames of {pictures[0].shape[1]}x{pictures[0].shape[0]}, {boxes} boxes")
    print(f"{'model':<42} {'AP50':>7} {'precision':>9} {'recall':>7} {'stage ms':>9} {'bare ms':>8} {'ratio':>6}")
    for row in rows:
        print(
            f"{row['model']:<42} {row['ap50']:7.4f} {row['precision']:9.3f} {row['recall']:7.3f} {row['stage_ms']:9.2f} "
            f"{row['bare_ms']:8.2f} {row['ratio']:6.3f}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
