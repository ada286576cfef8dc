"""How well the height of a detected box is the height of the person: what a distance from it rests on.

    python benchmarks/box_height.py DATA_DIR [--json FILE]

DATA_DIR holds ``models`` and ``tracking/TUD-Campus``. Of every labelled person that nobody hides and no edge cuts, the ratio
of the found box's height to the labelled one: median, and the spread of its logarithm (from the quartiles, which a few
wrong boxes do not move).
"""

import argparse
import json
import os
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.core.boxes import intersection, iou
from facetrack_ros.vision.evaluation.mot_dataset import read_sequence
from facetrack_ros.vision.factory import open_model
from facetrack_ros.vision.settings import VisionSettings

MODELS = ("yolox_nano", "object_detection_nanodet_2022nov")


def ratios(detector, pictures, truth) -> np.ndarray:
    found = []
    for picture, true in zip(pictures, truth):
        height, width = picture.shape[:2]
        boxes = detector.detect([picture])[0].boxes
        if not len(boxes) or not len(true.boxes):
            continue
        overlap = iou(true.boxes, boxes)
        hidden = intersection(true.boxes, true.boxes) - np.diag(np.diag(intersection(true.boxes, true.boxes)))
        for row, box in enumerate(true.boxes):
            whole = box[0] > 2 and box[1] > 2 and box[2] < width - 2 and box[3] < height - 2
            if whole and not hidden[row].any() and overlap[row].max() > 0.5:
                best = boxes[overlap[row].argmax()]
                found.append((best[3] - best[1]) / (box[3] - box[1]))
    return np.array(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    os.environ.setdefault("FACETRACK_MODELS", str(arguments.data / "models"))
    sequence = read_sequence(arguments.data / "tracking/TUD-Campus")
    pictures = [cv2.imread(str(path)) for path in sequence.pictures]
    results = []
    print(f"{'model':36} {'persons':>8} {'median ratio':>13} {'spread':>8} {'an edge':>8}")
    for name in MODELS:
        _, detector = open_model(name, "person", VisionSettings())
        logs = np.log(ratios(detector, pictures, sequence.truth))
        low, middle, high = np.percentile(logs, [25, 50, 75])
        spread = (high - low) / 1.349
        results.append(
            {
                "model": name,
                "persons": len(logs),
                "median_ratio": float(np.exp(middle)),
                "spread": float(spread),
                "edge_share": float(spread / np.sqrt(2)),
            }
        )
        print(f"{name:36} {len(logs):8} {np.exp(middle):13.3f} {spread:8.3f} {spread / np.sqrt(2):8.3f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
