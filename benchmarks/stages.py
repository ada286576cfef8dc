"""Cost of each vision stage beside the calls of its model: clock time of the stage over that within the model.

    python benchmarks/stages.py DATA_DIR [--size 1280x720] [--rounds 3] [--json FILE]

DATA_DIR holds ``clips`` and ``models``. The clips' frames are scaled to the size. Both times are taken in the same
calls: the model's are those within ``onnxruntime``, the stage's those of the pipeline around them, with pre- and
post-processing. Medians over frames.
"""

import time

import numpy as np
from common import argument_parser, parse, parse_size, write_json
from datasets import CROWDED_CLIPS, clip_frames

from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.inference.onnx_session import OnnxSession
from facetrack_ros.vision.settings import VisionSettings


class ModelClock:
    """Sums the time spent within models."""

    def __init__(self):
        self.seconds, self.calls = 0.0, 0

    def wrap(self, function):
        def timed(*arguments):
            started = time.perf_counter()
            try:
                return function(*arguments)
            finally:
                self.seconds += time.perf_counter() - started
                self.calls += 1

        return timed

    def reset(self) -> tuple[float, int]:
        """Seconds and calls since the last reset."""
        taken, self.seconds, self.calls = (self.seconds, self.calls), 0.0, 0
        return taken


def measure(pipeline, clock: ModelClock, frame: np.ndarray, rows: dict[str, list]) -> None:
    """Append ``(stage seconds, model seconds, calls)`` of one frame to the rows of each stage that called its model."""
    found: list = [None]

    def persons():
        found[0] = pipeline.detect([frame])[0]

    def faces():
        found[0] = pipeline.find_faces(frame, found[0])

    def embeddings():
        pipeline.embed(frame, found[0], np.flatnonzero([not face.rejected for face in found[0]]))

    for name, stage in (("persons", persons), ("faces", faces), ("embeddings", embeddings)):
        start = time.perf_counter()
        stage()
        seconds = time.perf_counter() - start
        inner, calls = clock.reset()
        if calls:
            rows[name].append((seconds, inner, calls))


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--size", type=parse_size, default=(1280, 720), help="width x height of the frames")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parse(parser)
    size = arguments.size
    pipeline = build_pipeline(VisionSettings())
    clock = ModelClock()
    OnnxSession._run = clock.wrap(OnnxSession._run)
    rows = {stage: [] for stage in ("persons", "faces", "embeddings")}
    for _ in range(arguments.rounds):
        for name in CROWDED_CLIPS:
            for frame in clip_frames(arguments.data, name, size):
                measure(pipeline, clock, frame, rows)
    models = ", ".join(f"{role} {model['model']}" for role, model in pipeline.describe().items())
    print(f"frames {size[0]}x{size[1]}, one model thread, {models}")
    print(f"{'stage':<12}{'frames':>8}{'calls':>8}{'stage ms':>10}{'model ms':>10}{'ratio':>8}")
    result = {}
    for stage, measured in rows.items():
        whole, inner, calls = np.array(measured).T
        result[stage] = row = {
            "frames": len(whole),
            "calls": float(calls.mean()),
            "stage_ms": float(np.median(whole) * 1e3),
            "model_ms": float(np.median(inner) * 1e3),
            "ratio": float(np.median(whole / inner)),
        }
        print(
            f"{stage:<12}{row['frames']:>8}{row['calls']:>8.1f}{row['stage_ms']:>10.2f}{row['model_ms']:>10.2f}"
            f"{row['ratio']:>8.3f}"
        )
    empty = np.full((size[1], size[0], 3), 90, np.uint8)
    clock.reset()
    pipeline.faces(empty, pipeline.detect([empty])[0])
    result["calls_without_people"] = clock.reset()[1]
    print(f"a frame without people: {result['calls_without_people']} model call")
    write_json(arguments.json, result)


if __name__ == "__main__":
    main()
