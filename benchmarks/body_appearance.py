"""Whole-body appearance: OSNet and the histogram on TUD-Campus, and the time for a frame's bodies.

    python benchmarks/body_appearance.py DATA_DIR [--rounds N] [--json FILE]

DATA_DIR holds ``models`` and ``tracking/TUD-Campus``. Every ground-truth box is embedded. Pairs of boxes at least 5
frames apart are compared: AUC is the probability that a pair of one person is more similar than a pair of two; rank-1,
for each box and each other frame in which its person is visible, how often the most similar box of that frame is that
person. Times are of one thread.
"""

import time
from pathlib import Path

import cv2
import numpy as np
from common import argument_parser, parse, write_json

from facetrack_ros.models import catalog
from facetrack_ros.vision.evaluation.verification import auc
from facetrack_ros.vision.factory import open_model
from facetrack_ros.vision.settings import VisionSettings

FRAMES_APART = 5
BODIES = 20


def ground_truth(folder: Path):
    """Frame numbers and ids ``(n,)``, boxes ``(n, 4)`` of MOT-style ground truth, and the images by frame number."""
    rows = np.loadtxt(folder / "gt" / "gt.txt", delimiter=",")
    frames, ids, corner, size = rows[:, 0].astype(int), rows[:, 1].astype(int), rows[:, 2:4], rows[:, 4:6]
    images = {frame: cv2.imread(str(folder / "img1" / f"{frame:06d}.jpg")) for frame in np.unique(frames)}
    return frames, ids, np.concatenate([corner, corner + size], axis=1).astype(np.float32), images


def rank_one(similarity, frames, ids) -> float:
    """Rank-1 rate as the module's docstring defines it."""
    right = searches = 0
    for row in range(len(ids)):
        for frame in np.unique(frames[(ids == ids[row]) & (np.abs(frames - frames[row]) >= FRAMES_APART)]):
            candidates = np.flatnonzero(frames == frame)
            right += ids[candidates[similarity[row, candidates].argmax()]] == ids[row]
            searches += 1
    return right / searches


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    arguments = parse(parser)
    cv2.setNumThreads(1)
    frames, ids, boxes, images = ground_truth(arguments.data / "tracking" / "TUD-Campus")
    far = np.triu(np.abs(frames[:, None] - frames[None]) >= FRAMES_APART, 1)
    same = ids[:, None] == ids[None]
    print(
        f"TUD-Campus: {len(ids)} boxes of {len(set(ids))} people, {np.sum(far & same)} pairs of one person and "
        f"{np.sum(far & ~same)} of two, at least {FRAMES_APART} frames apart"
    )
    embedders = {
        name: open_model(name, "body", VisionSettings())[1] for name in (catalog.OSNET.id, catalog.HISTOGRAM.id)
    }
    results = {}
    for name, embedder in embedders.items():
        rows = np.zeros((len(ids), embedder.contract.dimension), np.float32)
        for frame, image in images.items():
            rows[frames == frame] = embedder.embed(image, boxes[frames == frame])
        similarity = rows @ rows.T
        results[name] = {
            "auc": auc(similarity[far & same], similarity[far & ~same]),
            "rank_1": rank_one(similarity, frames, ids),
            "dimension": embedder.contract.dimension,
        }
    # Twenty bodies of the sizes that occur, cut from one frame; the embedders in turns.
    crowd = boxes[np.linspace(0, len(boxes) - 1, BODIES).astype(int)]
    taken = {name: [] for name in embedders}
    for _ in range(arguments.rounds):
        for name, embedder in embedders.items():
            start = time.thread_time()
            embedder.embed(images[frames[0]], crowd)
            taken[name].append((time.thread_time() - start) * 1e3)
    print(f"{'':<28}{'numbers':>8}{'AUC':>8}{'rank-1':>8}{f'ms, {BODIES} bodies':>16}")
    for name, row in results.items():
        row[f"ms_{BODIES}_bodies"] = ms = float(np.median(taken[name]))
        print(f"{name:<28}{row['dimension']:>8}{row['auc']:>8.3f}{row['rank_1']:>8.3f}{ms:>16.1f}")
    write_json(arguments.json, results)


if __name__ == "__main__":
    main()
