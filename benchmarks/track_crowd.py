"""Fifty people who cross, synthetic: do ids stay with their people, and does memory stay flat?

    python benchmarks/track_crowd.py [--people 50] [--minutes 10] [--fps 30] [--seed 7] [--faces 0.3] [--height 160] [--misses 0.02]
        [--json FILE]

People walk to and fro on a floor seen by one camera of 1920x1080, in boxes of 64 to 160 px height. Who is covered by
somebody nearer for more than 60 % is not found; 2 % of the others are missed, boxes jitter by 1 % of their height, and in a
share of the frames (``--faces``) a face shows, its embedding about 0.7 similar to that person's others. Ids are compared with
the truth over everybody who is not covered, as they were told and with the aliases found by the end; a missed box counts
against them. Milliseconds are of the whole tracking:
association, identities, events.
"""

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np
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
    """People who walk, and what a detector sees of them."""

    def __init__(self, people: int, rng: np.random.Generator, height_px: float = 160, misses: float = 0.02):
        self._rng = rng
        self._height_px, self._misses = height_px, misses
        self._place = np.stack([rng.uniform(0.05, 0.95, people), rng.uniform(0, 1, people)], axis=1)
        self._goal = rng.uniform(0.05, 0.95, (people, 2))
        self._speed = rng.uniform(0.03, 0.08, people)
        faces = rng.normal(size=(people, DIMENSION))
        self._faces = faces / np.linalg.norm(faces, axis=1, keepdims=True)

    def walk(self, seconds: float) -> None:
        """Everybody goes on towards a goal, and takes another when there."""
        way = self._goal - self._place
        far = np.linalg.norm(way, axis=1)
        there = far < 0.01
        self._goal[there] = self._rng.uniform(0.03, 0.97, (there.sum(), 2))
        self._place += way / np.maximum(far, 1e-6)[:, None] * np.minimum(self._speed * seconds, far)[:, None]

    def boxes(self) -> tuple[np.ndarray, np.ndarray]:
        """``(people, 4)`` boxes, and ``(people,)`` the share of each that somebody nearer covers."""
        depth = self._place[:, 1]
        height = self._height_px * (0.4 + 0.6 * depth)
        x, foot = self._place[:, 0] * WIDTH, 320 + depth * (HEIGHT - 340)
        boxes = np.stack([x - 0.18 * height, foot - height, x + 0.18 * height, foot], axis=1).astype(np.float32)
        low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
        high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
        shared = np.clip(high - low, 0, None).prod(axis=2) / (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)[:, None]
        return boxes, np.where(depth[None, :] > depth[:, None], shared, 0).max(axis=1)

    def look(self, faces: float) -> tuple[np.ndarray, np.ndarray, Detections, list[Face]]:
        """Boxes and ids of the truth, and what is found."""
        boxes, covered = self.boxes()
        seen = np.flatnonzero(covered <= 0.6)
        found = seen[self._rng.uniform(size=len(seen)) > self._misses]
        height = (boxes[found, 3] - boxes[found, 1])[:, None]
        jitter = boxes[found] + self._rng.normal(size=(len(found), 4)) * 0.01 * height
        scores = np.clip(0.9 - 0.4 * covered[found] + self._rng.normal(size=len(found)) * 0.05, 0.41, 1)
        shown = []
        for row, person in enumerate(found):
            if covered[person] < 0.1 and self._rng.uniform() < faces:
                look = self._faces[person] + self._rng.normal(size=DIMENSION) * 0.065
                shown.append(
                    Face(
                        jitter[row].astype(np.float32),
                        np.zeros((5, 2), np.float32),
                        0.9,
                        float(self._rng.uniform(0.3, 0.9)),
                        person=row,
                        embedding=(look / np.linalg.norm(look)).astype(np.float32),
                    )
                )
        return boxes[seen], seen, Detections(jitter.astype(np.float32), scores.astype(np.float32), "crowd"), shown


