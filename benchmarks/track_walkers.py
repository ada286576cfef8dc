"""Trackers on TUD-Campus, all on the same detections in the same run: this package's, and the trackers library's.

    python benchmarks/track_walkers.py DATA_DIR [--fps 25 12.5 7 4 2] [--sequence FOLDER …] [--reversed]
                                       [--min-score 0.4] [--json FILE]

DATA_DIR holds ``tracking/TUD-Campus`` and ``models``. Persons are detected by YOLOX-nano. A rate below the sequence's
own takes the frames nearest to its times, averaged over starts one frame apart. The library's trackers run as in the
package, on stamps, and once more without it ("frames"), told the true rate. Milliseconds are of the tracker alone, the
median over frames, the trackers interleaved; the time of an appearance model is printed separately.

``--sequence`` names other folders of the MOT challenge: ``seqinfo.ini``, ``gt/gt.txt``, and ``img1/`` or a film, else
``det/det.txt``. With ``--reversed`` each runs backwards as well. Several are averaged.
"""

import configparser
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import supervision
import trackers as library
from common import argument_parser, markdown_table, parse, write_json
from datasets import video_frames
from mot_scores import MotScores, mean_scores, mot_scores

from facetrack_ros.core.detections import Detections
from facetrack_ros.models import catalog
from facetrack_ros.tracking.box_tracker import BoxTracker
from facetrack_ros.tracking.factory import BODY_THRESHOLDS
from facetrack_ros.tracking.interfaces import Tracker
from facetrack_ros.tracking.observation import Observation
from facetrack_ros.tracking.settings import TrackingSettings
from facetrack_ros.tracking.still_boxes import StillBoxFilter
from facetrack_ros.tracking.trackers_adapter import LIBRARY_TRACKERS, LibraryTracker
from facetrack_ros.vision.embedding.histogram_body import HistogramBodyEmbedder
from facetrack_ros.vision.embedding.onnx_body import OnnxBodyEmbedder
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.settings import VisionSettings

FPS = 25.0
#: Without effect, since no faces are given.
FACE_THRESHOLD = 0.5
#: Names of the package's tracker with the appearance of a model begin so.
WITH = "own + "
LIBRARY_CLASSES = {**LIBRARY_TRACKERS, "sort": "SORTTracker"}

Boxes = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Sequence:
    """A sequence with its detections.

    :param images: a picture a frame; empty: only detections are known.
    :param truth: boxes ``(n, 4)`` and ids ``(n,)`` of each frame.
    :param bodies: detections with the appearance of each model, by its name.
    """

    name: str
    fps: float
    images: list[np.ndarray]
    detections: list[Detections]
    truth: Boxes
    bodies: dict[str, list[Detections]]

    def backwards(self) -> "Sequence":
        """The sequence from its end to its beginning."""
        bodies = {name: each[::-1] for name, each in self.bodies.items()}
        turned = (each[::-1] for each in (self.images, self.detections, self.truth))
        return Sequence(f"{self.name} backwards", self.fps, *turned, bodies)

    def subsets(self, fps: float) -> Iterable[list[int]]:
        """Frame numbers of a lower rate, for starts one frame apart."""
        step = self.fps / min(fps, self.fps)
        for first in range(int(np.ceil(step))):
            times = np.arange(first, len(self.detections) - 0.5, step)
            yield np.round(times).astype(int).tolist()


class CountingFrames:
    """A tracker of the library as it is, with frames in place of stamps."""

    def __init__(self, name: str, fps: float):
        options = {"enable_cmc": False} if name == "botsort" else {}
        self._tracker = getattr(library, LIBRARY_CLASSES[name])(frame_rate=fps, **options)

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


def own(body_threshold: float = 0.65) -> Tracker:
    """The package's tracker."""
    return StillBoxFilter(BoxTracker(FACE_THRESHOLD, body_threshold=body_threshold), TrackingSettings())


def body_embedders(folder: Path) -> dict:
    """The histogram, and OSNet if its file is in the data folder."""
    file = folder / "models" / catalog.OSNET.file
    found = {"histogram": HistogramBodyEmbedder(catalog.HISTOGRAM)}
    if file.exists():
        found["osnet"] = OnnxBodyEmbedder(file, catalog.OSNET)
    return found


def read_sequence(folder: Path, detect: Callable[[np.ndarray], Detections], min_score: float) -> Sequence:
    """A sequence of the MOT challenge, with the persons that ``detect`` finds; those of its file, without pictures."""
    info = configparser.ConfigParser()
    info.read(folder / "seqinfo.ini")
    films = sorted(folder.glob("*.mp4"))
    images = [cv2.imread(str(path)) for path in sorted((folder / "img1").glob("*.jpg"))]
    images = images or [image for film in films[:1] for image in video_frames(film)]
    rows = np.loadtxt(folder / "gt" / "gt.txt", delimiter=",")
    if images:
        detections = [detect(image) for image in images]
    else:
        given = np.loadtxt(folder / "det" / "det.txt", delimiter=",")
        given = given[given[:, 6] >= min_score]
        frames = range(1, int(max(rows[:, 0].max(), given[:, 0].max())) + 1)
        numbers = (given[given[:, 0] == number] for number in frames)
        detections = [
            Detections(corners(own).astype(np.float32), own[:, 6].astype(np.float32), "det") for own in numbers
        ]
    truth = []
    for number in range(1, len(detections) + 1):
        boxes = rows[(rows[:, 0] == number) & (rows[:, 6] != 0)]  # 0: not to be counted
        truth.append((corners(boxes), boxes[:, 1]))
    return Sequence(folder.name, info.getfloat("Sequence", "frameRate", fallback=FPS), images, detections, truth, {})


