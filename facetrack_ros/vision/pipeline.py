"""From a picture to persons, faces and embeddings."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from facetrack_ros.core.boxes import suppress
from facetrack_ros.core.detections import Detections, FaceDetections
from facetrack_ros.core.face import Face
from facetrack_ros.core.image import as_bgr
from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.models.resolver import ModelFile
from facetrack_ros.vision.face_choice import FaceSelection
from facetrack_ros.vision.faces.person_matching import (
    head_regions,
    match_faces_to_persons,
    merge_search_regions,
    smallest_faces,
)
from facetrack_ros.vision.faces.quality import QualityGate, assess
from facetrack_ros.vision.faces.reference import embed_reference
from facetrack_ros.vision.interfaces import FaceDetector, FaceEmbedder, PersonDetector, reduction_for

#: Two faces found in overlapping looks that overlap more are one.
SAME_FACE_IOU = 0.4


class VisionPipeline:
    """One set of models. A process's threads may share it.

    :param gate: limits of the quality gate; a face must also be as wide as the embedder needs.
    :param models: where the models came from, by role (``person``, ``face``, ``embedder``), for :meth:`describe`.
    """

    def __init__(
        self,
        person_detector: PersonDetector,
        face_detector: FaceDetector,
        embedder: FaceEmbedder,
        gate: QualityGate = QualityGate(),
        models: Mapping[str, ModelFile] | None = None,
    ):
        self._persons = person_detector
        self._faces = face_detector
        self._embedder = embedder
        self._gate = replace(gate, min_face_px=max(gate.min_face_px, embedder.min_face_px))
        self._models = dict(models or {})

    @property
    def contract(self) -> ModelContract:
        """The embedder's contract: what its embeddings mean and from where on two are a match."""
        return self._embedder.contract

    @property
    def batches(self) -> bool:
        """Whether the person detector gains by several pictures at once, as on a graphics card."""
        return getattr(self._persons, "batches", False)

    @property
    def person_score(self) -> float | None:
        """Lowest confidence of a person, None where persons are taken from their faces."""
        return getattr(self._persons, "min_score", None)

    @property
    def min_face_px(self) -> float:
        """Narrowest face that is embedded, pixels."""
        return self._gate.min_face_px

    def change(self, person_score: float | None = None, min_face_px: float | None = None) -> None:
        """Other thresholds from the next picture on.

        :param person_score: lowest confidence of a person, 0..1. Persons taken from their faces have none.
        :param min_face_px: narrowest face that is embedded, pixels; an embedder may need more.
        """
        if person_score is not None and self.person_score is not None:
            self._persons.min_score = person_score
        if min_face_px is not None:
            self._gate = replace(self._gate, min_face_px=max(min_face_px, self._embedder.min_face_px))
            if hasattr(self._persons, "min_face_px"):
                self._persons.min_face_px = self._gate.min_face_px

    def describe(self) -> dict[str, dict[str, str]]:
        """By role (``person``, ``face``, ``embedder``): ``model``, ``record``: id of the model's contract, which differs
        where a model is made of others, ``licence``, ``origin``, and ``passed_over``: what was tried before it and why it
        was not taken, empty when it came first."""
        ids = {"person": self._persons.model_id, "face": self._faces.model_id, "embedder": self.contract.id}
        return {role: self._describe(role, model_id) for role, model_id in ids.items()}

    def _describe(self, role: str, model_id: str) -> dict[str, str]:
        model = self._models.get(role)
        contract = model.contract if model else catalog.known(model_id)
        return {
            "model": model_id,
            "record": contract.id if contract else "",
            "licence": contract.licence if contract else "unknown",
            "origin": model.origin if model else "given",
            "passed_over": "; ".join(model.passed_over) if model else "",
        }

    def reduction(self, width: int, height: int) -> int:
        """How much smaller a picture of this size may be decoded for its persons alone: 1, 2, 4 or 8."""
        return reduction_for(self._persons, width, height)

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Persons in each picture, one answer each.

        :raises FrameError: one of them is no picture.
        """
        return self._persons.detect(images)

    def faces(self, image: np.ndarray, detections: Detections, choice: FaceSelection | None = None) -> tuple[Face, ...]:
        """The faces of the persons, and of whoever was seen beside them, with embeddings where they pass the gate.

        :param image: ``(height, width, 3)`` uint8 BGR, the picture ``detections`` are of.
        :param choice: whose faces are looked for, and which are embedded; None: everybody's, and all that pass.
        :return: each person's face at most once; ``person`` is -1 for a face that is none of theirs.
        :raises FrameError: ``image`` is no picture.
        """
        if not len(detections):
            return ()
        image = as_bgr(image)
        faces = self._judge(image, *self._find(image, detections, choice))
        chosen = choice.embed(detections.boxes, faces) if choice else [not face.rejected for face in faces]
        return self._embed(image, faces, np.flatnonzero(chosen))

    def embed_reference(self, image: np.ndarray) -> Face:
        """The one face of a reference picture, with its embedding. A tight crop will do.

        :param image: uint8 picture, BGR or grey.
        :raises ReferenceFaceError: no face, several, or one that the quality gate turns down.
        :raises FrameError: ``image`` is no picture.
        """
        return embed_reference(as_bgr(image), self._faces, self._embedder, self._gate)

    def _find(
        self, image: np.ndarray, detections: Detections, choice: FaceSelection | None = None
    ) -> tuple[FaceDetections, np.ndarray]:
        """Faces, and for each the row of its person."""
        if detections.faces is not None:
            return detections.faces, detections.owners
        asked = detections.boxes if choice is None else detections.boxes[choice.look(detections.boxes)]
        if not len(asked):
            return FaceDetections.none(), np.empty(0, np.intp)
        found = self._look(image, asked)
        return found, match_faces_to_persons(found.boxes, detections.boxes)

    def _look(self, image: np.ndarray, persons: np.ndarray) -> FaceDetections:
        height, width = image.shape[:2]
        persons = persons[np.isfinite(persons).all(axis=1)]
        # Nobody's face is wider than the person: who is too narrow for the gate need not be looked at.
        persons = persons[persons[:, 2] - persons[:, 0] >= self._gate.min_face_px]
        parts = [FaceDetections.none()]
        boxes, smallest = merge_search_regions(
            head_regions(persons, width, height), smallest_faces(persons, self._gate.min_face_px), width, height
        )
        for (x1, y1, x2, y2), min_face_px in zip(boxes, smallest):
            if x2 > x1 and y2 > y1:
                part = self._faces.detect(image[y1:y2, x1:x2], float(min_face_px))
                corner = np.array([x1, y1], np.float32)
                parts.append(FaceDetections(part.boxes + np.tile(corner, 2), part.landmarks + corner, part.scores))
        boxes, landmarks, scores = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("boxes", "landmarks", "scores")
        )
        keep = suppress(boxes, scores, SAME_FACE_IOU)
        return FaceDetections(boxes[keep], landmarks[keep], scores[keep])

    def _judge(self, image: np.ndarray, found: FaceDetections, owner: np.ndarray) -> list[Face]:
        faces = []
        for box, landmarks, score, person in zip(found.boxes, found.landmarks, found.scores, owner):
            quality, reason = assess(image, box, landmarks, float(score), self._gate)
            faces.append(Face(box, landmarks, float(score), quality, reason, int(person)))
        return faces

    def _embed(self, image: np.ndarray, faces: list[Face], rows: np.ndarray) -> tuple[Face, ...]:
        if len(rows):
            embeddings = self._embedder.embed(image, [faces[row] for row in rows])
            if embeddings.shape != (len(rows), self.contract.dimension):
                raise ModelError(
                    f"{self.contract.id} gave embeddings of shape {embeddings.shape} for {len(rows)} faces"
                )
            for row, embedding in zip(rows, embeddings):
                faces[row] = replace(faces[row], embedding=embedding)
        return tuple(faces)
