"""Trackers on TUD-Campus, all on the same detections in the same run: this package's, and the trackers library's.

    python benchmarks/track_walkers.py DATA_DIR [--every 1 2 3 6] [--min-score 0.4] [--json FILE]

DATA_DIR holds ``tracking/TUD-Campus`` and ``models``. Persons are detected by YOLOX-nano. A rate below 25 frames a
second is every n-th frame, averaged over all n beginnings. The library's trackers run as in the package, on stamps, and
once more without it, counting frames of the true rate. Milliseconds are of the tracker alone, the median over frames,
the trackers interleaved; the time of an appearance model is printed separately.
"""

import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import supervision
import trackers as library
from common import argument_parser, markdown_table, parse, write_json
from datasets import tud_campus
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
#: Without effect, since no faces are given.
FACE_THRESHOLD = 0.5


def body_embedders(folder: Path) -> dict:
    """The histogram, and OSNet if its file is in the data folder."""
    file = folder / "models" / catalog.OSNET.file
    found = {"histogram": HistogramBodyEmbedder(catalog.HISTOGRAM)}
    if file.exists():
        found["osnet"] = OnnxBodyEmbedder(file, catalog.OSNET)
    return found


class CountingFrames:
    """A tracker of the library as it is, with frames in place of stamps."""

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


def ground_truth(folder: Path, frames: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Boxes ``(n, 4)`` and ids ``(n,)`` of each frame."""
    rows = np.loadtxt(folder / "gt" / "gt.txt", delimiter=",")
    truth = []
    for number in range(1, frames + 1):
        own = rows[rows[:, 0] == number]
        truth.append((np.concatenate([own[:, 2:4], own[:, 2:4] + own[:, 4:6]], axis=1), own[:, 1]))
    return truth


def make_trackers(data: Path, images: list[np.ndarray], detections: list[Detections]) -> dict[str, tuple]:
    """By name, a function that makes a tracker for a frame rate, and the detections it is given."""
    trackers = {
        name: (lambda _fps, name=name: LibraryTracker(name, FACE_THRESHOLD), detections) for name in LIBRARY_TRACKERS
    }
    for name in LIBRARY_TRACKERS:
        trackers[f"{name}, frames"] = (lambda fps, name=name: CountingFrames(name, fps), detections)
    trackers["botsort, camera motion"] = (
        lambda _fps: LibraryTracker("botsort", FACE_THRESHOLD, camera_motion="sparseOptFlow"),
        detections,
    )
    trackers["own"] = (lambda _fps: BoxTracker(FACE_THRESHOLD), detections)
    for name, embedder in body_embedders(data).items():
        started = time.perf_counter()
        with_appearance = [
            Detections(each.boxes, each.scores, each.model_id, appearance=embedder.embed(image, each.boxes))
            for image, each in zip(images, detections)
        ]
        cost = (time.perf_counter() - started) / max(1, sum(map(len, detections))) * 1e3
        print(f"{name}: {cost:.1f} ms a person")
        threshold = BODY_THRESHOLDS[embedder.contract.id]
        trackers[f"own + {name}"] = (
            lambda _fps, threshold=threshold: BoxTracker(FACE_THRESHOLD, body_threshold=threshold),
            with_appearance,
        )
    return trackers


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--every", type=int, nargs="+", default=[1, 2, 3, 6])
    parser.add_argument("--min-score", type=float, default=0.4)
    arguments = parse(parser)
    images = tud_campus(arguments.data)[1]
    pipeline = build_pipeline(VisionSettings(person_model="yolox_nano", person_score=arguments.min_score))
    detections = [pipeline.detect([image])[0] for image in images]
    truth = ground_truth(arguments.data / "tracking" / "TUD-Campus", len(images))
    print(
        f"TUD-Campus, {len(images)} frames of {images[0].shape[1]}x{images[0].shape[0]}, persons by "
        f"{pipeline.describe()['person']['model']} from a score of {arguments.min_score}"
    )
    trackers = make_trackers(arguments.data, images, detections)
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
    print("\nIDF1 / HOTA / id switches\n")
    rows = []
    for name in trackers:
        scores = [table[every][name] for every in arguments.every]
        cells = (f"{score.idf1:.3f} / {score.hota:.3f} / {score.switches:.1f}" for score in scores)
        rows.append((name, *cells, f"{np.median(spent[name]):.2f}"))
    rates = (f"{FPS / every:.1f} fps" for every in arguments.every)
    print(markdown_table(("tracker", *rates, "ms a frame"), rows))
    scores = {str(every): {name: asdict(score) for name, score in each.items()} for every, each in table.items()}
    write_json(arguments.json, scores)


if __name__ == "__main__":
    main()
