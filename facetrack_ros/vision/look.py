"""One frame looked at: everything the models say of it."""

from dataclasses import dataclass, replace

from facetrack_ros.vision.detections import Detections
from facetrack_ros.vision.face import Face
from facetrack_ros.vision.face_choice import FaceChoice
from facetrack_ros.vision.frame import Frame
from facetrack_ros.vision.from_config import with_appearance
from facetrack_ros.vision.pipeline import VisionPipeline
from facetrack_ros.vision.protocols import BodyEmbedder


@dataclass(frozen=True, eq=False)
class Seen:
    """What a frame shows.

    :param detections: the persons.
    :param faces: theirs, with embeddings where they were chosen and pass the gate.
    :param model_id: of their embedder.
    """

    detections: Detections
    faces: "tuple[Face, ...]" = ()
    model_id: str = ""

    def still(self) -> "Seen":
        """What a frame shows that is like this one: the same persons, whose faces need no second look."""
        return Seen(replace(self.detections, faces=None, owners=None), (), self.model_id)


def look(pipeline: VisionPipeline, frame: Frame, bodies: "BodyEmbedder | None" = None, with_faces: bool = True,
         choice: "FaceChoice | None" = None) -> Seen:
    """Decode a frame and look at it.

    :param choice: None: every person's face is looked for and embedded.
    :raises FrameError: the frame is no readable picture.
    """
    detections = with_appearance(pipeline.detect([frame.image])[0], frame.image, bodies)
    return Seen(detections, pipeline.faces(frame.image, detections, choice) if with_faces else (),
                pipeline.contract.id)
