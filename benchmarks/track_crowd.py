"""Fifty synthetic people who cross: identity scores, and memory and time of the tracking over minutes.

    python benchmarks/track_crowd.py [--people 50] [--minutes 10] [--fps 30] [--seed 7] [--faces 0.3] [--height 160]
                                     [--misses 0.02] [--memory] [--json FILE]

People walk back and forth on a floor seen by one camera of 1920x1080, in boxes of 64 to 160 px height. A person covered
by nearer ones for more than 60 % is not detected; 2 % of the others are missed, boxes jitter by 1 % of their height,
and in a share of the frames (``--faces``) a face is visible, its embedding about 0.7 similar to that person's others.
Ids are compared with the truth over all people who are not covered, as published ("as told") and with the merges known
at the end; a missed box counts as an error. Milliseconds are of the whole tracking: association, identities, events.
"""

import time

import numpy as np
from common import argument_parser, markdown_table, parse, rss_bytes, write_json
from mot_scores import dense_ids
from trackers.eval import compute_identity_metrics

from facetrack_ros.core.boxes import iou
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.event import PERSON_IN, PERSON_OUT
from facetrack_ros.core.face import Face
from facetrack_ros.core.track import TrackState
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.tracking.people_tracker import PeopleTracker
from facetrack_ros.tracking.settings import TrackingSettings

WIDTH, HEIGHT = 1920, 1080
DIMENSION = 128
THRESHOLD = 0.36
START_NS = 1_795_348_800 * 10**9


class Crowd:
    """People who walk, and the detections of a detector."""

    def __init__(self, people: int, rng: np.random.Generator, height_px: float = 160, misses: float = 0.02):
        self._rng = rng
        self._height_px, self._misses = height_px, misses
        self._place = np.stack([rng.uniform(0.05, 0.95, people), rng.uniform(0, 1, people)], axis=1)
        self._goal = rng.uniform(0.05, 0.95, (people, 2))
        self._speed = rng.uniform(0.03, 0.08, people)
        faces = rng.normal(size=(people, DIMENSION))
        self._faces = faces / np.linalg.norm(faces, axis=1, keepdims=True)

    def walk(self, seconds: float) -> None:
        """Move each person towards a goal; at the goal, draw another."""
        way = self._goal - self._place
        far = np.linalg.norm(way, axis=1)
        there = far < 0.01
        self._goal[there] = self._rng.uniform(0.03, 0.97, (there.sum(), 2))
        self._place += way / np.maximum(far, 1e-6)[:, None] * np.minimum(self._speed * seconds, far)[:, None]

    def boxes(self) -> tuple[np.ndarray, np.ndarray]:
        """``(people, 4)`` boxes, and ``(people,)`` the share of each that is covered by a nearer person."""
        depth = self._place[:, 1]
        height = self._height_px * (0.4 + 0.6 * depth)
        x, foot = self._place[:, 0] * WIDTH, 320 + depth * (HEIGHT - 340)
        boxes = np.stack([x - 0.18 * height, foot - height, x + 0.18 * height, foot], axis=1).astype(np.float32)
        low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
        high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
        shared = np.clip(high - low, 0, None).prod(axis=2) / (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)[:, None]
        return boxes, np.where(depth[None, :] > depth[:, None], shared, 0).max(axis=1)

    def detect(self, faces: float) -> tuple[np.ndarray, np.ndarray, Detections, list[Face]]:
        """Boxes and ids of the truth, detections, and faces of a share of the uncovered people."""
        boxes, covered = self.boxes()
        seen = np.flatnonzero(covered <= 0.6)
        found = seen[self._rng.uniform(size=len(seen)) > self._misses]
        height = (boxes[found, 3] - boxes[found, 1])[:, None]
        jitter = boxes[found] + self._rng.normal(size=(len(found), 4)) * 0.01 * height
        scores = np.clip(0.9 - 0.4 * covered[found] + self._rng.normal(size=len(found)) * 0.05, 0.41, 1)
        shown = []
        for row, person in enumerate(found):
            if covered[person] < 0.1 and self._rng.uniform() < faces:
                face = self._faces[person] + self._rng.normal(size=DIMENSION) * 0.065
                shown.append(
                    Face(
                        jitter[row].astype(np.float32),
                        np.zeros((5, 2), np.float32),
                        0.9,
                        float(self._rng.uniform(0.3, 0.9)),
                        person=row,
                        embedding=(face / np.linalg.norm(face)).astype(np.float32),
                    )
                )
        return boxes[seen], seen, Detections(jitter.astype(np.float32), scores.astype(np.float32), "crowd"), shown


