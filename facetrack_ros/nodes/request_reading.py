"""A call of ``face_search`` becomes a question: the face it means, the settings where it names none."""

import uuid
from pathlib import Path

import numpy as np

from facetrack_ros import srv
from facetrack_ros.config import Config
from facetrack_ros.errors import QuestionError
from facetrack_ros.nodes import conversion
from facetrack_ros.nodes.known_faces import KnownFaces
from facetrack_ros.nodes.member import RobotMember
from facetrack_ros.search.checks import check_question
from facetrack_ros.search.question import Question
from facetrack_ros.search.reference import read_reference
from facetrack_ros.vision.contract import ModelContract
from facetrack_ros.vision.from_config import contract_of
from facetrack_ros.vision.shared_models import SharedModels


class RequestReading:
    """Reads requests, on whatever thread may wait for models.

    :param node: whose settings count.
    :param known: faces that a request may name.
    :param models: loaded at the first picture.
    """

    def __init__(self, node: RobotMember, known: KnownFaces, models: SharedModels):
        self._node = node
        self._known = known
        self._models = models

    @property
    def _settings(self) -> Config:
        return self._node.settings

    def question(self, request: srv.FaceSearch.Request) -> Question:
        """The question that a request asks.

        :raises FacetrackError: why it cannot be asked.
        """
        embedding, model_id = self._reference(request)
        threshold = request.threshold or self._settings["backtrack_search.similarity_threshold"]
        question = Question(
            search_id=uuid.uuid4().hex[:12], embedding=embedding, model_id=model_id,
            time_ns=conversion.to_ns(request.time) or self._node.get_clock().now().nanoseconds,
            window_ns=conversion.to_ns(request.window) or round(self._settings["backtrack_search.search_window_sec"] * 1e9),
            robots=tuple(request.robots), cameras=tuple(request.cameras),
            threshold=threshold or self.contract(model_id).threshold,
            max_results=request.max_results or self._settings["backtrack_search.max_results"],
            timeout_ns=conversion.to_ns(request.timeout) or round(self._settings["backtrack_search.timeout_s"] * 1e9))
        check_question(question, self.contract(model_id))
        return question

    def contract(self, model_id: str) -> ModelContract:
        """The contract of a question's model.

        :raises ModelError: it is unknown here.
        """
        own = self._models.known_contract
        return own if own is not None and own.id == model_id else contract_of(model_id, self._settings)

    def _reference(self, request: srv.FaceSearch.Request) -> "tuple[np.ndarray, str]":
        """The embedding asked for and its model's id."""
        given = [name for name in ("image", "embedding", "person_id", "file")
                 if len(request.image.data if name == "image" else getattr(request, name))]
        if len(given) != 1:
            raise QuestionError("give exactly one reference: image, embedding, person_id or file; "
                                f"given: {', '.join(given) or 'none'}")
        if given == ["embedding"]:
            if not request.model_id:
                raise QuestionError("an embedding means nothing without the model_id of the embedder that made it")
            return np.array(request.embedding, np.float32), request.model_id
        if given == ["person_id"]:
            return self._known.face_of(request.person_id)
        data = bytes(request.image.data) if given == ["image"] else self._file(request.file)
        pipeline = self._models.take("search")
        face = pipeline.embed_reference(read_reference(data))
        return face.embedding, pipeline.contract.id

    def _file(self, name: str) -> bytes:
        folder = self._settings["backtrack_search.reference_dir"]
        if not folder:
            raise QuestionError("this robot reads no reference files: backtrack_search.reference_dir is not set")
        root = Path(folder).expanduser().resolve()
        path = (root / name).resolve()
        if root not in path.parents or not path.is_file():
            raise QuestionError(f"no picture {name} below this robot's reference_dir")
        return path.read_bytes()
