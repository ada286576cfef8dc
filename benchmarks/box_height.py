"""Height of a detected box relative to the height of the person: the error of a distance computed from it.

    python benchmarks/box_height.py DATA_DIR [--json FILE]

DATA_DIR holds ``models`` and ``tracking/TUD-Campus``. For every labelled person without occlusion and away from the
image's edges, the ratio of the found box's height to the labelled one: median, and the spread of its logarithm (from
the quartiles, which a few wrong boxes do not move).
"""

import numpy as np
from common import argument_parser, parse, write_json
from datasets import tud_campus

from facetrack_ros.core.boxes import intersection, iou
from facetrack_ros.vision.factory import open_model
from facetrack_ros.vision.settings import VisionSettings

MODELS = ("yolox_nano", "object_detection_nanodet_2022nov")


def ratios(detector, images, truth) -> np.ndarray:
    found = []
    for image, true in zip(images, truth):
        height, width = image.shape[:2]
        boxes = detector.detect([image])[0].boxes
        if not len(boxes) or not len(true.boxes):
            continue
        overlap = iou(true.boxes, boxes)
        occlusion = intersection(true.boxes, true.boxes)
        np.fill_diagonal(occlusion, 0)
        for row, box in enumerate(true.boxes):
            whole = box[0] > 2 and box[1] > 2 and box[2] < width - 2 and box[3] < height - 2
            if whole and not occlusion[row].any() and overlap[row].max() > 0.5:
                best = boxes[overlap[row].argmax()]
                found.append((best[3] - best[1]) / (box[3] - box[1]))
    return np.array(found)


def main() -> None:
    arguments = parse(argument_parser(__doc__))
    sequence, images = tud_campus(arguments.data)
    results = []
    print(f"{'model':36} {'persons':>8} {'median ratio':>13} {'spread':>8} {'an edge':>8}")
    for name in MODELS:
        _, detector = open_model(name, "person", VisionSettings())
        logs = np.log(ratios(detector, images, sequence.truth))
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
    write_json(arguments.json, results)


if __name__ == "__main__":
    main()
