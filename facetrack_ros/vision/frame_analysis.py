"""Analysis of one frame by all models: persons, appearance, faces, embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from facetrack_ros.config import Config
from facetrack_ros.core.detections import Detections
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame
from facetrack_ros.vision.detection.reduced_decode import DetectorImage
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
    :param with_faces: whether faces were searched for.
    :param degrees_to_upright: degrees clockwise, a multiple of 90, that set the frame's most certain face upright; None
        where none is found in any direction, or the frame was not searched in all.
    :param detection_s: seconds of work to find the persons; ``faces_s``: the faces; 0 if not measured.
    """

    detections: Detections
    faces: tuple[Face, ...] = ()
    model_id: str = ""
    detection_s: float = 0.0
    faces_s: float = 0.0
    with_faces: bool = True
    degrees_to_upright: int | None = None

    def for_unchanged_frame(self) -> "FrameAnalysis":
        """The analysis of a later frame that shows the same: the same persons, without faces."""
        detections = replace(self.detections, faces=None, owners=None)
        return FrameAnalysis(detections, (), self.model_id, with_faces=self.with_faces)


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

    def detect(self, images: Sequence[DetectorImage]) -> list[Detections]:
        """Persons in each image, in pixels of its frame, with their appearance; all images in one batch.

        :raises FrameError: one of them is no image.
        """
        results = []
        for image, found in zip(images, self.pipeline.detect([image.image for image in images])):
            found = image.in_frame(found)
            if self.bodies is not None and len(found):
                found = replace(found, appearance=self.bodies.embed(image.image, found.boxes))
            results.append(found)
        return results

    def analyze(
        self,
        frame: Frame,
        with_faces: bool = True,
        selection: FaceSelection | None = None,
        persons: Detections | None = None,
    ) -> FrameAnalysis:
        """Find the persons of a frame and their faces.

        :param selection: None: every person's face is searched for and embedded.
        :param persons: of this frame, if they are known already.
        :raises FrameError: the frame is no readable image.
        """
        if persons is None:
            (persons,) = self.detect([DetectorImage.whole(frame)])
        faces = self.pipeline.faces(frame.image, persons, selection) if with_faces else ()
        return FrameAnalysis(persons, faces, self.pipeline.contract.id, with_faces=with_faces)


@dataclass(frozen=True, eq=False)
class AnalysisTask:
    """Arguments of :meth:`FrameAnalyzer.analyze`, which can be sent to another process.

    :param all_directions: whether the frame is also searched for faces that are not upright.
    """

    frame: Frame
    with_faces: bool = True
    selection: FaceSelection | None = None
    all_directions: bool = False

    def run(self, analyzer: FrameAnalyzer, persons: Detections | None = None) -> FrameAnalysis:
        """Analyse the frame; see :meth:`FrameAnalyzer.analyze`."""
        analysis = analyzer.analyze(self.frame, self.with_faces, self.selection, persons)
        if not self.all_directions:
            return analysis
        return replace(analysis, degrees_to_upright=analyzer.pipeline.degrees_to_upright(self.frame.image))
