"""The settings that choose and tune models, as the vision package takes them."""

from facetrack_ros.config import Config
from facetrack_ros.errors import ModelError
from facetrack_ros.vision import catalog
from facetrack_ros.vision.build import AUTO, VisionSettings
from facetrack_ros.vision.contract import ModelContract
from facetrack_ros.vision.resolve import resolve

VISION_OPTIONS = ("detector.", "faces.", "embedder.", "models.", "face_tracking.device")


def vision_settings(config: Config) -> VisionSettings:
    """Models and their thresholds from the configuration."""
    return VisionSettings(
        person_model=config["detector.model"], person_score=config["detector.min_score"],
        face_model=config["faces.model"], min_face_px=config["faces.min_width_px"],
        embedder=config["embedder.model"], threads=config["models.threads"], device=config["face_tracking.device"])


def contract_of(model_id: str, config: Config) -> ModelContract:
    """The contract of an embedder that runs elsewhere: of the catalog, or the file that the configuration names.

    :raises ModelError: it is neither.
    """
    contract = catalog.known(model_id)
    if contract is None and config["embedder.model"] != AUTO:
        contract = resolve(config["embedder.model"]).contract
    if contract is None or contract.id != model_id:
        raise ModelError(f"embeddings of {model_id} are unknown here: set embedder.model as where they are made")
    return contract
