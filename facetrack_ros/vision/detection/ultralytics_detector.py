"""Person detector by any weights that Ultralytics loads."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.core.detections import Detections
from facetrack_ros.core.image import as_bgr
from facetrack_ros.errors import ModelError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.vision.detection.postprocess import person_class, select_persons
from facetrack_ros.vision.detection.ultralytics_runtime import load_yolo, quick_predictor
from facetrack_ros.vision.inference.threads import limit_torch_threads
from facetrack_ros.vision.inference.torch_device import torch_device
from facetrack_ros.vision.interfaces import PersonDetector

#: Most persons of one picture.
MOST = 300


class UltralyticsPersonDetector(PersonDetector):
    """Persons by YOLO through the Ultralytics package, which runs ``.pt``, ``.onnx``, ``.engine``, ``.tflite``, …

    Ultralytics and its own weights are AGPL-3.0.

    :param path: the weights. Ultralytics would download a name it knows; here the file has to be there.
    :param score: lowest confidence kept, 0..1.
    :param max_iou: two boxes that overlap more are one person.
    :param device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``, for the formats that torch runs.
    :param threads: of torch on the processor, for the whole process.
    :raises ModelError: no such file or device, Ultralytics is not installed, it cannot load the file, or the file is no
        detector or knows no persons.
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
        self._path, self._device = path, torch_device(device)
        yolo = load_yolo()
        opencv_threads = cv2.getNumThreads()
        blank = [np.zeros((64, 64, 3), np.uint8)]
        options = {"conf": score, "iou": max_iou, "device": self._device, "max_det": MOST, "verbose": False}
        try:
            net = yolo(str(path), task="detect")
            if net.task != "detect":
                raise ModelError(f"{path} is no detector: its task is {net.task!r}")
            predictor = quick_predictor(net.task_map["detect"]["predictor"])
            net.predict(blank, predictor=predictor, **options)
            task = getattr(net.predictor.model, "task", None) or "detect"
            if task != "detect":
                raise ModelError(f"{path} is no detector: its task is {task!r}")
            net.predict(blank, predictor=predictor, classes=[person_class(path, net.names)], **options)
        except ModelError:
            raise
        except Exception as error:  # whatever the format's own runtime raises
            raise ModelError(f"Ultralytics cannot run {path}: {_first_line(error)}") from error
        finally:
            cv2.setNumThreads(opencv_threads)  # it sets its own for the process
        if self._device == "cpu":
            limit_torch_threads(threads)
        self._predictor = net.predictor
        #: Several pictures at once gain on a graphics card; a processor takes as long for each.
        self.batches = self._device != "cpu"
        self._batches = path.suffix.lower() == ".pt" or bool(getattr(net.predictor.model, "dynamic", False))

    @property
    def min_score(self) -> float:
        """Lowest confidence kept, 0..1; it may be changed."""
        return self._predictor.args.conf

    @min_score.setter
    def min_score(self, score: float) -> None:
        self._predictor.args.conf = score

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Persons in each picture, best first; pictures of one shape in one call, where the format leaves its batch open.

        :raises FrameError: one of them is no picture.
        :raises ModelError: the model fails.
        """
        images = [np.ascontiguousarray(as_bgr(image)) for image in images]
        answers: list[Detections | None] = [None] * len(images)
        for rows in self._groups(images):
            try:
                found = self._predict([images[row] for row in rows])
            except Exception as error:  # whatever the format's own runtime raises
                raise ModelError(
                    f"{self._path} failed on a picture of shape {images[rows[0]].shape}: {_first_line(error)}"
                ) from error
            for row, boxes in zip(rows, found):
                # Duplicates are gone; what is left is to hold the boxes to what is promised of them.
                answers[row] = select_persons(
                    boxes.xyxy.cpu().numpy().astype(np.float32).reshape(-1, 4),
                    boxes.conf.cpu().numpy().astype(np.float32),
                    images[row].shape,
                    1.0,
                    self.model_id,
                )
        return answers

    def _groups(self, images: list[np.ndarray]) -> list[list[int]]:
        """Which pictures go in together.

        Ultralytics chooses the input's size by all pictures of a call: those of one shape only, so that no camera
        changes what another sees.
        """
        if not self._batches:
            return [[row] for row in range(len(images))]
        shapes = dict.fromkeys(image.shape for image in images)
        return [[row for row, image in enumerate(images) if image.shape == shape] for shape in shapes]

    def _predict(self, images: list[np.ndarray]) -> list:
        return [result.boxes for result in self._predictor(images)]


def _first_line(error: Exception) -> str:
    """What it says, without the pages of advice that Ultralytics adds."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
