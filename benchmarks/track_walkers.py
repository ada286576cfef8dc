"""Trackers on TUD-Campus, all on the same detections in the same run: ours, with appearance, and those of the library.

    python benchmarks/track_walkers.py DATA_DIR [--every 1 2 3 6] [--min-score 0.4] [--json FILE]

DATA_DIR holds ``tracking/TUD-Campus`` and ``models``. Persons are found by YOLOX-nano. A rate below 25 frames a second is
every n-th frame, averaged over all n beginnings. The library's trackers run as the package runs them, on stamps, and once
more as they are by themselves, counting frames of the true rate. Milliseconds are of the tracker alone, the median over frames, the
trackers interleaved; appearance costs its model besides, which is printed too.
"""

import argparse
import json
import os
import time
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import supervision
import trackers as library
from mot_scores import mean_scores, mot_scores

from facetrack_ros.core.detections import Detections
from facetrack_ros.models import catalog
from facetrack_ros.tracking.box_tracker import BoxTracker
from facetrack_ros.tracking.factory import BODY_THRESHOLDS
from facetrack_ros.tracking.observation import Observation
from facetrack_ros.tracking.trackers_adapter import LIBRARY_TRACKERS, LibraryTracker
from facetrack_ros.vision.embedding.histogram_body import HistogramBodyEmbedder
from facetrack_ros.vision.embedding.onnx_body import OnnxBodyEmbedder
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.settings import VisionSettings

FPS = 25
# Nobody's face is looked at here; the threshold plays no part.
FACE_THRESHOLD = 0.5


def body_embedders(folder: Path) -> dict:
    """The histogram, and OSNet where the model file is there."""
    file = folder / "models" / catalog.OSNET.file
    found = {"histogram": HistogramBodyEmbedder(catalog.HISTOGRAM)}
    if file.exists():
        found["osnet"] = OnnxBodyEmbedder(file, catalog.OSNET)
    return found


class CountingFrames:
    """A tracker of the library without any of ours around it."""

    def __init__(self, name: str, fps: float):
        options = {"enable_cmc": False} if name == "botsort" else {}
        self._tracker = getattr(library, LIBRARY_TRACKERS[name])(frame_rate=fps, **options)

    def update(self, _stamp_ns: int, seen: Observation) -> np.ndarray:
        found = self._tracker.update(
            supervision.Detections(
                xyxy=seen.boxes.astype(float), confidence=seen.scores.astype(float), data={"row": np.arange(len(seen))}
            )
        )
        keys = np.full(len(seen), -1)
        if len(found):
            keys[found.data["row"]] = found.tracker_id
        return keys


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--every", type=int, nargs="+", default=[1, 2, 3, 6])
    parser.add_argument("--min-score", type=float, default=0.4)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    os.environ.setdefault("FACETRACK_MODELS", str(arguments.data / "models"))
    folder = arguments.data / "tracking" / "TUD-Campus"
    images = [cv2.imread(str(path)) for path in sorted((folder / "img1").glob("*.jpg"))]
    pipeline = build_pipeline(VisionSettings(person_model="yolox_nano", person_score=arguments.min_score))
    shown = [pipeline.detect([image])[0] for image in images]
    rows = np.loadtxt(folder / "gt" / "gt.txt", delimiter=",")
    truth = []
    for number in range(1, len(images) + 1):
        mine = rows[rows[:, 0] == number]
        truth.append((np.concatenate([mine[:, 2:4], mine[:, 2:4] + mine[:, 4:6]], axis=1), mine[:, 1]))
    print(
        f"TUD-Campus, {len(images)} frames of {images[0].shape[1]}x{images[0].shape[0]}, persons by "
        f"{pipeline.describe()['person']['model']} from a score of {arguments.min_score}"
    )

    trackers = {
        name: (lambda _fps, name=name: LibraryTracker(name, FACE_THRESHOLD), shown) for name in LIBRARY_TRACKERS
    }
    trackers |= {
        f"{name}, frames": (lambda fps, name=name: CountingFrames(name, fps), shown) for name in LIBRARY_TRACKERS
    }
    trackers["botsort, camera motion"] = (
        lambda _fps: LibraryTracker("botsort", FACE_THRESHOLD, camera_motion="sparseOptFlow"),
        shown,
    )
    trackers["own"] = (lambda _fps: BoxTracker(FACE_THRESHOLD), shown)
    for name, embedder in body_embedders(arguments.data).items():
        started = time.perf_counter()
        dressed = [
            Detections(each.boxes, each.scores, each.model_id, appearance=embedder.embed(image, each.boxes))
            for image, each in zip(images, shown)
        ]
        cost = (time.perf_counter() - started) / max(1, sum(map(len, shown))) * 1e3
        print(f"{name}: {cost:.1f} ms a person")
        threshold = BODY_THRESHOLDS[embedder.contract.id]
        trackers[f"own + {name}"] = (
            lambda _fps, threshold=threshold: BoxTracker(FACE_THRESHOLD, body_threshold=threshold),
            dressed,
        )

    table = {}
    spent = {name: [] for name in trackers}
    for every in arguments.every:
        scores = {name: [] for name in trackers}
        for first in range(every):
            numbers = range(first, len(images), every)
            running = {name: make(FPS / every) for name, (make, _) in trackers.items()}
            found = {name: [] for name in trackers}
            for number in numbers:
                for name, tracker in running.items():
                    seen = Observation.of(trackers[name][1][number], (), image=images[number])
                    started = time.perf_counter()
                    keys = tracker.update(round(number * 1e9 / FPS), seen)
                    spent[name].append((time.perf_counter() - started) * 1e3)
                    found[name].append((seen.boxes[keys >= 0], keys[keys >= 0]))
            for name in trackers:
                scores[name].append(mot_scores([truth[number] for number in numbers], found[name]))
        table[every] = {name: mean_scores(each) for name, each in scores.items()}
    print(
        "\nIDF1 / HOTA / id switches\n\n| tracker | "
        + " | ".join(f"{FPS / every:.1f} fps" for every in arguments.every)
        + " | ms a frame |\n|---"
        + "|---" * (len(arguments.every) + 1)
        + "|"
    )
    for name in trackers:
        print(
            f"| {name} | "
            + " | ".join(
                f"{score.idf1:.3f} / {score.hota:.3f} / {score.switches:.1f}"
                for score in (table[every][name] for every in arguments.every)
            )
            + f" | {np.median(spent[name]):.2f} |"
        )
    if arguments.json:
        arguments.json.write_text(
            json.dumps(
                {str(every): {name: asdict(score) for name, score in each.items()} for every, each in table.items()},
                indent=2,
            )
            + "\n"
        )


if __name__ == "__main__":
    main()
