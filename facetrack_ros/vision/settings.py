"""Settings that choose and tune models, read from the configuration."""

from dataclasses import dataclass, replace

from facetrack_ros.config import Config
from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.contract import ModelContract, require_identity_model
from facetrack_ros.models.resolver import resolve
from facetrack_ros.vision.embedding.reduced_face import reduced_contract

AUTO = "auto"
#: As a person model: take persons from their faces.
FROM_FACES = "faces"

#: Options that choose an embedder and define its embeddings.
EMBEDDER_OPTIONS = ("embedder.", "face_tracking.embedding_dim")
#: Options that choose models for faces, without persons.
FACE_OPTIONS = (
    "faces.model",
    "faces.min_width_px",
    "faces.min_close_score",
    *EMBEDDER_OPTIONS,
    "face_tracking.device",
    "models.",
)
#: Options that choose all models.
VISION_OPTIONS = ("detector.", "faces.whole_frame", *FACE_OPTIONS)


@dataclass(frozen=True)
class VisionSettings:
    """Models and thresholds of a pipeline.

    A model is ``auto``, a catalog id, a path, or ``ID=PATH`` for an unknown file.

    :param person_model: also ``faces``: persons are taken from their faces.
    :param min_face_px: narrowest face that is embedded, pixels; an embedder may need more.
    :param min_close_score: lowest score of a YuNet face's second search, 0..1; CenterFace has its own. 0: no limit.
    :param threads: threads inside one model call. OpenCV's and torch's counts are set for the whole process.
    :param person_score: lowest confidence of a person, 0..1.
    :param faint_score: boxes at the edges with a confidence from here up to ``person_score`` are reported apart,
        for the ends of tracks; none where it is not below ``person_score``.
    :param person_iou: two person boxes that overlap more are one.
    :param face_score: lowest confidence of a YuNet face, 0..1.
    :param whole_frame: search the whole frame for faces; those that belong to no person become persons.
    :param embedding_dim: dimension of an embedding; 0: the embedder's own. Only appearance embedders can be reduced.
    :param appearance_as_identity: whether an appearance embedder may identify persons.
    :param device: where torch models run: ``auto`` (CUDA where there is one), ``cpu``, ``cuda`` or ``cuda:N``.
    """

    person_model: str = AUTO
    face_model: str = AUTO
    embedder: str = AUTO
    min_face_px: float = 24.0
    min_close_score: float = 0.85
    threads: int = 1
    person_score: float = 0.4
    faint_score: float = 1.0
    person_iou: float = 0.5
    face_score: float = 0.65
    whole_frame: bool = False
    embedding_dim: int = 0
    appearance_as_identity: bool = False
    device: str = AUTO


def vision_settings(config: Config) -> VisionSettings:
    """The models and thresholds that the configuration names."""
    return VisionSettings(
        person_model=config.detector.model,
        person_score=config.detector.min_score,
        faint_score=config.detector.faint_score,
        face_model=config.faces.model,
        min_face_px=config.faces.min_width_px,
        min_close_score=config.faces.min_close_score,
        whole_frame=config.faces.whole_frame,
        embedder=config.embedder.model,
        threads=config.models.threads,
        embedding_dim=config.face_tracking.embedding_dim,
        appearance_as_identity=config.embedder.appearance_as_identity,
        device=config.face_tracking.device,
    )


def face_settings(config: Config) -> VisionSettings:
    """Like :func:`vision_settings`, for faces alone: no person model is loaded."""
    return replace(vision_settings(config), person_model=FROM_FACES, whole_frame=False)


def contract_of(model_id: str, config: Config) -> ModelContract:
    """The contract of an embedder that runs elsewhere: from the catalog, or of the file that the configuration names.

    :raises ModelError: it is in neither, or it is no identity model.
    """
    contract, name = catalog.known(model_id), config.embedder.model
    if contract is None and name != AUTO:
        contract = reduced_contract(catalog.known(name) or resolve(name).contract, config.face_tracking.embedding_dim)
    if contract is None or contract.id != model_id:
        raise ModelError(f"embeddings of {model_id} are unknown here: set embedder.model as where they are made")
    require_identity_model(contract, config.embedder.appearance_as_identity)
    return contract
