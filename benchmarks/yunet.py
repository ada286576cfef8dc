"""YuNet's network on onnxruntime and by OpenCV's FaceDetectorYN: time a picture and agreement, one thread.

    python benchmarks/yunet.py DATA_DIR [--rounds N] [--json FILE]

DATA_DIR holds ``clips``, ``models`` and ``faces/att_faces``. The search region of a person is about 320x180 to 640x360,
landmarks are refined at 128x128. Both detectors get each picture in turns. A new FaceDetectorYN is made for each size,
since a change of size is dear; "sizes in turns" changes it with every picture, as search regions do. A face is found by
both if all sides of its box agree within 1 pixel.
"""

import time
from pathlib import Path

import cv2
import numpy as np
from common import argument_parser, markdown_table, parse, processor, write_json

from facetrack_ros.core.detections import FaceDetections
from facetrack_ros.vision.faces.yunet_network import YunetNetwork

MODEL = "yunet_n_640_640.onnx"
CLIPS = ("face-demographics-walking-and-pause.gif", "head-pose-face-detection-female-and-male.gif", "classroom.gif")
SIZES = ((128, 128), (320, 180), (480, 270), (640, 360))
SCORE, MAX_IOU, TOP_CELLS = 0.3, 0.3, 500


class OpencvYunet:
    """OpenCV's FaceDetectorYN behind the interface of :class:`YunetNetwork`."""

    def __init__(self, path: Path):
        self._net = cv2.FaceDetectorYN.create(str(path), "", (320, 320), SCORE, MAX_IOU, TOP_CELLS)
        self._size = (320, 320)

    def detect(self, image: np.ndarray, _score: float, _max_iou: float) -> FaceDetections:
        size = (image.shape[1], image.shape[0])
        if size != self._size:
            self._net.setInputSize(size)
            self._size = size
        rows = self._net.detect(image)[1]
        if rows is None:
            return FaceDetections.none()
        corners = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
        return FaceDetections(corners, rows[:, 4:14].reshape(-1, 5, 2), rows[:, 14])


def clip_frames(folder: Path) -> list[np.ndarray]:
    """Every fourth frame of the clips."""
    frames = []
    for name in CLIPS:
        video = cv2.VideoCapture(str(folder / name))
        while video.grab():
            frames.append(video.retrieve()[1])
    return frames[::4]


def timed_pair(ours, opencv, pictures: list[np.ndarray], rounds: int) -> np.ndarray:
    """Milliseconds of the thread, ``(calls, 2)``: onnxruntime, OpenCV."""
    taken = np.empty((rounds * len(pictures), 2))
    for call, row in enumerate(taken):
        for column, net in enumerate((ours, opencv)):
            start = time.thread_time()
            net.detect(pictures[call % len(pictures)], SCORE, MAX_IOU)
            row[column] = (time.thread_time() - start) * 1e3
    return taken[len(pictures) // 4 :]  # the first calls allocate


def agreement(ours, opencv, pictures: list[np.ndarray]) -> tuple[int, int, int]:
    """Faces found by both, by onnxruntime alone and by OpenCV alone."""
    both = first = second = 0
    for picture in pictures:
        a, b = (net.detect(picture, SCORE, MAX_IOU).boxes for net in (ours, opencv))
        near = np.abs(a[:, None] - b[None]).max(axis=2) < 1 if len(a) and len(b) else np.zeros((len(a), len(b)), bool)
        matched = int(near.any(axis=1).sum())
        both, first, second = both + matched, first + len(a) - matched, second + len(b) - matched
    return both, first, second


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parse(parser)
    cv2.setNumThreads(1)
    path = arguments.data / "models" / MODEL
    frames = clip_frames(arguments.data / "clips")
    ours, results, rows = YunetNetwork(path), {}, []
    sets = {f"{size[0]}x{size[1]}": [cv2.resize(frame, size) for frame in frames] for size in SIZES}
    sets["sizes in turns"] = [cv2.resize(frame, SIZES[row % len(SIZES)]) for row, frame in enumerate(frames)]
    faces = sorted((arguments.data / "faces" / "att_faces").rglob("*.pgm"))
    sets["ORL, 184x224"] = [cv2.resize(cv2.imread(str(file)), (184, 224)) for file in faces]
    for name, pictures in sets.items():
        opencv = OpencvYunet(path)
        onnxruntime_ms, opencv_ms = np.median(timed_pair(ours, opencv, pictures, arguments.rounds), axis=0)
        both, first, second = agreement(ours, opencv, pictures)
        results[name] = {"onnxruntime_ms": onnxruntime_ms, "opencv_ms": opencv_ms, "faces": [both, first, second]}
        rows.append((name, f"{onnxruntime_ms:.2f}", f"{opencv_ms:.2f}", both, first, second))
    print(
        f"{processor()}, OpenCV {cv2.__version__}, one thread, medians over {arguments.rounds} rounds of all pictures\n"
    )
    print(
        markdown_table(
            ("input", "onnxruntime ms", "OpenCV ms", "found by both", "onnxruntime only", "OpenCV only"), rows
        )
    )
    write_json(arguments.json, results)


if __name__ == "__main__":
    main()