def corners(rows: np.ndarray) -> np.ndarray:
    """``(n, 4)`` corners of MOT rows."""
    return np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1)


def with_bodies(sequence: Sequence, embedders: dict) -> Sequence:
    """The sequence with the appearance of each person; prints what that costs."""
    bodies = {}
    for name, embedder in embedders.items():
        started = time.perf_counter()
        bodies[name] = [
            replace(each, appearance=embedder.embed(image, each.boxes))
            for image, each in zip(sequence.images, sequence.detections)
        ]
        spent_ms = (time.perf_counter() - started) * 1e3
        print(f"{name}: {spent_ms / max(1, sum(map(len, sequence.detections))):.1f} ms a person")
    return replace(sequence, bodies=bodies)


def make_trackers(embedders: dict) -> dict[str, Callable[[float], Tracker]]:
    """By name, a function that makes a tracker for a frame rate."""
    trackers: dict[str, Callable[[float], Tracker]] = {
        name: (lambda _fps, name=name: LibraryTracker(name, FACE_THRESHOLD)) for name in LIBRARY_TRACKERS
    }
    for name in LIBRARY_CLASSES:
        trackers[f"{name}, frames"] = lambda fps, name=name: CountingFrames(name, fps)
    if embedders:
        trackers["botsort, camera motion"] = lambda _fps: LibraryTracker(
            "botsort", FACE_THRESHOLD, camera_motion="sparseOptFlow"
        )
    trackers["own"] = lambda _fps: own()
    for name, embedder in embedders.items():
        trackers[WITH + name] = lambda _fps, threshold=BODY_THRESHOLDS[embedder.contract.id]: own(threshold)
    return trackers


def run(sequence: Sequence, fps: float, trackers: dict, spent: dict[str, list[float]]) -> dict[str, MotScores]:
    """Scores of each tracker at a frame rate; adds its milliseconds of each frame to ``spent``."""
    scores: dict[str, list[MotScores]] = {name: [] for name in trackers}
    for numbers in sequence.subsets(fps):
        running = {name: make(min(fps, sequence.fps)) for name, make in trackers.items()}
        found: dict[str, Boxes] = {name: [] for name in trackers}
        for number in numbers:
            for name, tracker in running.items():
                detections = sequence.bodies.get(name.removeprefix(WITH), sequence.detections)[number]
                image = sequence.images[number] if sequence.images else None
                seen = Observation.of(detections, (), image=image)
                started = time.perf_counter()
                keys = tracker.update(round(number * 1e9 / sequence.fps), seen)
                spent[name].append((time.perf_counter() - started) * 1e3)
                found[name].append((seen.boxes[keys >= 0], keys[keys >= 0]))
        for name in trackers:
            scores[name].append(mot_scores([sequence.truth[number] for number in numbers], found[name]))
    return {name: mean_scores(each) for name, each in scores.items()}


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--fps", type=float, nargs="+", default=[25, 12.5, 7, 4, 2])
    parser.add_argument("--sequence", type=Path, nargs="+", default=[])
    parser.add_argument("--reversed", action="store_true")
    parser.add_argument("--min-score", type=float, default=0.4)
    arguments = parse(parser)
    pipeline = build_pipeline(VisionSettings(person_model="yolox_nano", person_score=arguments.min_score))
    campus = not arguments.sequence and not arguments.reversed
    embedders = body_embedders(arguments.data) if campus else {}
    trackers = make_trackers(embedders)
    sequences = []
    for folder in arguments.sequence or [arguments.data / "tracking" / "TUD-Campus"]:
        sequence = read_sequence(folder, lambda image: pipeline.detect([image])[0], arguments.min_score)
        sequences.append(with_bodies(sequence, embedders))
        persons = pipeline.describe()["person"]["model"] if sequence.images else "its file"
        print(f"{sequence.name}: {len(sequence.detections)} frames, {sequence.fps:g} a second, persons of {persons}")
    if arguments.reversed:
        sequences += [sequence.backwards() for sequence in sequences]
    spent: dict[str, list[float]] = {name: [] for name in trackers}
    table = {}
    for fps in arguments.fps:
        each = [run(sequence, fps, trackers, spent) for sequence in sequences]
        table[fps] = {name: mean_scores([scores[name] for scores in each]) for name in trackers}
    print("\nIDF1 / HOTA / id switches\n")
    rows = []
    for name in trackers:
        scores = [table[fps][name] for fps in arguments.fps]
        cells = (f"{score.idf1:.3f} / {score.hota:.3f} / {score.switches:.1f}" for score in scores)
        rows.append((name, *cells, f"{np.median(spent[name]):.2f}"))
    print(markdown_table(("tracker", *(f"{fps:g} fps" for fps in arguments.fps), "ms a frame"), rows))
    write_json(
        arguments.json,
        {f"{fps:g}": {name: asdict(score) for name, score in each.items()} for fps, each in table.items()},
    )


if __name__ == "__main__":
    main()
