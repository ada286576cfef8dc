"""Person detectors on a labelled sequence: AP50, time a frame, and what pre- and post-processing add to the model.

    python benchmarks/person_detection.py DATA_DIR [--json FILE]

DATA_DIR holds ``models`` and ``tracking/TUD-Campus``. Every frame is run three times, the whole stage and the model
alone in turns; a ratio is the median over those pairs. One thread.
"""

import time
from dataclasses import replace

import cv2
import numpy as np
from common import argument_parser, parse, write_json
from datasets import tud_campus

from facetrack_ros.vision.evaluation.average_precision import precision_recall
from facetrack_ros.vision.factory import open_model
from facetrack_ros.vision.settings import VisionSettings

MODELS = ("yolox_nano", "object_detection_nanodet_2022nov", "ultralytics={models}/yolov8n_int8_320.tflite")
#: AP counts boxes down to this score; times are at the default one.
LOWEST_SCORE = 0.01
ROUNDS = 3


def model_call(detector, image: np.ndarray):
    """A function that runs the model alone on an image's input, as onnxruntime or Ultralytics' backend gets it."""
    calls = []
    if hasattr(detector, "_session"):
        owner, name = detector._session, "run_named"
    else:
        owner, name = detector._predictor.model, "forward"
    original = getattr(owner, name)

    def record(*arguments, **options):
        calls.append((arguments, options))
        return original(*arguments, **options)

    setattr(owner, name, record)
    detector.detect([image])
    delattr(owner, name)
    arguments, options = calls[0]
    return lambda: original(*arguments, **options)


def seconds(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def average_precision(detector, images, truth):
    """Precision over recall of a detector on a sequence."""
    found = [detector.detect([image])[0] for image in images]
    return precision_recall(truth, [each.boxes for each in found], [each.scores for each in found])


def measure(wanted: str, images, truth) -> dict:
    settings = VisionSettings()
    model, detector = open_model(wanted, "person", replace(settings, person_score=LOWEST_SCORE))
    curve = average_precision(detector, images, truth)
    precision, recall = curve.at(settings.person_score)
    detector = open_model(wanted, "person", settings)[1]
    stage, bare = [], []
    for image in images * ROUNDS:
        call = model_call(detector, image)
        stage.append(seconds(lambda image=image: detector.detect([image])))
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


def main() -> None:
    arguments = parse(argument_parser(__doc__))
    cv2.setNumThreads(1)
    sequence, images = tud_campus(arguments.data)
    rows = [measure(name.format(models=arguments.data / "models"), images, sequence.truth) for name in MODELS]
    boxes = sum(int(np.sum(~expected.ignored)) for expected in sequence.truth)
    print(f"{sequence.name}: {len(images)} frames of {images[0].shape[1]}x{images[0].shape[0]}, {boxes} boxes")
    print(f"{'model':<42} {'AP50':>7} {'precision':>9} {'recall':>7} {'stage ms':>9} {'bare ms':>8} {'ratio':>6}")
    for row in rows:
        print(
            f"{row['model']:<42} {row['ap50']:7.4f} {row['precision']:9.3f} {row['recall']:7.3f} "
            f"{row['stage_ms']:9.2f} {row['bare_ms']:8.2f} {row['ratio']:6.3f}"
        )
    write_json(arguments.json, rows)


if __name__ == "__main__":
    main()
