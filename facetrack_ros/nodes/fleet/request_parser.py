"""A call of ``face_search`` becomes a question: the face it means, the settings where it names none."""

import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facetrack_ros import srv
from facetrack_ros.config import Config
from facetrack_ros.errors import RequestError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.time import to_ns
from facetrack_ros.nodes.fleet.people_directory import PeopleDirectory
from facetrack_ros.search.reference_image import decode_reference, read_reference_file
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.validation import validate_request
from facetrack_ros.vision.faces.aligned_crop import encode_aligned_crop
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import contract_of


class RequestReading:
    """Reads requests, on whatever thread may wait for models.

    :param node: whose settings count.
    :param known: faces that a request may name.
    :param models: loaded at the first picture.
    """

    def __init__(self, node: RobotMemberNode, known: PeopleDirectory, models: PipelinePool):
        self._node = node
        self._known = known
        self._models = models

    @property
    def _settings(self) -> Config:
        return self._node.settings

    def question(self, request: srv.FaceSearch.Request) -> SearchRequest:
        """The question that a request asks.

        :raises FacetrackError: why it cannot be asked.
        """
        face = self._face(request)
        now_ns = self._node.get_clock().now().nanoseconds
        threshold = request.threshold or self._settings.backtrack_search.similarity_threshold
        question = SearchRequest(
            search_id=request.search_id or uuid.uuid4().hex[:12],
            embedding=face.embedding,
            model_id=face.model_id,
            time_ns=to_ns(request.time) or now_ns,
            window_ns=to_ns(request.window) or round(self._settings.backtrack_search.search_window_sec * 1e9),
            robots=tuple(request.robots),
            cameras=tuple(request.cameras),
            threshold=threshold or self.contract(face.model_id).threshold,
            max_results=request.max_results or self._settings.backtrack_search.max_results,
            timeout_ns=to_ns(request.timeout) or round(self._settings.backtrack_search.timeout_s * 1e9),
            rescan=request.rescan,
            face_crop=face.crop,
            requester=self._node.robot_id,
            reference=face.reference,
        )
        validate_request(question, self.contract(face.model_id), now_ns)
        return question

    def contract(self, model_id: str) -> ModelContract:
        """The contract of a question's model.

        :raises ModelError: it is unknown here.
        """
        own = self._models.known_contract
        return own if own is not None and own.id == model_id else contract_of(model_id, self._settings)

    def _face(self, request: srv.FaceSearch.Request) -> "_AskedFace":
        given = [
            name
            for name in ("image", "embedding", "person_id", "name", "file")
            if len(request.image.data if name == "image" else getattr(request, name))
        ]
        if len(given) != 1:
            raise RequestError(
                "give exactly one reference: image, embedding, person_id, name or file; "
                f"given: {', '.join(given) or 'none'}"
            )
        if given == ["embedding"]:
            if not request.model_id:
                raise RequestError("an embedding means nothing without the model_id of the embedder that made it")
            return _AskedFace(np.array(request.embedding, np.float32), request.model_id, "embedding")
        if given == ["person_id"]:
            return _AskedFace(*self._known.face_of(request.person_id), request.person_id)
        if given == ["name"]:
            return _AskedFace(*self._known.face_of_name(request.name), request.name)
        return self._of_picture(bytes(request.image.data) if given == ["image"] else self._file(request.file))

    def _of_picture(self, data: bytes) -> "_AskedFace":
        image = decode_reference(data)
        pipeline = self._models.acquire("search")
        face = pipeline.embed_reference(image)
        crop = encode_aligned_crop(image, face) if self._settings.backtrack_search.send_face_crop else b""
        return _AskedFace(face.embedding, pipeline.contract.id, "picture", crop)

    def _file(self, name: str) -> bytes:
        folder = self._settings.backtrack_search.reference_dir
        if not folder:
            raise RequestError("this robot reads no reference files: backtrack_search.reference_dir is not set")
        return read_reference_file(Path(folder).expanduser(), name)


@dataclass(frozen=True, eq=False)
class _AskedFace:
    """The face somebody asks for.

    :param reference: what was asked with, as histories write it down.
    :param crop: the face alone as JPEG, where it is to be sent along.
    """

    embedding: np.ndarray
    model_id: str
    reference: str
    crop: bytes = b""
