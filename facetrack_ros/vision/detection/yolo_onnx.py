"""YOLO person detector as Ultralytics exports it to ONNX, on onnxruntime and without Ultralytics."""

import ast
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from facetrack_ros.errors import ModelError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.detection.onnx_detector import OnnxPersonDetector
from facetrack_ros.vision.detection.postprocess import person_class
from facetrack_ros.vision.inference.letterbox import Letterbox
from facetrack_ros.vision.inference.onnx_session import OnnxSession

BOX = 4
#: Numbers in a row of a graph that has removed duplicates itself: box, score, class.
END_TO_END_ROW = 6


@dataclass(frozen=True)
class YoloExport:
    """Properties of an exported graph.

    :param person: number of the class of persons.
    :param classes: number of classes.
    :param size: ``(width, height)`` of the input, pixels; the largest, where the graph leaves it open.
    :param open_size: whether a smaller input is possible.
    :param stride: an open size is a multiple of it.
    :param end_to_end: the graph has removed duplicates, rows are box, score, class.
    :param batch: images per call; None: as the graph declares.
    """

    person: int
    classes: int
    size: tuple[int, int]
    open_size: bool
    stride: int
    end_to_end: bool
    batch: int | None = None


class YoloPersonDetector(OnnxPersonDetector):
    """Persons by YOLO: v8, v9, v11, v12 (``(1, 4 + classes, n)``), v10 and 26 (also ``(1, 300, 6)``), and similar ones.

    Class names, input size and task come from the metadata that Ultralytics writes into the graph.

    :param max_iou: without effect on a graph that removes duplicates itself.
    :raises ModelError: the file is no such graph, no detector, or detects no persons.
    """

    def __init__(self, path: Path, contract: ModelContract, score: float = 0.4, max_iou: float = 0.5, threads: int = 1):
        self._session = OnnxSession(path, threads)
        self._output = next(iter(self._session.output_shapes))
        self._export = read_export(path, self._session)
        end_to_end = self._export.end_to_end
        super().__init__(contract, score, 1.0 if end_to_end else max_iou)
        self._letterbox = replace(Letterbox.of(contract, centred=True), size=self._export.size)
        blank = np.zeros((8, 8, 3), np.uint8)
        probe = self._run(self._letterbox_for(blank.shape).blob([blank])[0])[0][0]
        expected = END_TO_END_ROW if end_to_end else BOX + self._export.classes
        if probe.ndim != 2 or probe.shape[1 if end_to_end else 0] != expected:
            wanted = "(1, n, 6)" if end_to_end else f"(1, {expected}, n)"
            raise ModelError(f"{path} is no YOLO detector: its output has shape {(1, *probe.shape)}, expected {wanted}")

    def _letterbox_for(self, shape: tuple[int, ...]) -> Letterbox:
        if not self._export.open_size:
            return self._letterbox
        return self._letterbox.shrunk(shape[1], shape[0], self._export.stride)

    def _run(self, blob: np.ndarray) -> list[np.ndarray]:
        return self._session.run_named(blob, [self._output], self._export.batch)

    def _decode(self, outputs: list[np.ndarray], size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        output, person = outputs[0], self._export.person
        if self._export.end_to_end:
            rows = output[(output[:, 4] >= self.min_score) & (output[:, 5] == person)].astype(np.float32)
            return rows[:, :BOX], rows[:, 4]
        likely = np.flatnonzero(output[BOX + person] >= self.min_score)  # drops NaN, too
        columns = output[:, likely].astype(np.float32)
        # A box counts for its best class only, as in Ultralytics.
        columns = columns[:, columns[BOX : BOX + self._export.classes].argmax(axis=0) == person]
        centre, half = columns[0:2], columns[2:4] / 2
        return np.concatenate([centre - half, centre + half]).T, columns[BOX + person]


def read_export(path: Path, session: OnnxSession) -> YoloExport:
    """Properties of a graph from its metadata, checked against its shapes.

    :raises ModelError: it is no export of an Ultralytics detector, or detects no persons.
    """
    metadata = {key: _literal(value) for key, value in session.metadata.items()}
    names = metadata.get("names")
    if isinstance(names, list | tuple):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or not names:
        raise ModelError(f"{path} names no classes: it is no graph that Ultralytics exported to ONNX")
    if (task := metadata.get("task")) != "detect":
        raise ModelError(f"{path} is no detector: its task is {task!r}; export a model of the task 'detect'")
    if metadata.get("head") == "RTDETRDecoder":
        raise ModelError(f"{path} is an RT-DETR, whose output is another; use it as ultralytics={path}")
    person = person_class(path, names)
    shape = session.input_shape
    if len(shape) != 4 or shape[1] != 3:
        raise ModelError(f"{path} takes no colour pictures: its input is {shape}, expected (n, 3, height, width)")
    stride, arguments = metadata.get("stride"), metadata.get("args")
    nms = isinstance(arguments, dict) and bool(arguments.get("nms"))
    output = next(iter(session.output_shapes.values()))
    rows = len(output) == 3 and output[2] == END_TO_END_ROW and output[1] != BOX + len(names)
    # A suppression exported with the graph is unrolled over the images of the export, whatever the graph declares.
    batch = metadata.get("batch") if nms and isinstance(metadata.get("batch"), int) else None
    height, width = shape[2:]
    if isinstance(height, int) and isinstance(width, int):
        size, open_size = (width, height), False
    else:
        size, open_size = (_exported_side(path, metadata.get("imgsz")),) * 2, True
    stride = stride if isinstance(stride, int) and stride > 0 else 32
    end_to_end = bool(metadata.get("end2end") or nms or rows)
    return YoloExport(person, len(names), size, open_size, stride, end_to_end, batch)


def _exported_side(path: Path, imgsz: Any) -> int:
    """Longer side of the size that a graph of open size was exported for: both sides may be as long."""
    sides = list(imgsz) if isinstance(imgsz, list | tuple) else [imgsz] * 2
    if len(sides) != 2 or not all(isinstance(side, int) and side > 0 for side in sides):
        raise ModelError(f"{path} leaves its input size open and names none in its metadata (imgsz); export it again")
    return max(sides)


def _literal(value: str) -> Any:
    """A metadata value: a Python literal, else plain text."""
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value
