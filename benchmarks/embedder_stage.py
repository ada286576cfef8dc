"""The embedder's stage against its model alone: the cost of alignment, normalisation and scaling to unit length.

    python benchmarks/embedder_stage.py DATA_DIR [--embedder ID] [--rounds N] [--json FILE]

Faces of several widths in a 1920x1080 frame of noise, one thread. The stage is what the pipeline calls, the model alone
one call of onnxruntime's session with a prepared input; in turns. Times are of the thread, so that other programs do
not count.
"""

import time
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from common import argument_parser, parse, write_json

from facetrack_ros.core.face import Face
from facetrack_ros.models.resolver import resolve
from facetrack_ros.vision.embedding.onnx_face import OnnxFaceEmbedder
from facetrack_ros.vision.faces.alignment import ARCFACE_TEMPLATE

WIDTHS_PX = (24, 60, 120, 240, 480, 800)
#: Width of a face's box in the 112 px template, about.
TEMPLATE_FACE_PX = 80


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--embedder", default="mobilefacenet_foamliu")
    parser.add_argument("--rounds", type=int, default=60)
    arguments = parse(parser)
    cv2.setNumThreads(1)
    model = resolve(arguments.embedder)
    embedder = OnnxFaceEmbedder(model.path, model.contract)
    session = open_session(model.path)
    frame = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), np.uint8)
    results = {}
    print(f"{model.contract.id}\n{'face':>8}{'stage':>10}{'model':>10}{'ratio':>8}")
    for width in WIDTHS_PX:
        landmarks = (ARCFACE_TEMPLATE * (width / TEMPLATE_FACE_PX) + 50).astype(np.float32)
        face = Face(np.zeros(4, np.float32), landmarks, 0.9, 0.9)
        feed = {session.get_inputs()[0].name: embedder.input.blob(embedder.input.crops(frame, [face]))}
        taken = np.empty((arguments.rounds, 2))
        for row in taken:
            start = time.thread_time()
            embedder.embed(frame, [face])
            middle = time.thread_time()
            session.run(None, feed)
            row[:] = middle - start, time.thread_time() - middle
        stage, alone = np.median(taken, axis=0) * 1e3
        results[width] = {"stage_ms": stage, "model_ms": alone, "ratio": stage / alone}
        print(f"{width:>5} px{stage:>7.2f} ms{alone:>7.2f} ms{stage / alone:>8.2f}")
    write_json(arguments.json, results)


def open_session(path: Path) -> onnxruntime.InferenceSession:
    """onnxruntime with the graph, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    main()