def main() -> None:
    parser = argument_parser(__doc__, data=False)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--fps", type=float, default=30)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--faces", type=float, default=0.3)
    parser.add_argument(
        "--height", type=float, default=160, help="of the nearest people, pixels; the farthest have 0.4 of it"
    )
    parser.add_argument("--misses", type=float, default=0.02, help="share of the uncovered boxes that is missed")
    parser.add_argument("--memory", action="store_true", help="only memory and times; keep nothing for the comparison")
    arguments = parse(parser)
    crowd = Crowd(arguments.people, np.random.default_rng(arguments.seed), arguments.height, arguments.misses)
    people = PeopleTracker("robot1", IdAllocator(), TrackingSettings(), THRESHOLD, "crowd")
    numbers: dict[str, int] = {}
    true_ids, found_ids, overlaps, spent, memory, events = [], [], [], [], [], []
    frames = round(arguments.minutes * 60 * arguments.fps)
    for number in range(frames):
        crowd.walk(1 / arguments.fps)
        boxes, ids, detections, faces = crowd.detect(arguments.faces)
        started = time.perf_counter()
        tracks, new = people.update("front", START_NS + round(number * 1e9 / arguments.fps), number, detections, faces)
        spent.append((time.perf_counter() - started) * 1e3)
        events += [event.event for event in new]
        shown = [track for track in tracks if track.state is TrackState.TRACKING and track.person_id]
        if not arguments.memory:
            true_ids.append(ids)
            found_ids.append([numbers.setdefault(track.person_id, len(numbers)) for track in shown])
            found = np.array([track.bbox for track in shown], np.float32).reshape(-1, 4)
            overlaps.append(iou(boxes, found).astype(np.float16))
        elif number % round(60 * arguments.fps) == 0:
            memory.append(rss_bytes() / 1e6)
    median_ms, p99_ms = float(np.median(spent)), float(np.percentile(spent, 99))
    result = {"people": arguments.people, "frames": frames, "median_ms": median_ms, "p99_ms": p99_ms}
    head, row = ["people", "frames"], [arguments.people, f"{frames} at {arguments.fps:g} fps"]
    times = [f"{median_ms:.1f}", f"{p99_ms:.1f}"]
    if arguments.memory:
        result["memory_mb"] = memory
        head += ["ms a frame, median", "99 %", "memory each minute, MB"]
        row += [*times, ", ".join(f"{each:.1f}" for each in memory)]
    else:
        result |= compare(people, true_ids, found_ids, overlaps, numbers)
        result |= {"person_in": events.count(PERSON_IN), "person_out": events.count(PERSON_OUT)}
        head += ["faces in", "IDF1", "IDF1 of ids as told", "person ids", "persons", "ms a frame, median", "99 %"]
        row += [f"{arguments.faces:.0%}", f"{result['idf1']:.3f}", f"{result['idf1_as_told']:.3f}"]
        row += [result["person_ids"], result["persons"], *times, result["person_in"]]
        head.append("PERSON_IN")
    print(markdown_table(head, [row]))
    write_json(arguments.json, result)


def compare(people: PeopleTracker, true_ids, found_ids, overlaps, numbers: dict[str, int]) -> dict:
    """Identity scores and numbers of persons, with ids as published and after merges.

    :param found_ids: of each frame, numbers of the person ids.
    :param numbers: number of each person id.
    """
    merged = dict(numbers)
    final = [merged.setdefault(people.merges.canonical(name), len(merged)) for name in numbers]
    published = [np.array(frame, np.int64) for frame in found_ids]
    joined = [np.array([final[number] for number in frame], np.int64) for frame in found_ids]
    scores = [compute_identity_metrics(true_ids, dense_ids(ids), overlaps)["IDF1"] for ids in (joined, published)]
    return {
        "idf1": float(scores[0]),
        "idf1_as_told": float(scores[1]),
        "persons": len(set(final)),
        "person_ids": len(numbers),
    }


if __name__ == "__main__":
    main()
