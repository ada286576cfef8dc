"""The settings that choose and tune models, as the vision package takes them."""

from facetrack_ros.config import Config
from facetrack_ros.vision.build import VisionSettings

VISION_OPTIONS = ("detector.", "faces.", "embedder.", "models.")


def vision_settings(config: Config) -> VisionSettings:
    """Models and their thresholds from the configuration."""
    return VisionSettings(
        person_model=config["detector.model"], person_score=config["detector.min_score"],
        face_model=config["faces.model"], min_face_px=config["faces.min_width_px"],
        embedder=config["embedder.model"], threads=config["models.threads"])
