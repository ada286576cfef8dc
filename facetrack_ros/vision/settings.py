"""The settings that choose and tune models, as the vision package takes them."""

from dataclasses import replace

import numpy as np

from facetrack_ros.config import Config
from facetrack_ros.core.detections import Detections
from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.models.judge import require_identity_model
from facetrack_ros.models.resolver import resolve
from facetrack_ros.vision.embedding.reduced_face import reduced_contract
from facetrack_ros.vision.factory import AUTO, FROM_FACES, VisionSettings, open_model
from facetrack_ros.vision.interfaces import BodyEmbedder

#: What chooses an embedder, and says what its embeddings mean.
EMBEDDER_OPTIONS = ("embedder.", "face_tracking.embedding_dim")
#: What chooses models for faces, without persons.
FACE_OPTIONS = ("faces.model", "faces.min_width_px", *EMBEDDER_OPTIONS, "face_tracking.device", "models.")
#: What chooses all models.
VISION_OPTIONS = ("detector.", "faces.whole_frame", *FACE_OPTIONS)


def vision_settings(config: Config) -> VisionSettings:
    """Models and their thresholds from the configuration."""
    return VisionSettings(
        person_model=config.detector.model,
        person_score=config.detector.min_score,
        faint_score=config.detector.faint_score,
        face_model=config.faces.model,
        min_face_px=config.faces.min_width_px,
        whole_frame=config.faces.whole_frame,
        embedder=config.embedder.model,
        threads=config.models.threads,
        embedding_dim=config.face_tracking.embedding_dim,
        appearance_as_identity=config.embedder.appearance_as_identity,
        device=config.face_tracking.device,
    )


def face_settings(config: Config) -> VisionSettings:
    """Models for faces alone, where nobody looks for persons: none is loaded for them."""
    return replace(vision_settings(config), person_model=FROM_FACES, whole_frame=False)


def body_embedder(config: Config) -> BodyEmbedder | None:
    """What looks at whole bodies, None where ``tracking.appearance`` is off.

    :raises ModelError: it is missing, damaged, refused or for another task.
    """
    if config.tracking.appearance == "off":
        return None
    return open_model(config.tracking.appearance, "body", vision_settings(config))[1]


def with_appearance(detections: Detections, image: np.ndarray, embedder: BodyEmbedder | None) -> Detections:
    """The persons with how their bodies look; as they are without an embedder.

    :param image: ``(height, width, 3)`` uint8 BGR, the picture they are of.
    """
    if embedder is None or not len(detections):
        return detections
    return replace(detections, appearance=embedder.embed(image, detections.boxes))


def contract_of(model_id: str, config: Config) -> ModelContract:
    """The contract of an embedder that runs elsewhere: of the catalog, or the file that the configuration names.

    :raises ModelError: it is neither, or it may not say who somebody is.
    """
    contract, wanted = catalog.known(model_id), config.embedder.model
    if contract is None and wanted != AUTO:
        contract = reduced_contract(
            catalog.known(wanted) or resolve(wanted).contract, config.face_tracking.embedding_dim
        )
    if contract is None or contract.id != model_id:
        raise ModelError(f"embeddings of {model_id} are unknown here: set embedder.model as where they are made")
    require_identity_model(contract, config.embedder.appearance_as_identity)
    return contract
