"""dlib's face network on onnxruntime beside dlib's own run: milliseconds a face, and how far the vectors differ.

    python benchmarks/dlib_network.py DATA_DIR [--faces N] [--json FILE]

Each face is one of ``faces/att_faces``, enlarged to the input. Both run on one thread, face by face, in turns.
"""

import time

import cv2
import numpy as np
import onnxruntime
from common import argument_parser, parse, print_values, write_json

from facetrack_ros.core.vectors import l2_normalized
from facetrack_ros.models.resolver import resolve
from facetrack_ros.vision.embedding.dlib_network import INPUT_PX, dlib_network_as_onnx
from facetrack_ros.vision.faces.dlib_detector import import_dlib


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--faces", type=int, default=100)
    arguments = parse(parser)
    file = resolve("dlib_resnet_v1").file
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    graph = onnxruntime.InferenceSession(
        dlib_network_as_onnx(file.read_bytes()), options, providers=["CPUExecutionProvider"]
    )
    own = import_dlib().face_recognition_model_v1(str(file))
    pictures = sorted((arguments.data / "faces" / "att_faces").glob("s*/*.pgm"))
    chips = [_chip(path) for path in pictures[:: max(1, len(pictures) // arguments.faces)][: arguments.faces]]
    vectors: dict[str, list[np.ndarray]] = {"dlib": [], "onnxruntime": []}
    seconds: dict[str, list[float]] = {"dlib": [], "onnxruntime": []}
    for chip in chips:
        blob = chip.transpose(2, 0, 1)[None].astype(np.float32)
        for name, embed in (
            ("dlib", lambda chip=chip: np.array(own.compute_face_descriptor(chip), np.float32)),
            ("onnxruntime", lambda blob=blob: graph.run(None, {"image": blob})[0][0]),
        ):
            began = time.perf_counter()
            vectors[name].append(embed())
            seconds[name].append(time.perf_counter() - began)
    difference = np.abs(l2_normalized(np.array(vectors["dlib"])) - l2_normalized(np.array(vectors["onnxruntime"])))
    results = {
        "faces": len(chips),
        **{f"{name}_ms": float(1000 * np.median(values)) for name, values in seconds.items()},
        "largest_difference": float(difference.max()),
    }
    print_values(results)
    write_json(arguments.json, results)


def _chip(path) -> np.ndarray:
    """A picture as the network's input, RGB."""
    return cv2.cvtColor(cv2.resize(cv2.imread(str(path)), (INPUT_PX, INPUT_PX)), cv2.COLOR_BGR2RGB)


if __name__ == "__main__":
    main()
