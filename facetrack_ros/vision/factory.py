"""The vision pipeline a configuration asks for, from the models that are here."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.judge import require_identity_model
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
from facetrack_ros.vision.faces.dlib_detector import DlibFaceDetector
from facetrack_ros.vision.faces.quality import QualityGate
from facetrack_ros.vision.faces.yunet import YunetFaceDetector
from facetrack_ros.vision.inference.malloc import tune_malloc
from facetrack_ros.vision.inference.threads import limit_threads
from facetrack_ros.vision.interfaces import FaceEmbedder
from facetrack_ros.vision.pipeline import VisionPipeline

AUTO = "auto"
#: As a person model: take persons from their faces.
FROM_FACES = "faces"

#: What ``auto`` tries, in this order.
PREFERRED = {
    "person": (catalog.YOLOX_NANO.id, catalog.YOLOX_NANO_RELEASE.id, catalog.NANODET.id),
    "face": (catalog.YUNET_N.id, catalog.YUNET_2023MAR.id, catalog.DLIB_HOG.id),
    "embedding": (catalog.MOBILEFACENET.id, catalog.DLIB_RESNET.id),
    "body": (catalog.OSNET.id, catalog.HISTOGRAM.id),
}


@dataclass(frozen=True)
class VisionSettings:
    """What to see with. A model is ``auto``, a catalog id, a path, or ``ID=PATH`` for an unknown file.

    :param person_model: also ``faces``: persons are taken from their faces.
    :param min_face_px: narrowest face that is embedded, pixels; an embedder may need more.
    :param threads: threads inside one model call. OpenCV's and torch's counts are set for the whole process.
    :param person_score: lowest confidence of a person, 0..1.
    :param faint_score: boxes at the side edges of a lower confidence down to this are handed on apart, for the ends of
        tracks; none where it is not below ``person_score``.
    :param person_iou: two person boxes that overlap more are one.
    :param face_score: lowest confidence of a YuNet face, 0..1.
    :param whole_frame: look for faces beside the persons found, too, and take those for persons.
    :param embedding_dim: numbers of an embedding; 0: the embedder's own. Fewer only of an embedder of appearance.
    :param appearance_as_identity: whether an embedder of appearance may say who somebody is.
    :param device: where torch models run: ``auto`` (CUDA where there is one), ``cpu``, ``cuda`` or ``cuda:N``.
    """

    person_model: str = AUTO
    face_model: str = AUTO
    embedder: str = AUTO
    min_face_px: float = 24.0
    threads: int = 1
    person_score: float = 0.4
    faint_score: float = 1.0
    person_iou: float = 0.5
    face_score: float = 0.65
    whole_frame: bool = False
    embedding_dim: int = 0
    appearance_as_identity: bool = False
    device: str = AUTO


def build_pipeline(settings: VisionSettings = VisionSettings()) -> VisionPipeline:
    """Find, check and open the models. This may download; see :mod:`facetrack_ros.models.resolver`.

    :raises ModelError: one is missing, damaged, refused, of the wrong kind or not fit to say who somebody is; with what to do.
    """
    limit_threads(settings.threads)
    tune_malloc()
    face_model, faces = open_model(settings.face_model, "face", settings)
    embedder_model, embedder = open_embedder(settings)
    require_identity_model(embedder.contract, settings.appearance_as_identity)
    from_faces = FacePersonDetector(faces, max(settings.min_face_px, embedder.min_face_px))
    if settings.person_model == FROM_FACES:
        person_model, persons = face_model, from_faces
    else:
        try:
            person_model, persons = open_model(
                settings.person_model,
                "person",
                replace(settings, person_score=min(settings.person_score, settings.faint_score)),
            )
            if settings.faint_score < settings.person_score:
                persons = LowScoreEdgeDetector(persons, settings.person_score)
        except ModelError as error:
            if settings.person_model != AUTO:
                raise
            person_model, persons = replace(face_model, passed_over=(str(error),)), from_faces
    if settings.whole_frame and persons is not from_faces:
        persons = FaceAugmentedDetector(persons, faces, max(settings.min_face_px, embedder.min_face_px))
    models = {"person": person_model, "face": face_model, "embedder": embedder_model}
    return VisionPipeline(persons, faces, embedder, QualityGate(min_face_px=settings.min_face_px), models)


def open_embedder(settings: VisionSettings) -> tuple[ModelFile, FaceEmbedder]:
    """The face embedder the settings ask for, with as many numbers as they ask for.

    :raises ModelError: it is missing, damaged, refused or for another task, or cannot have so many numbers.
    """
    wanted = settings.embedder
    record = catalog.known(wanted)
    base = unreduced(record) if record is not None else None
    model, embedder = open_model(wanted if base is None else base.id, "embedding", settings)
    dimension = settings.embedding_dim
    if base is not None:
        if dimension not in (0, record.dimension):
            raise ModelError(
                f"{wanted} has {record.dimension} numbers, face_tracking.embedding_dim says {dimension}; "
                f"leave that at 0, or name {base.id} as embedder"
            )
        dimension = record.dimension
    contract = reduced_contract(embedder.contract, dimension)
    if contract is embedder.contract:
        return model, embedder
    return replace(model, contract=contract), ReducedFaceEmbedder(embedder, contract)


def build_for_measuring(settings: VisionSettings = VisionSettings()) -> VisionPipeline:
    """Face detector and embedder alone, persons taken from faces: to measure what an embedder is worth.

    To be measured an embedder need not be fit to judge who someone is: one for appearance is opened too.

    :param settings: its person model is not looked at.
    :raises ModelError: as :func:`build_pipeline`.
    """
    limit_threads(settings.threads)
    face_model, faces = open_model(settings.face_model, "face", settings)
    embedder_model, embedder = open_embedder(settings)
    persons = FacePersonDetector(faces, max(settings.min_face_px, embedder.min_face_px))
    models = {"person": face_model, "face": face_model, "embedder": embedder_model}
    return VisionPipeline(persons, faces, embedder, QualityGate(min_face_px=settings.min_face_px), models)


def open_model(wanted: str, task: str, settings: VisionSettings) -> tuple[ModelFile, object]:
    """The wanted model, opened; for ``auto`` the first of the preferred ones that is here and opens.

    :param task: what it has to be for, see :data:`facetrack_ros.models.contract.TASKS`.
    :raises ModelError: it is missing, damaged, refused or for another task; with what to do.
    """
    passed_over: list[str] = []
    for name in PREFERRED[task] if wanted == AUTO else (wanted,):
        try:
            model = resolve(name)
            if model.contract.task != task:
                ids = (record.id for record in catalog.records()[0] if record.task == task)
                raise ModelError(
                    f"{name} is a model for the task {model.contract.task!r}, not {task!r}; "
                    f"known for it are {', '.join(ids)}"
                )
            reader = LOADERS.get((task, model.contract.architecture))
            if reader is None:
                known = (architecture for for_task, architecture in LOADERS if for_task == task)
                raise ModelError(
                    f"the record of {name} names the architecture {model.contract.architecture!r}; for the "
                    f"task {task!r} there are {', '.join(known)}"
                )
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
    return NanodetPersonDetector(
        model.path, model.contract, settings.person_score, settings.person_iou, settings.threads
    )


def _yolo(model: ModelFile, settings: VisionSettings) -> YoloPersonDetector:
    return YoloPersonDetector(model.path, model.contract, settings.person_score, settings.person_iou, settings.threads)


def _ultralytics(model: ModelFile, settings: VisionSettings) -> UltralyticsPersonDetector:
    return UltralyticsPersonDetector(
        model.path, model.contract, settings.person_score, settings.person_iou, settings.device, settings.threads
    )


def _yunet(model: ModelFile, settings: VisionSettings) -> YunetFaceDetector:
    return YunetFaceDetector(model.path, model.contract, settings.face_score, threads=settings.threads)


def _dlib_faces(model: ModelFile, _settings: VisionSettings) -> DlibFaceDetector:
    return DlibFaceDetector(resolve(catalog.DLIB_LANDMARKS.id).path, model.contract)


def _onnx_embedder(model: ModelFile, settings: VisionSettings) -> OnnxFaceEmbedder:
    return OnnxFaceEmbedder(model.path, model.contract, settings.threads)


def _resnet50_embedder(model: ModelFile, settings: VisionSettings) -> Resnet50FaceEmbedder:
    return Resnet50FaceEmbedder(model.path, model.contract, settings.threads, settings.device)


def _onnx_body(model: ModelFile, settings: VisionSettings) -> OnnxBodyEmbedder:
    return OnnxBodyEmbedder(model.path, model.contract, settings.threads)


def _histogram_body(model: ModelFile, _settings: VisionSettings) -> HistogramBodyEmbedder:
    return HistogramBodyEmbedder(model.contract)


def _dlib_embedder(model: ModelFile, _settings: VisionSettings) -> DlibFaceEmbedder:
    return DlibFaceEmbedder(model.path, resolve(catalog.DLIB_LANDMARKS.id).path, model.contract)


#: Who opens a model, by task and architecture of its contract.
LOADERS: dict[tuple[str, str], Callable[[ModelFile, VisionSettings], object]] = {
    ("person", "yolox"): _yolox,
    ("person", "nanodet"): _nanodet,
    ("person", "yolo"): _yolo,
    ("person", "ultralytics"): _ultralytics,
    ("face", "yunet"): _yunet,
    ("face", "dlib"): _dlib_faces,
    ("embedding", "onnx"): _onnx_embedder,
    ("embedding", "dlib"): _dlib_embedder,
    ("embedding", "resnet50"): _resnet50_embedder,
    ("body", "onnx"): _onnx_body,
    ("body", "histogram"): _histogram_body,
}
