"""The vision pipeline a configuration asks for, from the models that are here."""

from dataclasses import dataclass, replace
from typing import Callable

import cv2

from facetrack_ros.errors import ModelError
from facetrack_ros.vision import catalog
from facetrack_ros.vision.dlib_embedder import DlibFaceEmbedder
from facetrack_ros.vision.dlib_faces import DlibFaceDetector
from facetrack_ros.vision.nanodet import NanodetPersonDetector
from facetrack_ros.vision.onnx_embedder import OnnxFaceEmbedder
from facetrack_ros.vision.persons_from_faces import FacePersonDetector
from facetrack_ros.vision.pipeline import VisionPipeline
from facetrack_ros.vision.quality import Gate
from facetrack_ros.vision.resolve import ModelFile, resolve
from facetrack_ros.vision.ultralytics_detector import UltralyticsPersonDetector
from facetrack_ros.vision.yolo import YoloPersonDetector
from facetrack_ros.vision.yolox import YoloxPersonDetector
from facetrack_ros.vision.yunet import YunetFaceDetector

AUTO = "auto"
#: As a person model: take persons from their faces.
FROM_FACES = "faces"

#: What ``auto`` tries, in this order.
PREFERRED = {
    "person": (catalog.YOLOX_NANO.id, catalog.YOLOX_NANO_RELEASE.id, catalog.NANODET.id),
    "face": (catalog.YUNET_N.id, catalog.YUNET_2023MAR.id, catalog.DLIB_HOG.id),
    "embedding": (catalog.MOBILEFACENET.id, catalog.DLIB_RESNET.id),
}


@dataclass(frozen=True)
class VisionSettings:
    """What to see with. A model is ``auto``, a catalog id, a path, or ``ID=PATH`` for an unknown file.

    :param person_model: also ``faces``: persons are taken from their faces.
    :param min_face_px: narrowest face that is embedded, pixels; an embedder may need more.
    :param threads: threads inside one model call. OpenCV's and torch's counts are set for the whole process.
    :param person_score: lowest confidence of a person, 0..1.
    :param person_iou: two person boxes that overlap more are one.
    :param face_score: lowest confidence of a YuNet face, 0..1.
    :param device: where torch models run: auto, cpu, cuda or cuda:N.
    """

    person_model: str = AUTO
    face_model: str = AUTO
    embedder: str = AUTO
    min_face_px: float = 24.0
    threads: int = 1
    person_score: float = 0.4
    person_iou: float = 0.5
    face_score: float = 0.65
    device: str = "auto"


def build_pipeline(settings: VisionSettings = VisionSettings()) -> VisionPipeline:
    """Find, check and open the models. This may download; see :mod:`facetrack_ros.vision.resolve`.

    :raises ModelError: one is missing, damaged, refused or of the wrong kind; with what to do.
    """
    cv2.setNumThreads(settings.threads)
    face_model, faces = open_model(settings.face_model, "face", settings)
    embedder_model, embedder = open_model(settings.embedder, "embedding", settings)
    from_faces = FacePersonDetector(faces, max(settings.min_face_px, embedder.min_face_px))
    if settings.person_model == FROM_FACES:
        person_model, persons = face_model, from_faces
    else:
        try:
            person_model, persons = open_model(settings.person_model, "person", settings)
        except ModelError as error:
            if settings.person_model != AUTO:
                raise
            person_model, persons = replace(face_model, passed_over=(str(error),)), from_faces
    models = {"person": person_model, "face": face_model, "embedder": embedder_model}
    return VisionPipeline(persons, faces, embedder, Gate(min_face_px=settings.min_face_px), models)


def open_model(wanted: str, task: str, settings: VisionSettings) -> "tuple[ModelFile, object]":
    """The wanted model, opened; for ``auto`` the first of the preferred ones that is here and opens.

    :param task: what it has to be for, see :data:`facetrack_ros.vision.contract.TASKS`.
    :raises ModelError: it is missing, damaged, refused or for another task; with what to do.
    """
    passed_over: "list[str]" = []
    for name in PREFERRED[task] if wanted == AUTO else (wanted,):
        try:
            model = resolve(name)
            if model.contract.task != task:
                ids = (record.id for record in catalog.records()[0] if record.task == task)
                raise ModelError(f"{name} is a model for the task {model.contract.task!r}, not {task!r}; "
                                 f"known for it are {', '.join(ids)}")
            reader = READERS.get((task, model.contract.architecture))
            if reader is None:
                known = (architecture for for_task, architecture in READERS if for_task == task)
                raise ModelError(f"the record of {name} names the architecture {model.contract.architecture!r}; for the "
                                 f"task {task!r} there are {', '.join(known)}")
            opened = reader(model, settings)
        except ModelError as error:
            if wanted != AUTO:
                raise
            passed_over.append(str(error))
            continue
        return replace(model, passed_over=(*passed_over, *model.passed_over)), opened
    raise ModelError("; ".join([f"no model for the task {task!r} is here", *passed_over]))


def _yolox(model: ModelFile, settings: VisionSettings) -> YoloxPersonDetector:
    return YoloxPersonDetector(model.path, model.contract, settings.person_score, settings.person_iou, settings.threads)


def _nanodet(model: ModelFile, settings: VisionSettings) -> NanodetPersonDetector:
    return NanodetPersonDetector(model.path, model.contract, settings.person_score, settings.person_iou, settings.threads)


def _yolo(model: ModelFile, settings: VisionSettings) -> YoloPersonDetector:
    return YoloPersonDetector(model.path, model.contract, settings.person_score, settings.person_iou, settings.threads)


def _ultralytics(model: ModelFile, settings: VisionSettings) -> UltralyticsPersonDetector:
    return UltralyticsPersonDetector(model.path, model.contract, settings.person_score, settings.person_iou,
                                     settings.device, settings.threads)


def _yunet(model: ModelFile, settings: VisionSettings) -> YunetFaceDetector:
    return YunetFaceDetector(model.path, model.contract, settings.face_score)


def _dlib_faces(model: ModelFile, _settings: VisionSettings) -> DlibFaceDetector:
    return DlibFaceDetector(resolve(catalog.DLIB_LANDMARKS.id).path, model.contract)


def _onnx_embedder(model: ModelFile, settings: VisionSettings) -> OnnxFaceEmbedder:
    return OnnxFaceEmbedder(model.path, model.contract, settings.threads)


def _dlib_embedder(model: ModelFile, _settings: VisionSettings) -> DlibFaceEmbedder:
    return DlibFaceEmbedder(model.path, resolve(catalog.DLIB_LANDMARKS.id).path, model.contract)


#: Who opens a model, by task and architecture of its contract.
READERS: "dict[tuple[str, str], Callable[[ModelFile, VisionSettings], object]]" = {
    ("person", "yolox"): _yolox,
    ("person", "nanodet"): _nanodet,
    ("person", "yolo"): _yolo,
    ("person", "ultralytics"): _ultralytics,
    ("face", "yunet"): _yunet,
    ("face", "dlib"): _dlib_faces,
    ("embedding", "onnx"): _onnx_embedder,
    ("embedding", "dlib"): _dlib_embedder,
}
