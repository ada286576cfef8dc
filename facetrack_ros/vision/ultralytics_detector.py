"""Person detector by any weights that Ultralytics loads."""

from pathlib import Path
from typing import Sequence

import numpy as np

from facetrack_ros.errors import ModelError
from facetrack_ros.vision.boxes import clip
from facetrack_ros.vision.contract import ModelContract
from facetrack_ros.vision.detections import Detections
from facetrack_ros.vision.picture import as_bgr

PERSON = 0  # of COCO's 80 classes


class UltralyticsPersonDetector:
    """Persons by YOLO through the Ultralytics package, which runs ``.pt``, ``.onnx``, ``.engine``, ``.tflite``, …

    Ultralytics and its own weights are AGPL-3.0.

    :param path: the weights. Ultralytics would download a name it knows; here the file has to be there.
    :param score: lowest confidence kept, 0..1.
    :param max_iou: two boxes that overlap more are one person.
    :raises ModelError: no such file, Ultralytics is not installed, or it cannot load the file.
    """

    def __init__(self, path: Path, contract: ModelContract, score: float = 0.4, max_iou: float = 0.5):
        if not path.is_file():
            raise ModelError(f"{path} does not exist: name the file of the Ultralytics weights")
        try:
            from ultralytics import YOLO
        except ImportError as error:
            raise ModelError("Ultralytics weights need its package: pip install facetrack_ros[torch]") from error
        self.model_id = contract.id
        self._score, self._max_iou = score, max_iou
        try:
            self._net = YOLO(str(path), task="detect")
            self.detect([np.zeros((64, 64, 3), np.uint8)])
        except ModelError:
            raise
        except Exception as error:  # whatever the format's own runtime raises
            raise ModelError(f"Ultralytics cannot run {path}: {error}") from error

    def detect(self, images: Sequence[np.ndarray]) -> "list[Detections]":
        """Persons in each picture.

        :param images: uint8 pictures, BGR or grey, of any sizes.
        :raises FrameError: one of them is no picture.
        """
        return [self._one(as_bgr(image)) for image in images]

    def _one(self, image: np.ndarray) -> Detections:
        # One picture at a time: exported graphs have a fixed batch of one, and pictures may differ in size.
        boxes = self._net.predict(image, classes=[PERSON], conf=self._score, iou=self._max_iou, verbose=False)[0].boxes
        found = boxes.xyxy.cpu().numpy().astype(np.float32).reshape(-1, 4)
        return Detections(clip(found, image.shape[1], image.shape[0]), boxes.conf.cpu().numpy().astype(np.float32),
                          self.model_id)

