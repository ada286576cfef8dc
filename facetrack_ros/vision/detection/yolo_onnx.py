"""YOLO person detector as Ultralytics exports it to ONNX, on onnxruntime and without Ultralytics."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.image import as_bgr
from facetrack_ros.errors import ModelError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.detection.postprocess import person_class, select_persons
from facetrack_ros.vision.inference.letterbox import Letterbox, Placement, group_equal
from facetrack_ros.vision.inference.onnx_session import OnnxSession
from facetrack_ros.vision.interfaces import PersonDetector

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

    def letterbox(self, contract: ModelContract, shape: tuple[int, ...]) -> Letterbox:
        """The input for an image of ``shape``."""
        full = replace(Letterbox.of(contract, centred=True), size=self.size)
        return full.shrunk(shape[1], shape[0], self.stride) if self.open_size else full


class YoloPersonDetector(PersonDetector):
    """Persons by YOLO: v8, v9, v11, v12 (``(1, 4 + classes, n)``), v10 and 26 (also ``(1, 300, 6)``), and similar ones.

    Class names, input size and task come from the metadata that Ultralytics writes into the graph.

    :param path: the ``.onnx`` file.
    :param score: lowest confidence kept, 0..1; ``min_score``, which may be set.
    :param max_iou: of two boxes that overlap more the lower score is dropped; without effect on a graph that removes
        duplicates itself.
    :param threads: onnxruntime threads.
    :raises ModelError: the file is no such graph, no detector, or detects no persons.
    """

    def __init__(self, path: Path, contract: ModelContract, score: float = 0.4, max_iou: float = 0.5, threads: int = 1):
        self.model_id = contract.id
        self.min_score: float = score
        self._contract = contract
        self._session = OnnxSession(path, threads)
        self._output = next(iter(self._session.output_shapes))
        self._export = read_export(path, self._session)
        self._max_iou = 1.0 if self._export.end_to_end else max_iou
        expected = END_TO_END_ROW if self._export.end_to_end else BOX + self._export.classes
        probe = self._outputs([np.zeros((8, 8, 3), np.uint8)])[0][0]
        if probe.ndim != 2 or probe.shape[1 if self._export.end_to_end else 0] != expected:
            wanted = "(1, n, 6)" if self._export.end_to_end else f"(1, {expected}, n)"
            raise ModelError(
                f"{path} is no YOLO detector: its output has the shape {(1, *probe.shape)}, expected {wanted}"
            )

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Persons in each image, best first; those that need inputs of one size in one call, if the batch is open.

        :raises FrameError: one of them is no image.
        """
        return [self._persons(*output) for output in self._outputs([as_bgr(image) for image in images])]

    def reduction(self, width: int, height: int) -> int:
        """Factor by which an image of this size may be decoded smaller, see :meth:`.Letterbox.reduction`."""
        return self._export.letterbox(self._contract, (height, width)).reduction(width, height)

    def _outputs(self, images: list[np.ndarray]) -> list[tuple[np.ndarray, Placement, tuple[int, ...]]]:
        """Arguments of :meth:`_persons` for each image."""
        found: dict[int, tuple] = {}
        for letterbox, rows in group_equal([self._export.letterbox(self._contract, image.shape) for image in images]):
            blob, placements = letterbox.blob([images[row] for row in rows])
            outputs = self._session.run_named(blob, [self._output], self._export.batch)[0]
            for row, output, placement in zip(rows, outputs, placements):
                found[row] = (output, placement, images[row].shape)
        return [found[row] for row in range(len(images))]

    def _persons(self, output: np.ndarray, placement: Placement, shape: tuple[int, ...]) -> Detections:
        boxes, scores = (self._from_rows if self._export.end_to_end else self._from_columns)(output)
        return select_persons(placement.to_picture(boxes), scores, shape, self._max_iou, self.model_id)

    def _from_columns(self, output: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        likely = np.flatnonzero(output[BOX + self._export.person] >= self.min_score)  # drops NaN, too
        columns = output[:, likely].astype(np.float32)
        # A box counts for its best class only, as in Ultralytics.
        columns = columns[:, columns[BOX : BOX + self._export.classes].argmax(axis=0) == self._export.person]
        centre, half = columns[0:2], columns[2:4] / 2
        return np.concatenate([centre - half, centre + half]).T, columns[BOX + self._export.person]

    def _from_rows(self, output: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows = output[(output[:, 4] >= self.min_score) & (output[:, 5] == self._export.person)].astype(np.float32)
        return rows[:, :BOX], rows[:, 4]


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
    if metadata.get("task") != "detect":
        raise ModelError(
            f"{path} is no detector: its task is {metadata.get('task')!r}; export a model of the task 'detect'"
        )
    if metadata.get("head") == "RTDETRDecoder":
        raise ModelError(f"{path} is an RT-DETR, whose output is another; use it as ultralytics={path}")
    person = person_class(path, names)
    shape = session.input_shape
    if len(shape) != 4 or shape[1] != 3:
        raise ModelError(
            f"{path} does not take colour pictures: its input has the shape {shape}, expected (n, 3, height, width)"
        )
    stride = metadata.get("stride")
    arguments = metadata.get("args")
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
    return YoloExport(
        person=person,
        classes=len(names),
        size=size,
        open_size=open_size,
        stride=stride if isinstance(stride, int) and stride > 0 else 32,
        end_to_end=bool(metadata.get("end2end") or nms or rows),
        batch=batch,
    )


def _exported_side(path: Path, imgsz: Any) -> int:
    """Longer side of the size that a graph of open size was exported for: both sides may be as long.

    :raises ModelError: the metadata name no size.
    """
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
