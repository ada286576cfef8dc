"""The embedder's stage against its bare model: how much alignment, normalisation and scaling to length 1 add.

    python benchmarks/embedder_stage.py DATA_DIR [--embedder ID] [--rounds N] [--json FILE]

Faces of several widths in a 1920x1080 frame of noise, one thread. The stage is what the pipeline calls, the bare model one call
of onnxruntime's session with an input that is ready; in turns. Times are of the thread, so that other programs do not count.
"""

import argparse
import json
import os
import time
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.core.face import Face
from facetrack_ros.models.resolver import resolve
from facetrack_ros.vision.embedding.onnx_face import OnnxFaceEmbedder
from facetrack_ros.vision.faces.alignment import ARCFACE_TEMPLATE

WIDTHS_PX = (24, 60, 120, 240, 480, 800)
#: Width of a face's box in the 112 px template, about.
TEMPLATE_FACE_PX = 80


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--embedder", default="mobilefacenet_foamliu")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    os.environ.setdefault("FACETRACK_MODELS", str(arguments.data / "models"))
    cv2.setNumThreads(1)
    model = resolve(arguments.embedder)
    embedder = OnnxFaceEmbedder(model.path, model.contract)
    bare = bare_session(model.path)
    frame = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), np.uint8)
    results = {}
    print(f"{model.contract.id}\n{'face':>8}{'stage':>10}{'model':>10}{'ratio':>8}")
    for width in WIDTHS_PX:
        face = Face(
            np.zeros(4, np.float32), (ARCFACE_TEMPLATE * (width / TEMPLATE_FACE_PX) + 50).astype(np.float32), 0.9, 0.9
        )
        blob = embedder.input.blob(embedder.input.crops(frame, [face]))
        feed = {bare.get_inputs()[0].name: blob}
        taken = np.empty((arguments.rounds, 2))
        for row in taken:
            start = time.thread_time()
            embedder.embed(frame, [face])
            middle = time.thread_time()
            bare.run(None, feed)
            row[:] = middle - start, time.thread_time() - middle
        stage, alone = np.median(taken, axis=0) * 1e3
        results[width] = {"stage_ms": stage, "model_ms": alone, "ratio": stage / alone}
        print(f"{width:>5} px{stage:>7.2f} ms{alone:>7.2f} ms{stage / alone:>8.2f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


def bare_session(path: Path):
    """onnxruntime with the graph, on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    main()
