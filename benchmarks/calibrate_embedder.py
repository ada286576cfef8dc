"""Measure what an embedder's similarities mean: AUC, rank-1, false-match curve, and the clips' people.

    python benchmarks/calibrate_embedder.py DATA_DIR [--embedder ID] [--face-model ID]

DATA_DIR holds ``faces/att_faces`` (ORL, 40 people) and ``clips``. Prints the record for the embedder's contract.
"""

import argparse
import os
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.vision.build import VisionSettings, build_pipeline

#: Who is who in the clips, from left to right: (right end of the zone in pixels of 480, person).
CLIPS = {
    "face-demographics-walking-and-pause.gif": ((150, "A"), (300, "C"), (480, "D")),
    "head-pose-face-detection-female-and-male.gif": ((180, "A"), (480, "B")),
    "head-pose-face-detection-male.gif": ((480, "B"),),
    "classroom.gif": ((120, "E"), (240, "F"), (290, "G"), (480, "H")),
}
ORL_SCALE, ORL_BORDER = 2, 60


def orl_faces(pipeline, folder: Path):
    """Embeddings ``(n, d)`` and person numbers ``(n,)`` of the ORL pictures whose face passes the gate."""
    embeddings, people = [], []
    for path in sorted(folder.glob("s*/*.pgm")):
        picture = cv2.resize(cv2.imread(str(path)), None, fx=ORL_SCALE, fy=ORL_SCALE, interpolation=cv2.INTER_CUBIC)
        picture = cv2.copyMakeBorder(picture, *[ORL_BORDER] * 4, cv2.BORDER_REPLICATE)
        faces = [face for face in pipeline.faces(picture, pipeline.detect([picture])[0]) if not face.rejected]
        if faces:
            embeddings.append(max(faces, key=lambda face: face.quality).embedding)
            people.append(int(path.parent.name[1:]))
    return np.array(embeddings), np.array(people)


def clip_faces(pipeline, folder: Path):
    """Embeddings, people, clip names and face widths of every gated face in every frame of the clips."""
    rows = []
    for name, zones in CLIPS.items():
        video = cv2.VideoCapture(str(folder / name))
        while True:
            more, frame = video.read()
            if not more:
                break
            for face in pipeline.faces(frame, pipeline.detect([frame])[0]):
                if not face.rejected:
                    x = (face.bbox[0] + face.bbox[2]) / 2
                    rows.append((face.embedding, next(who for end, who in zones if x < end), name,
                                 face.bbox[2] - face.bbox[0]))
    return tuple(np.array(column) for column in zip(*rows))


def auc(genuine: np.ndarray, impostor: np.ndarray) -> float:
    """Chance that a pair of one person is more alike than a pair of two."""
    impostor = np.sort(impostor)
    below = np.searchsorted(impostor, genuine, "left") + np.searchsorted(impostor, genuine, "right")
    return float(below.mean() / 2 / len(impostor))


def report_orl(embeddings, people):
    """Print the ORL figures; return impostor similarities."""
    similarity = embeddings @ embeddings.T
    pairs = np.triu(np.ones_like(similarity, bool), 1)
    same = people[:, None] == people[None]
    genuine, impostor = similarity[pairs & same], similarity[pairs & ~same]
    others = similarity - 9 * np.eye(len(people))
    print(f"ORL: {len(people)} of 400 faces, {len(genuine)} pairs of one person, {len(impostor)} of two")
    print(f"  AUC {auc(genuine, impostor):.4f}  rank-1 {(people[others.argmax(axis=1)] == people).mean():.4f}")
    print("  two people, quantiles " + "  ".join(
        f"{q:g}: {np.quantile(impostor, q):.3f}" for q in (0.5, 0.9, 0.99, 0.999, 0.9999, 1)))
    for rate in (1e-2, 1e-3, 1e-4):
        threshold = np.quantile(impostor, 1 - rate)
        print(f"  false-match rate {rate:g}: threshold {threshold:.3f}, found {(genuine >= threshold).mean():.3f}")
    return impostor


def report_clips(embeddings, people, clips, widths):
    """Print the clips' figures; return impostor similarities."""
    similarity = embeddings @ embeddings.T
    pairs = np.triu(np.ones_like(similarity, bool), 1)
    same = people[:, None] == people[None]
    impostor = similarity[pairs & ~same]
    print(f"clips: {len(people)} faces from {widths.min():.0f} px, "
          + ", ".join(f"{who} {np.sum(people == who)}" for who in sorted(set(people))))
    print(f"  two people, {len(impostor)} pairs: " + "  ".join(
        f"{q:g}: {np.quantile(impostor, q):.3f}" for q in (0.5, 0.99, 0.999, 1)))
    for least in (24, 32, 40, 50, 60):
        wide = (widths[:, None] >= least) & (widths[None] >= least)
        if (pairs & ~same & wide).any():
            print(f"  two people, both from {least} px: at most {similarity[pairs & ~same & wide].max():.3f}")
    for who in "AB":
        across = similarity[pairs & same & (people[:, None] == who) & (clips[:, None] != clips[None])]
        if across.size:
            print(f"  {who} across clips, {across.size} pairs: " + "  ".join(
                f"{q:g}: {np.quantile(across, q):.3f}" for q in (0, 0.05, 0.5, 0.95, 1)))
    return impostor


def curve(impostor: np.ndarray, highest: float) -> "list[tuple[float, float]]":
    """``(threshold, rate)`` pairs; beyond the highest similarity seen the rate is bounded by the rule of three."""
    last = np.floor(max(float(impostor.max()), highest) * 200 + 1) / 200
    thresholds = [np.quantile(impostor, 1 - rate) for rate in (0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001)]
    points = [(round(float(t), 3), float(f"{(impostor >= t).mean():.2g}")) for t in thresholds]
    return [*points, (round(float(last), 3), float(f"{3 / len(impostor):.2g}"))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--embedder", default="auto")
    parser.add_argument("--face-model", default="auto")
    arguments = parser.parse_args()
    os.environ.setdefault("FACETRACK_MODELS", str(arguments.data / "models"))
    settings = VisionSettings(person_model="faces", face_model=arguments.face_model, embedder=arguments.embedder)
    pipeline = build_pipeline(settings)
    print(" ".join(f"{role}={model['model']}" for role, model in pipeline.describe().items()))
    orl = report_orl(*orl_faces(pipeline, arguments.data / "faces" / "att_faces"))
    clips = report_clips(*clip_faces(pipeline, arguments.data / "clips"))
    for threshold, rate in curve(orl, float(clips.max())):
        print(f"  ({threshold}, {rate:g}),")


if __name__ == "__main__":
    main()
