"""From an image to persons, faces and embeddings."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from facetrack_ros.core.boxes import nms
from facetrack_ros.core.detections import Detections, FaceDetections
from facetrack_ros.core.face import Face
from facetrack_ros.core.image import as_bgr
from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.models.resolver import ModelFile
from facetrack_ros.vision.faces import person_matching
from facetrack_ros.vision.faces.quality import QualityGate, assess
from facetrack_ros.vision.faces.reference import ReferenceFace, embed_reference
from facetrack_ros.vision.faces.upright import degrees_to_upright
from facetrack_ros.vision.interfaces import FaceDetector, FaceEmbedder, FaceSelection, PersonDetector

#: Two faces found in overlapping search regions that overlap more are one; chosen by hand.
SAME_FACE_IOU = 0.4
#: Narrowest face that tells which way up a camera is, in longer sides of its image; chosen by hand.
SMALLEST_FACE_SHARE = 1 / 20


class VisionPipeline:
    """Person detector, face detector, quality gate and face embedder. Threads of a process may share one.

    :param gate: limits of the quality gate; a face must also be as wide as the embedder needs.
    :param models: where the models came from, by role (``person``, ``face``, ``embedder``), for :meth:`describe`.
    :ivar contract: the embedder's contract.
    :ivar batches: whether several images in one :meth:`detect` take less time than one call each.
    """

    def __init__(
        self,
        person_detector: PersonDetector,
        face_detector: FaceDetector,
        embedder: FaceEmbedder,
        gate: QualityGate = QualityGate(),  # noqa: B008 - frozen
        models: Mapping[str, ModelFile] | None = None,
    ):
        self._persons = person_detector
        self._faces = face_detector
        self._embedder = embedder
        self._gate = replace(gate, min_face_px=max(gate.min_face_px, embedder.min_face_px))
        self._models = models or {}
        self.contract: ModelContract = embedder.contract
        self.batches: bool = person_detector.batches

    @property
    def person_score(self) -> float | None:
        """Lowest confidence of a person; None where persons are taken from their faces."""
        return self._persons.min_score

    @property
    def min_face_px(self) -> float:
        """Narrowest face that is embedded, pixels."""
        return self._gate.min_face_px

    def set_thresholds(self, person_score: float | None = None, min_face_px: float | None = None) -> None:
        """Change thresholds from the next image on.

        :param person_score: lowest confidence of a person, 0..1; ignored where persons are taken from their faces.
        :param min_face_px: narrowest face that is embedded, pixels; an embedder may need more.
        """
        if person_score is not None and self._persons.min_score is not None:
            self._persons.min_score = person_score
        if min_face_px is not None:
            self._gate = replace(self._gate, min_face_px=max(min_face_px, self._embedder.min_face_px))
            if self._persons.min_face_px is not None:
                self._persons.min_face_px = self._gate.min_face_px

    def describe(self) -> dict[str, dict[str, str]]:
        """The models in use, by role (``person``, ``face``, ``embedder``).

        :return: of each ``model``; ``record``, the id of its contract, which differs where a model is composed of
            others; ``licence``; ``origin``; ``rejected``: which models were tried before it and why they were not
            taken, or empty.
        """
        ids = {"person": self._persons.model_id, "face": self._faces.model_id, "embedder": self.contract.id}
        description = {}
        for role, model_id in ids.items():
            model = self._models.get(role)
            contract = model.contract if model else catalog.known(model_id)
            description[role] = {
                "model": model_id,
                "record": contract.id if contract else "",
                "licence": contract.licence if contract else "unknown",
                "origin": model.origin if model else "given",
                "rejected": "; ".join(model.rejected) if model else "",
            }
        return description

    def reduction(self, width: int, height: int) -> int:
        """Factor by which an image of this size may be decoded smaller for :meth:`detect` alone: 1, 2, 4 or 8."""
        return self._persons.reduction(width, height)

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Persons in each image, in order.

        :raises FrameError: one of them is no image.
        """
        return self._persons.detect(images)

    def faces(
        self, image: np.ndarray, detections: Detections, selection: FaceSelection | None = None
    ) -> tuple[Face, ...]:
        """Faces of the persons and of people beside them, with embeddings where they pass the quality gate.

        :param image: ``(height, width, 3)`` uint8 BGR, the image of the detections.
        :param selection: which faces are searched for and embedded; None: all, and all that pass the gate.
        :return: each person's face at most once; ``person`` is -1 for a face of no detected person.
        :raises FrameError: ``image`` is no image.
        """
        if not len(detections):
            return ()
        image = as_bgr(image)
        faces = self.find_faces(image, detections, selection)
        chosen = selection.embed_mask(detections.boxes, faces) if selection else [not face.rejected for face in faces]
        return self.embed(image, faces, np.flatnonzero(chosen))

    def embed_reference(self, image: np.ndarray, number: int = 0) -> ReferenceFace:
        """The face of a reference image turned upright, with its embedding; the image may be a tight crop of a face.

        :param image: uint8, BGR or grey.
        :param number: which of several faces, from the left, from 1 on; 0: the clearly widest.
        :raises SeveralFacesError: several faces, none clearly the widest, or no face of that number.
        :raises ReferenceFaceError: no face, or one that the quality gate rejects.
        :raises FrameError: ``image`` is no image.
        """
        return embed_reference(as_bgr(image), self._faces, self._embedder, self._gate, number)

    def degrees_to_upright(self, image: np.ndarray) -> int | None:
        """Degrees clockwise, a multiple of 90, that set the most certain face of an image upright; None without one.

        :raises FrameError: ``image`` is no image.
        """
        return degrees_to_upright(as_bgr(image), self._faces, SMALLEST_FACE_SHARE)

    def find_faces(
        self, image: np.ndarray, detections: Detections, selection: FaceSelection | None = None
    ) -> list[Face]:
        """The first step of :meth:`faces`: faces with their quality, without embeddings."""
        found, owners = self._find(image, detections, selection)
        faces = []
        for row, person in enumerate(owners):
            box, landmarks, score = found.boxes[row], found.landmarks[row], found.scores[row]
            quality, reason = assess(image, box, landmarks, float(score), self._gate, found.second_search(row))
            faces.append(Face(box, landmarks, float(score), quality, reason, int(person)))
        return faces

    def _find(
        self, image: np.ndarray, detections: Detections, selection: FaceSelection | None
    ) -> tuple[FaceDetections, np.ndarray]:
        """Face detections, and for each the row of its person."""
        if detections.faces is not None and detections.owners is not None:
            return detections.faces, detections.owners
        persons = detections.boxes
        if selection is not None:
            persons = persons[selection.search_mask(persons)]
        if not len(persons):
            return FaceDetections.none(), np.empty(0, np.intp)
        found = self._detect_faces(image, persons)
        return found, person_matching.match_faces_to_persons(found.boxes, detections.boxes)

    def _detect_faces(self, image: np.ndarray, persons: np.ndarray) -> FaceDetections:
        height, width = image.shape[:2]
        persons = persons[np.isfinite(persons).all(axis=1)]
        # A face is no wider than its person: persons narrower than the gate's limit need no search.
        persons = persons[persons[:, 2] - persons[:, 0] >= self._gate.min_face_px]
        found = []
        heads = person_matching.head_regions(persons, width, height)
        sizes = person_matching.smallest_faces(persons, self._gate.min_face_px)
        regions, smallest = person_matching.merge_search_regions(heads, sizes, width, height)
        for (x1, y1, x2, y2), min_face_px in zip(regions, smallest):
            if x2 > x1 and y2 > y1:
                found.append(self._faces.detect(image[y1:y2, x1:x2], float(min_face_px)).shifted(x1, y1))
        faces = FaceDetections.joined(found)
        return faces.take(nms(faces.boxes, faces.scores, SAME_FACE_IOU))

    def embed(self, image: np.ndarray, faces: list[Face], rows: np.ndarray) -> tuple[Face, ...]:
        """The second step of :meth:`faces`: all of them, those of the given rows with embeddings.

        :raises ModelError: the embedder returned something else than one embedding a face.
        """
        if len(rows):
            vectors = self._embedder.embed(image, [faces[row] for row in rows])
            if vectors.shape != (len(rows), self.contract.dimension):
                raise ModelError(f"{self.contract.id} gave embeddings of shape {vectors.shape} for {len(rows)} faces")
            for row, embedding in zip(rows, vectors):
                faces[row] = replace(faces[row], embedding=embedding)
        return tuple(faces)
