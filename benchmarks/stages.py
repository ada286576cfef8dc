"""What each stage of vision costs beside the bare calls of its model: clock time of the stage over that within the model.

    python benchmarks/stages.py DATA_DIR [--size 1280x720] [--rounds 3] [--json FILE]

DATA_DIR holds ``clips`` and ``models``. The clips' frames are scaled to the size asked for. Both times are taken in the same
calls: the model's are those within ``onnxruntime``, the stage's those of the pipeline around them, pre- and post-processing
included. Medians over frames.
"""

import argparse
import json
import os
import time
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.inference.onnx_session import OnnxSession
from facetrack_ros.vision.settings import VisionSettings

CLIPS = ("face-demographics-walking-and-pause.gif", "head-pose-face-detection-female-and-male.gif", "classroom.gif")


class Bare:
    """Adds up the time spent within models."""

    def __init__(self):
        self.seconds, self.calls = 0.0, 0

    def around(self, function):
        def timed(*arguments):
            started = time.perf_counter()
            try:
                return function(*arguments)
            finally:
                self.seconds += time.perf_counter() - started
                self.calls += 1

        return timed

    def take(self) -> tuple[float, int]:
        taken, self.seconds, self.calls = (self.seconds, self.calls), 0.0, 0
        return taken


def frames_of(folder: Path, size: tuple[int, int]):
    for name in CLIPS:
        video = cv2.VideoCapture(str(folder / name))
        while True:
            more, frame = video.read()
            if not more:
                break
            yield cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--size", default="1280x720", help="width x height of the frames")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    os.environ.setdefault("FACETRACK_MODELS", str(arguments.data / "models"))
    size = tuple(int(side) for side in arguments.size.split("x"))
    pipeline = build_pipeline(VisionSettings())
    bare = Bare()
    OnnxSession._run = bare.around(OnnxSession._run)

    rows = {stage: [] for stage in ("persons", "faces", "embeddings")}
    for _ in range(arguments.rounds):
        for frame in frames_of(arguments.data / "clips", size):
            steps = [time.perf_counter()]
            detections = pipeline.detect([frame])[0]
            steps.append(time.perf_counter())
            models = [bare.take()]
            found, owner = pipeline._find(frame, detections)
            judged = pipeline._assess(frame, found, owner)
            steps.append(time.perf_counter())
            models.append(bare.take())
            passed = np.flatnonzero([not face.rejected for face in judged])
            pipeline._embed(frame, judged, passed)
            steps.append(time.perf_counter())
            models.append(bare.take())
            for stage, whole, (inner, calls) in zip(rows, np.diff(steps), models):
                if calls:
                    rows[stage].append((whole, inner, calls))
    print(
        f"frames {size[0]}x{size[1]}, one model thread, "
        + ", ".join(f"{role} {model['model']}" for role, model in pipeline.describe().items())
    )
    print(f"{'stage':<12}{'frames':>8}{'calls':>8}{'stage ms':>10}{'model ms':>10}{'ratio':>8}")
    result = {}
    for stage, measured in rows.items():
        whole, inner, calls = np.array(measured).T
        result[stage] = {
            "frames": len(whole),
            "calls": float(calls.mean()),
            "stage_ms": float(np.median(whole) * 1e3),
            "model_ms": float(np.median(inner) * 1e3),
            "ratio": float(np.median(whole / inner)),
        }
        row = result[stage]
        print(
            f"{stage:<12}{row['frames']:>8}{row['calls']:>8.1f}{row['stage_ms']:>10.2f}{row['model_ms']:>10.2f}{row['ratio']:>8.3f}"
        )
    nobody = np.full((size[1], size[0], 3), 90, np.uint8)
    bare.take()
    pipeline.faces(nobody, pipeline.detect([nobody])[0])
    result["calls_without_people"] = bare.take()[1]
    print(f"a frame without people: {result['calls_without_people']} model call")
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
