"""Person detector by any weights that Ultralytics loads."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.image import as_bgr
from facetrack_ros.errors import ModelError, first_line
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.detection.postprocess import person_class, select_persons
from facetrack_ros.vision.detection.ultralytics_runtime import fast_predictor, load_yolo
from facetrack_ros.vision.inference.letterbox import group_equal
from facetrack_ros.vision.inference.threads import limit_torch_threads
from facetrack_ros.vision.inference.torch_device import torch_device
from facetrack_ros.vision.interfaces import PersonDetector

#: Most persons of one image, as in Ultralytics.
MAX_PERSONS = 300


class UltralyticsPersonDetector(PersonDetector):
    """Persons by YOLO through the Ultralytics package, which runs ``.pt``, ``.onnx``, ``.engine``, ``.tflite``, …

    Ultralytics and its own weights are AGPL-3.0.

    :param path: the weights. The file has to exist; Ultralytics would download a name it knows.
    :param score: lowest confidence kept, 0..1.
    :param max_iou: of two boxes that overlap more the lower score is dropped.
    :param device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``, for the formats that torch runs.
    :param threads: of torch on the CPU, for the whole process.
    :raises ModelError: no such file or device, Ultralytics is not installed, it cannot load the file, or the file is no
        detector or detects no persons.
    """

    def __init__(
        self,
        path: Path,
        contract: ModelContract,
        score: float = 0.4,
        max_iou: float = 0.5,
        device: str = "auto",
        threads: int = 1,
    ):
        if not path.is_file():
            raise ModelError(f"{path} does not exist: name the file of the Ultralytics weights")
        self.model_id = contract.id
        self._path, device = path, torch_device(device)
        yolo = load_yolo()
        opencv_threads = cv2.getNumThreads()
        blank = [np.zeros((64, 64, 3), np.uint8)]
        options = {"conf": score, "iou": max_iou, "device": device, "max_det": MAX_PERSONS, "verbose": False}
        try:
            model = yolo(str(path), task="detect")
            if model.task != "detect":
                raise ModelError(f"{path} is no detector: its task is {model.task!r}")
            predictor = fast_predictor(model.task_map["detect"]["predictor"])
            model.predict(blank, predictor=predictor, **options)
            task = getattr(model.predictor.model, "task", None) or "detect"
            if task != "detect":
                raise ModelError(f"{path} is no detector: its task is {task!r}")
            model.predict(blank, predictor=predictor, classes=[person_class(path, model.names)], **options)
        except ModelError:
            raise
        except Exception as error:  # the runtime of the format raises classes of its own
            raise ModelError(f"Ultralytics cannot run {path}: {first_line(error)}") from error
        finally:
            cv2.setNumThreads(opencv_threads)  # Ultralytics sets its own for the process
        if device == "cpu":
            limit_torch_threads(threads)
        self._predictor = model.predictor
        self.batches = device != "cpu"  # the CPU takes as long for each image
        self._open_batch = path.suffix.lower() == ".pt" or bool(getattr(model.predictor.model, "dynamic", False))

    @property
    def min_score(self) -> float | None:
        """Lowest confidence kept, 0..1; may be set."""
        return self._predictor.args.conf

    @min_score.setter
    def min_score(self, score: float | None) -> None:
        self._predictor.args.conf = score

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Persons in each image, best first; images of one shape in one call, if its batch is open."""
        images = [np.ascontiguousarray(as_bgr(image)) for image in images]
        found: dict[int, Detections] = {}
        # Ultralytics chooses the input's size by all images of a call: only those of one shape are independent.
        keys: list[object] = [image.shape if self._open_batch else row for row, image in enumerate(images)]
        for _, rows in group_equal(keys):
            try:
                predictions = self._predict([images[row] for row in rows])
            except Exception as error:  # the runtime of the format raises classes of its own
                shape = images[rows[0]].shape
                raise ModelError(f"{self._path} failed on an image of shape {shape}: {first_line(error)}") from error
            for row, found_here in zip(rows, predictions):
                boxes = found_here.xyxy.cpu().numpy().astype(np.float32).reshape(-1, 4)
                scores = found_here.conf.cpu().numpy().astype(np.float32)
                # An overlap of 1: Ultralytics has removed duplicates.
                found[row] = select_persons(boxes, scores, images[row].shape, 1.0, self.model_id)
        return [found[row] for row in range(len(images))]

    def _predict(self, images: list[np.ndarray]) -> list:
        return [result.boxes for result in self._predictor(images)]
