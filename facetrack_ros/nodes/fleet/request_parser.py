"""Search requests from calls of ``face_search``: the reference face, and settings as defaults."""

import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facetrack_ros import srv
from facetrack_ros.errors import RequestError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.nodes.base.mesh_node import MeshNode
from facetrack_ros.nodes.conversion.time import to_ns
from facetrack_ros.nodes.fleet.people_directory import PeopleDirectory
from facetrack_ros.search.reference_image import decode_reference, read_reference_file
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.threshold_choice import choose_threshold
from facetrack_ros.search.validation import validate_request
from facetrack_ros.vision.faces.aligned_crop import encode_aligned_crop
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import contract_of


class RequestParser:
    """Parses requests, on a thread that may wait for models.

    :param node: with the ``backtrack_search.`` settings.
    :param people: faces that a request may name.
    :param models: loaded at the first picture.
    """

    def __init__(self, node: MeshNode, people: PeopleDirectory, models: PipelinePool):
        self._node = node
        self._people = people
        self._models = models

    def parse(self, call: srv.FaceSearch.Request) -> SearchRequest:
        """The request of a service call.

        :raises FacetrackError: the request is not valid.
        """
        reference = self._reference(call)
        now_ns = self._node.get_clock().now().nanoseconds
        settings = self._node.settings.backtrack_search
        contract = self.contract(reference.model_id)
        threshold, name = choose_threshold(contract, settings, call.threshold, call.operating_point)
        request = SearchRequest(
            search_id=call.search_id or uuid.uuid4().hex[:12],
            embedding=reference.embedding,
            model_id=reference.model_id,
            time_ns=to_ns(call.time) or now_ns,
            window_ns=to_ns(call.window) or round(settings.search_window_sec * 1e9),
            robots=tuple(call.robots),
            cameras=tuple(call.cameras),
            threshold=threshold,
            max_results=call.max_results or settings.max_results,
            timeout_ns=to_ns(call.timeout) or round(settings.timeout_s * 1e9),
            rescan=call.rescan,
            face_crop=reference.crop,
            requester=self._node.robot_id,
            reference=reference.name,
            operating_point=name,
            person_ids=reference.person_ids,
            reference_note=reference.note,
            operator=call.operator_name,
            reason=call.reason,
        )
        validate_request(request, contract, now_ns)
        return request

    def contract(self, model_id: str) -> ModelContract:
        """The contract of a request's model.

        :raises ModelError: it is not known here.
        """
        own = self._models.known_contract
        return own if own is not None and own.id == model_id else contract_of(model_id, self._node.settings)

    def _reference(self, call: srv.FaceSearch.Request) -> "_Reference":
        given = [
            name
            for name in ("image", "embedding", "person_id", "name", "file")
            if len(call.image.data if name == "image" else getattr(call, name))
        ]
        if len(given) != 1:
            raise RequestError(
                "give exactly one reference: image, embedding, person_id, name or file; "
                f"given: {', '.join(given) or 'none'}"
            )
        if given == ["embedding"]:
            if not call.model_id:
                raise RequestError("an embedding means nothing without the model_id of the embedder that made it")
            return _Reference(np.array(call.embedding, np.float32), call.model_id, "embedding")
        if given == ["person_id"]:
            embedding, model_id, ids = self._people.face_of(call.person_id)
            return _Reference(embedding, model_id, call.person_id, person_ids=ids)
        if given == ["name"]:
            return _Reference(*self._people.face_of_name(call.name), call.name)
        return self._embed(bytes(call.image.data) if given == ["image"] else self._read(call.file), call.face)

    def _embed(self, picture: bytes, number: int) -> "_Reference":
        image = decode_reference(picture)
        pipeline = self._models.acquire("search")
        face = pipeline.embed_reference(image, number)
        crop = encode_aligned_crop(face.picture, face) if self._node.settings.backtrack_search.send_face_crop else b""
        assert face.embedding is not None  # a reference face always has one
        return _Reference(face.embedding, pipeline.contract.id, "picture", crop, note=face.note)

    def _read(self, name: str) -> bytes:
        folder = self._node.settings.backtrack_search.reference_dir
        if not folder:
            raise RequestError("this robot reads no reference files: backtrack_search.reference_dir is not set")
        return read_reference_file(Path(folder).expanduser(), name)


@dataclass(frozen=True, eq=False)
class _Reference:
    """The face to search for.

    :param name: how the face was given, as histories store it.
    :param crop: aligned face as JPEG, if it is to be sent; else empty.
    :param person_ids: every id of the person; empty: unknown.
    :param note: what was done to the picture; empty: nothing.
    """

    embedding: np.ndarray
    model_id: str
    name: str
    crop: bytes = b""
    person_ids: tuple[str, ...] = ()
    note: str = ""
