"""Builds vision pipelines and opens single models, as the settings name them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from facetrack_ros.config import Config
from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.contract import ModelContract, require_identity_model
from facetrack_ros.models.resolver import ModelFile, resolve
from facetrack_ros.vision.detection.edge_boxes import LowScoreEdgeDetector
from facetrack_ros.vision.detection.face_augmented import FaceAugmentedDetector
from facetrack_ros.vision.detection.from_faces import FacePersonDetector
from facetrack_ros.vision.detection.nanodet import NanodetPersonDetector
from facetrack_ros.vision.detection.ultralytics_detector import UltralyticsPersonDetector
from facetrack_ros.vision.detection.yolo_onnx import YoloPersonDetector
from facetrack_ros.vision.detection.yolox import YoloxPersonDetector
from facetrack_ros.vision.embedding.dlib_face import DlibFaceEmbedder
from facetrack_ros.vision.embedding.histogram_body import HistogramBodyEmbedder
from facetrack_ros.vision.embedding.onnx_body import OnnxBodyEmbedder
from facetrack_ros.vision.embedding.onnx_face import OnnxFaceEmbedder
from facetrack_ros.vision.embedding.reduced_face import ReducedFaceEmbedder, reduced_contract, unreduced
from facetrack_ros.vision.embedding.resnet50_face import Resnet50FaceEmbedder
from facetrack_ros.vision.faces.centerface import CLOSE_LIMITS, CenterFaceDetector
from facetrack_ros.vision.faces.dlib_detector import DlibFaceDetector
from facetrack_ros.vision.faces.quality import QualityGate
from facetrack_ros.vision.faces.yunet import YunetFaceDetector
from facetrack_ros.vision.inference.malloc import tune_malloc
from facetrack_ros.vision.inference.threads import limit_threads
from facetrack_ros.vision.interfaces import BodyEmbedder, FaceEmbedder, PersonDetector
from facetrack_ros.vision.pipeline import VisionPipeline
from facetrack_ros.vision.settings import AUTO, FROM_FACES, VisionSettings, vision_settings

#: What ``auto`` tries, in this order.
PREFERRED = {
    "person": (catalog.YOLOX_NANO.id, catalog.YOLOX_NANO_RELEASE.id, catalog.NANODET.id),
    "face": (catalog.YUNET_N.id, catalog.YUNET_2023MAR.id, catalog.CENTERFACE.id, catalog.DLIB_HOG.id),
    "embedding": (catalog.MOBILEFACENET.id, catalog.DLIB_RESNET.id),
    "body": (catalog.OSNET.id, catalog.HISTOGRAM.id),
}


def build_pipeline(settings: VisionSettings = VisionSettings()) -> VisionPipeline:  # noqa: B008 - frozen
    """Find, check and open the models. This may download; see :mod:`facetrack_ros.models.resolver`.

    :raises ModelError: one is missing, damaged, rejected, for another task or no identity model; with what to do.
    """
    tune_malloc()
    pipeline = _build(settings, open_persons=True)
    require_identity_model(pipeline.contract, settings.appearance_as_identity)
    return pipeline


def build_for_measuring(settings: VisionSettings = VisionSettings()) -> VisionPipeline:  # noqa: B008 - frozen
    """A pipeline to measure an embedder with, also one that is no identity model; persons are taken from faces.

    :param settings: its person model is ignored.
    :raises ModelError: as :func:`build_pipeline`.
    """
    return _build(settings, open_persons=False)


def _build(settings: VisionSettings, open_persons: bool) -> VisionPipeline:
    limit_threads(settings.threads)
    face_model, faces = open_model(settings.face_model, "face", settings)
    embedder_model, embedder = open_embedder(settings)
    min_face_px = max(settings.min_face_px, embedder.min_face_px)
    person_model = face_model
    persons: PersonDetector = FacePersonDetector(faces, min_face_px)
    if open_persons and settings.person_model != FROM_FACES:
        try:
            person_model, persons = _open_person_detector(settings)
        except ModelError as error:
            if settings.person_model != AUTO:
                raise
            person_model = replace(face_model, rejected=(str(error),))
        else:
            if settings.whole_frame:
                persons = FaceAugmentedDetector(persons, faces, min_face_px)
    models = {"person": person_model, "face": face_model, "embedder": embedder_model}
    return VisionPipeline(persons, faces, embedder, quality_gate(settings, face_model.contract), models)


def quality_gate(settings: VisionSettings, face_contract: ModelContract) -> QualityGate:
    """The limits for the faces of a detector; those of a second search fit one network's scores each."""
    gate = QualityGate(min_face_px=settings.min_face_px, min_close_score=settings.min_close_score)
    limits = CLOSE_LIMITS if face_contract.architecture == "centerface" and settings.min_close_score else {}
    return replace(gate, **limits)


