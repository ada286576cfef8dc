"""YuNet's network on onnxruntime and by OpenCV's FaceDetectorYN: time per image and agreement, one thread.

    python benchmarks/yunet.py DATA_DIR [--rounds N] [--json FILE]

DATA_DIR holds ``clips``, ``models`` and ``faces/att_faces``. The search region of a person is about 320x180 to 640x360,
landmarks are refined at 128x128. Both detectors get each image in turns. A new FaceDetectorYN is made for each size,
since a change of size is dear; "sizes in turns" changes it with every image, as search regions do. A face is found by
both if all sides of its box agree within 1 pixel.
"""

import time
from pathlib import Path

import cv2
import numpy as np
from common import argument_parser, markdown_table, parse, processor, write_json
from datasets import CROWDED_CLIPS, clip_frames

from facetrack_ros.core.detections import FaceDetections
from facetrack_ros.vision.faces.yunet_network import YunetNetwork

MODEL = "yunet_n_640_640.onnx"
SIZES = ((128, 128), (320, 180), (480, 270), (640, 360))
#: Every so many frames of the clips are used.
EVERY = 4
SCORE, MAX_IOU, TOP_CELLS = 0.3, 0.3, 500


class OpencvYunet:
    """OpenCV's FaceDetectorYN behind the interface of :class:`YunetNetwork`."""

    def __init__(self, path: Path):
        self._size = SIZES[0]
        self._detector = cv2.FaceDetectorYN.create(str(path), "", self._size, SCORE, MAX_IOU, TOP_CELLS)

    def detect(self, image: np.ndarray, _score: float, _max_iou: float) -> FaceDetections:
        size = (image.shape[1], image.shape[0])
        if size != self._size:
            self._detector.setInputSize(size)
            self._size = size
        rows = self._detector.detect(image)[1]
        if rows is None:
            return FaceDetections.none()
        corners = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        return FaceDetections(corners, rows[:, 4:14].reshape(-1, 5, 2), rows[:, 14])


def timed_pair(detectors: tuple, images: list[np.ndarray], rounds: int) -> np.ndarray:
    """Milliseconds of the thread, ``(calls, 2)``."""
    taken = np.empty((rounds * len(images), 2))
    for call, row in enumerate(taken):
        for column, detector in enumerate(detectors):
            start = time.thread_time()
            detector.detect(images[call % len(images)], SCORE, MAX_IOU)
            row[column] = (time.thread_time() - start) * 1e3
    return taken[len(images) // 4 :]  # the first calls allocate


def agreement(detectors: tuple, images: list[np.ndarray]) -> tuple[int, int, int]:
    """Number of faces found by both, by the first alone and by the second alone."""
    both = first = second = 0
    for image in images:
        a, b = (detector.detect(image, SCORE, MAX_IOU).boxes for detector in detectors)
        near = np.abs(a[:, None] - b[None]).max(axis=2, initial=0) < 1
        matched = int(near.any(axis=1).sum())
        both, first, second = both + matched, first + len(a) - matched, second + len(b) - matched
    return both, first, second


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parse(parser)
    cv2.setNumThreads(1)
    path = arguments.data / "models" / MODEL
    frames = [frame for name in CROWDED_CLIPS for frame in clip_frames(arguments.data, name)][::EVERY]
    faces = sorted((arguments.data / "faces" / "att_faces").rglob("*.pgm"))
    images = {f"{size[0]}x{size[1]}": [cv2.resize(frame, size) for frame in frames] for size in SIZES}
    images["sizes in turns"] = [cv2.resize(frame, SIZES[row % len(SIZES)]) for row, frame in enumerate(frames)]
    images["ORL, 184x224"] = [cv2.resize(cv2.imread(str(file)), (184, 224)) for file in faces]
    ours, results, rows = YunetNetwork(path), {}, []
    for name, chosen in images.items():
        detectors = (ours, OpencvYunet(path))
        onnxruntime_ms, opencv_ms = np.median(timed_pair(detectors, chosen, arguments.rounds), axis=0)
        found = agreement(detectors, chosen)
        results[name] = {"onnxruntime_ms": onnxruntime_ms, "opencv_ms": opencv_ms, "faces": found}
        rows.append((name, f"{onnxruntime_ms:.2f}", f"{opencv_ms:.2f}", *found))
    print(
        f"{processor()}, OpenCV {cv2.__version__}, one thread, medians over {arguments.rounds} rounds of all images\n"
    )
    head = ("input", "onnxruntime ms", "OpenCV ms", "found by both", "onnxruntime only", "OpenCV only")
    print(markdown_table(head, rows))
    write_json(arguments.json, results)


if __name__ == "__main__":
    main()
