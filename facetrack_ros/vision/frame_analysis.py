"""One frame looked at: everything the models say of it."""

from dataclasses import dataclass, replace

from facetrack_ros.config import Config
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame
from facetrack_ros.vision.face_choice import FaceSelection
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.interfaces import BodyEmbedder
from facetrack_ros.vision.pipeline import VisionPipeline
from facetrack_ros.vision.settings import body_embedder, vision_settings, with_appearance


@dataclass(frozen=True, eq=False)
class FrameAnalysis:
    """What a frame shows.

    :param detections: the persons.
    :param faces: theirs, with embeddings where they were chosen and pass the gate.
    :param model_id: of their embedder.
    """

    detections: Detections
    faces: tuple[Face, ...] = ()
    model_id: str = ""

    def still(self) -> "FrameAnalysis":
        """What a frame shows that is like this one: the same persons, whose faces need no second look."""
        return FrameAnalysis(replace(self.detections, faces=None, owners=None), (), self.model_id)


def look(
    pipeline: VisionPipeline,
    frame: Frame,
    bodies: BodyEmbedder | None = None,
    with_faces: bool = True,
    choice: FaceSelection | None = None,
) -> FrameAnalysis:
    """Decode a frame and look at it.

    :param choice: None: every person's face is looked for and embedded.
    :raises FrameError: the frame is no readable picture.
    """
    detections = with_appearance(pipeline.detect([frame.image])[0], frame.image, bodies)
    return FrameAnalysis(
        detections, pipeline.faces(frame.image, detections, choice) if with_faces else (), pipeline.contract.id
    )


@dataclass(frozen=True)
class FrameAnalyzer:
    """All models that look at a frame.

    :param bodies: looks at whole bodies, where that is asked for.
    """

    pipeline: VisionPipeline
    bodies: BodyEmbedder | None = None

    @classmethod
    def of_config(cls, config: Config) -> "FrameAnalyzer":
        """Opened, as the settings say.

        :raises ModelError: one is missing, damaged, refused or for another task.
        """
        return cls(build_pipeline(vision_settings(config)), body_embedder(config))


@dataclass(frozen=True, eq=False)
class AnalysisTask:
    """A frame to be looked at, be it in another process; see :func:`look`."""

    frame: Frame
    with_faces: bool = True
    choice: FaceSelection | None = None

    def done_by(self, eyes: FrameAnalyzer) -> FrameAnalysis:
        """Look.

        :raises FrameError: the frame is no readable picture.
        """
        return look(eyes.pipeline, self.frame, eyes.bodies, self.with_faces, self.choice)