def _open_person_detector(settings: VisionSettings) -> tuple[ModelFile, PersonDetector]:
    lowest = min(settings.person_score, settings.faint_score)
    model, persons = open_model(settings.person_model, "person", replace(settings, person_score=lowest))
    return model, persons if lowest == settings.person_score else LowScoreEdgeDetector(persons, settings.person_score)


def open_embedder(settings: VisionSettings) -> tuple[ModelFile, FaceEmbedder]:
    """The face embedder that the settings name, reduced to the dimension that they name.

    :raises ModelError: it is missing, damaged, rejected or for another task, or cannot be reduced to this dimension.
    """
    name, dimension = settings.embedder, settings.embedding_dim
    record = catalog.known(name)
    if record is not None and (base := unreduced(record)) is not None:
        if dimension not in (0, record.dimension):
            raise ModelError(
                f"{name} has {record.dimension} numbers, face_tracking.embedding_dim says {dimension}; "
                f"leave that at 0, or name {base.id} as embedder"
            )
        name, dimension = base.id, record.dimension
    model, embedder = open_model(name, "embedding", settings)
    contract = reduced_contract(embedder.contract, dimension)
    if contract is embedder.contract:
        return model, embedder
    return replace(model, contract=contract), ReducedFaceEmbedder(embedder, contract)


def open_body_embedder(config: Config) -> BodyEmbedder | None:
    """The body embedder of ``tracking.appearance``; None where that is off.

    :raises ModelError: it is missing, damaged, rejected or for another task.
    """
    if config.tracking.appearance == "off":
        return None
    return open_model(config.tracking.appearance, "body", vision_settings(config))[1]


def open_model(name: str, task: str, settings: VisionSettings) -> tuple[ModelFile, Any]:
    """A model, opened; for ``auto`` the first of the preferred ones that is found and can be opened.

    :param task: the task it must be for, see :data:`facetrack_ros.models.contract.TASKS`.
    :return: where the model came from, and its detector or embedder.
    :raises ModelError: it is missing, damaged, rejected or for another task; with what to do.
    """
    if name != AUTO:
        return _open(name, task, settings)
    rejected: list[str] = []
    for preferred in PREFERRED[task]:
        try:
            model, opened = _open(preferred, task, settings)
        except ModelError as error:
            rejected.append(str(error))
        else:
            return replace(model, rejected=(*rejected, *model.rejected)), opened
    raise ModelError("; ".join([f"no model for the task {task!r} is here", *rejected]))


def _open(name: str, task: str, settings: VisionSettings) -> tuple[ModelFile, Any]:
    model = resolve(name)
    contract = model.contract
    if contract.task != task:
        ids = (record.id for record in catalog.records()[0] if record.task == task)
        raise ModelError(f"{name} is a model for the task {contract.task!r}, not {task!r}; known are {', '.join(ids)}")
    loader = LOADERS.get((task, contract.architecture))
    if loader is None:
        known = (architecture for for_task, architecture in LOADERS if for_task == task)
        raise ModelError(
            f"the record of {name} names the architecture {contract.architecture!r}; for the "
            f"task {task!r} there are {', '.join(known)}"
        )
    return model, loader(model, settings)


Loader = Callable[[ModelFile, VisionSettings], Any]


def _person_loader(detector: Callable[..., PersonDetector]) -> Loader:
    return lambda model, s: detector(model.file, model.contract, s.person_score, s.person_iou, threads=s.threads)


def _dlib_landmarks() -> Path:
    return resolve(catalog.DLIB_LANDMARKS.id).file


#: Opens a model, by task and architecture of its contract.
LOADERS: dict[tuple[str, str], Loader] = {
    ("person", "yolox"): _person_loader(YoloxPersonDetector),
    ("person", "nanodet"): _person_loader(NanodetPersonDetector),
    ("person", "yolo"): _person_loader(YoloPersonDetector),
    ("person", "ultralytics"): lambda model, s: UltralyticsPersonDetector(
        model.file, model.contract, s.person_score, s.person_iou, s.device, s.threads
    ),
    ("face", "yunet"): lambda model, s: YunetFaceDetector(model.file, model.contract, s.face_score, threads=s.threads),
    ("face", "centerface"): lambda model, s: CenterFaceDetector(model.file, model.contract, s.threads),
    ("face", "dlib"): lambda model, _: DlibFaceDetector(_dlib_landmarks(), model.contract),
    ("embedding", "onnx"): lambda model, s: OnnxFaceEmbedder(model.file, model.contract, s.threads),
    ("embedding", "dlib"): lambda model, s: DlibFaceEmbedder(model.file, model.contract, s.threads),
    ("embedding", "resnet50"): lambda model, s: Resnet50FaceEmbedder(model.file, model.contract, s.threads, s.device),
    ("body", "onnx"): lambda model, s: OnnxBodyEmbedder(model.file, model.contract, s.threads),
    ("body", "histogram"): lambda model, _: HistogramBodyEmbedder(model.contract),
}
