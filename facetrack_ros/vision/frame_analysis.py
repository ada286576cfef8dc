"""Analysis of one frame by all models: persons, appearance, faces, embeddings."""

from dataclasses import dataclass, replace

import numpy as np

from facetrack_ros.config import Config
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame
from facetrack_ros.vision.factory import build_pipeline, open_body_embedder
from facetrack_ros.vision.interfaces import BodyEmbedder, FaceSelection
from facetrack_ros.vision.pipeline import VisionPipeline
from facetrack_ros.vision.settings import vision_settings


@dataclass(frozen=True, eq=False)
class FrameAnalysis:
    """Persons and faces of one frame.

    :param detections: the persons.
    :param faces: their faces, with embeddings where they were selected and passed the quality gate.
    :param model_id: id of the face embedder's contract.
    """

    detections: Detections
    faces: tuple[Face, ...] = ()
    model_id: str = ""

    def for_unchanged_frame(self) -> "FrameAnalysis":
        """The analysis of a later frame that shows the same: the same persons, without faces."""
        return FrameAnalysis(replace(self.detections, faces=None, owners=None), (), self.model_id)


@dataclass(frozen=True)
class FrameAnalyzer:
    """The models that analyse a frame.

    :param bodies: embeds whole bodies for tracking; None: no appearance.
    """

    pipeline: VisionPipeline
    bodies: BodyEmbedder | None = None

    @classmethod
    def of_config(cls, config: Config) -> "FrameAnalyzer":
        """Open the models that the settings name.

        :raises ModelError: one is missing, damaged, rejected or for another task.
        """
        return cls(build_pipeline(vision_settings(config)), open_body_embedder(config))

    def analyze(self, frame: Frame, with_faces: bool = True, selection: FaceSelection | None = None) -> FrameAnalysis:
        """Decode a frame and run the models on it.

        :param selection: None: every person's face is searched for and embedded.
        :raises FrameError: the frame is no readable image.
        """
        detections = with_appearance(self.pipeline.detect([frame.image])[0], frame.image, self.bodies)
        faces = self.pipeline.faces(frame.image, detections, selection) if with_faces else ()
        return FrameAnalysis(detections, faces, self.pipeline.contract.id)


@dataclass(frozen=True, eq=False)
class AnalysisTask:
    """Arguments of :meth:`FrameAnalyzer.analyze`, which can be sent to another process."""

    frame: Frame
    with_faces: bool = True
    selection: FaceSelection | None = None

    def run(self, analyzer: FrameAnalyzer) -> FrameAnalysis:
        """Analyse the frame; see :meth:`FrameAnalyzer.analyze`."""
        return analyzer.analyze(self.frame, self.with_faces, self.selection)


def with_appearance(detections: Detections, image: np.ndarray, embedder: BodyEmbedder | None) -> Detections:
    """The detections with an appearance vector a person; unchanged without an embedder.

    :param image: ``(height, width, 3)`` uint8 BGR, the image of the detections.
    """
    if embedder is None or not len(detections):
        return detections
    return replace(detections, appearance=embedder.embed(image, detections.boxes))