def dense(frames: list[list[str]], names: dict[str, int]) -> list[np.ndarray]:
    """Ids as whole numbers without holes."""
    ids = [np.array([names[each] for each in frame], np.int64) for frame in frames]
    known = np.unique(np.concatenate(ids))
    return [np.searchsorted(known, each) for each in ids]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--fps", type=float, default=30)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--faces", type=float, default=0.3)
    parser.add_argument(
        "--height", type=float, default=160, help="of the nearest people, pixels; the farthest have 0.4 of it"
    )
    parser.add_argument("--misses", type=float, default=0.02, help="share of the boxes not covered that are not found")
    parser.add_argument("--memory", action="store_true", help="keep nothing for the comparison: memory and times alone")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    crowd = Crowd(arguments.people, np.random.default_rng(arguments.seed), arguments.height, arguments.misses)
    people = PeopleTracker("robot1", IdAllocator(), TrackingSettings(), THRESHOLD, "crowd")
    numbers: dict[str, None] = {}
    true_ids, found_ids, alike, spent, memory, events = [], [], [], [], [], []
    frames = round(arguments.minutes * 60 * arguments.fps)
    for number in range(frames):
        crowd.walk(1 / arguments.fps)
        boxes, ids, detections, faces = crowd.look(arguments.faces)
        started = time.perf_counter()
        tracks, new = people.update("front", START_NS + round(number * 1e9 / arguments.fps), number, detections, faces)
        spent.append((time.perf_counter() - started) * 1e3)
        events += [event.event for event in new]
        shown = [track for track in tracks if track.state is TrackState.TRACKING and track.person_id]
        if not arguments.memory:
            true_ids.append(ids)
            found_ids.append([track.person_id for track in shown])
            numbers.update(dict.fromkeys(found_ids[-1]))
            alike.append(
                iou(boxes, np.array([track.bbox for track in shown], np.float32).reshape(-1, 4)).astype(np.float16)
            )
        elif number % round(60 * arguments.fps) == 0:
            memory.append(int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6)
    times = {
        "people": arguments.people,
        "frames": frames,
        "median_ms": float(np.median(spent)),
        "p99_ms": float(np.percentile(spent, 99)),
    }
    if arguments.memory:
        result = {**times, "memory_mb": memory}
        print("| people | frames | ms a frame, median | 99 % | memory each minute, MB |\n|---|---|---|---|---|")
        print(
            f"| {arguments.people} | {frames} at {arguments.fps:g} fps | {times['median_ms']:.1f} | {times['p99_ms']:.1f} | "
            f"{', '.join(f'{each:.1f}' for each in memory)} |"
        )
    else:
        result = compared(people, true_ids, found_ids, alike, numbers, events, times, arguments)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


def compared(people, true_ids, found_ids, alike, numbers, events, times, arguments) -> dict:
    """The figures against the truth, printed."""
    by_id = {person_id: number for number, person_id in enumerate(numbers)}
    settled = {
        person_id: by_id.setdefault(people.merges.canonical(person_id), len(by_id)) for person_id in list(numbers)
    }
    told, joined = (
        compute_identity_metrics(true_ids, dense(found_ids, names), alike)["IDF1"] for names in (by_id, settled)
    )
    result = {
        **times,
        "idf1": float(joined),
        "idf1_as_told": float(told),
        "persons": len(set(settled.values())),
        "person_ids": len(numbers),
        "person_in": events.count(PERSON_IN),
        "person_out": events.count(PERSON_OUT),
    }
    print(
        "| people | frames | faces in | IDF1 | IDF1 of ids as told | person ids | persons | ms a frame, median | 99 % | PERSON_IN |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    print(
        f"| {arguments.people} | {times['frames']} at {arguments.fps:g} fps | {arguments.faces:.0%} | {result['idf1']:.3f} | "
        f"{result['idf1_as_told']:.3f} | {len(numbers)} | {result['persons']} | {times['median_ms']:.1f} | "
        f"{times['p99_ms']:.1f} | {result['person_in']} |"
    )
    return result


if __name__ == "__main__":
    main()
