"""Search node: a robot's front door. Ask it, and it asks every robot."""

import time
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future

from facetrack_ros import msg, srv
from facetrack_ros.errors import FacetrackError, QuestionError
from facetrack_ros.nodes import conversion, people_conversion
from facetrack_ros.nodes.member import RELIABLE, ROSTER, TEMPLATES, RobotMember
from facetrack_ros.nodes.open_searches import OpenSearches
from facetrack_ros.nodes.process import run_node
from facetrack_ros.nodes.worker import Everything, Worker
from facetrack_ros.search.aliased import follow_aliases
from facetrack_ros.search.checks import check_question
from facetrack_ros.search.question import Question
from facetrack_ros.search.reference import read_reference
from facetrack_ros.tracking.aliases import Aliases
from facetrack_ros.tracking.gallery import GalleryEntry
from facetrack_ros.tracking.template import Template
from facetrack_ros.vision.build import build_pipeline
from facetrack_ros.vision.contract import ModelContract
from facetrack_ros.vision.from_config import VISION_OPTIONS, contract_of, vision_settings
from facetrack_ros.vision.pipeline import VisionPipeline

LEAST_WAIT_S = 0.25


class SearchNode(RobotMember):
    """Serves ``face_search``: embeds the reference, asks the mesh, gathers until all have answered or time is up.

    :param pipeline: the models, where the process shares them; else they are loaded at the first picture.
    """

    def __init__(self, pipeline: "VisionPipeline | None" = None, **member):
        super().__init__("search", ("mesh", "backtrack_search.", *VISION_OPTIONS), **member)
        self._pipeline = pipeline
        self._templates: "dict[str, tuple[str, np.ndarray]]" = {}
        self._aliases = Aliases()
        self._gallery: "dict[str, GalleryEntry]" = {}
        # Several searches wait for their answers at once, in one thread.
        self._group = ReentrantCallbackGroup()
        self._open = OpenSearches(self, self._group)
        self._worker = Worker("search", Everything(), self._work, self.get_logger())
        self.create_subscription(msg.PersonTemplate, self.mesh_topic("persons"), self._on_template, TEMPLATES,
                                 callback_group=self._group)
        self.create_subscription(msg.PersonVerdict, self.mesh_topic("verdicts"), self._on_verdict, ROSTER,
                                 callback_group=self._group)
        self.create_subscription(msg.GalleryEntry, self.mesh_topic("gallery"), self._on_gallery_entry, ROSTER,
                                 callback_group=self._group)
        self.create_service(srv.FaceSearch, self.robot_topic("face_search"), self._serve, callback_group=self._group)

    async def _serve(self, request: srv.FaceSearch.Request, response: srv.FaceSearch.Response):
        arrived = time.monotonic()
        prepared = Future()
        self._worker.put("", (self._prepare, request, prepared))
        question, refusal = await prepared
        if question is None:
            response.message = refusal
            return response
        # The caller's time runs since the call came, but the robots get some of it however long the reference took.
        remaining_s = max(LEAST_WAIT_S, question.timeout_ns / 1e9 - (time.monotonic() - arrived))
        question = replace(question, timeout_ns=round(remaining_s * 1e9))
        contract = self._contract(question.model_id)
        search = self._open.begin(question, contract)
        await search.finished
        self._open.end(search)
        conversion.fill_response(response, follow_aliases(search.gathering.close(), self._aliases))
        return response

    def _prepare(self, request: srv.FaceSearch.Request, prepared: Future) -> None:
        """The question, or the sentence that refuses it. In the worker: models may have to run."""
        try:
            prepared.set_result((self._question(request), ""))
        except FacetrackError as error:
            prepared.set_result((None, str(error)))
        except Exception as error:  # the caller waits: it must hear of it, whatever it was
            prepared.set_result((None, f"unexpected {type(error).__name__}: {error}"))
            raise
        finally:
            # Whoever awaits is looked at when the executor next wakes, and another thread's result does not wake it.
            self.executor.wake()

    def _question(self, request: srv.FaceSearch.Request) -> Question:
        embedding, model_id = self._reference(request)
        threshold = request.threshold or self.settings["backtrack_search.similarity_threshold"]
        question = Question(
            search_id=uuid.uuid4().hex[:12], embedding=embedding, model_id=model_id,
            time_ns=conversion.to_ns(request.time) or self.get_clock().now().nanoseconds,
            window_ns=conversion.to_ns(request.window), robots=tuple(request.robots), cameras=tuple(request.cameras),
            threshold=threshold or self._contract(model_id).threshold,
            max_results=request.max_results or self.settings["backtrack_search.max_results"],
            timeout_ns=conversion.to_ns(request.timeout) or round(self.settings["backtrack_search.timeout_s"] * 1e9))
        check_question(question, self._contract(model_id))
        return question

    def _contract(self, model_id: str) -> ModelContract:
        own = self._pipeline.contract if self._pipeline is not None else None
        return own if own is not None and own.id == model_id else contract_of(model_id, self.settings)

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
            return self._known_face(request.person_id)
        data = bytes(request.image.data) if given == ["image"] else self._file(request.file)
        if self._pipeline is None:
            self._pipeline = build_pipeline(vision_settings(self.settings))
        face = self._pipeline.embed_reference(read_reference(data))
        return face.embedding, self._pipeline.contract.id

    def _known_face(self, person: str) -> "tuple[np.ndarray, str]":
        """The face of a person id, under any of its ids, or of an enrolled name."""
        for person_id in (person, *self._aliases.group(person)):
            if person_id in self._templates:
                model_id, mean = self._templates[person_id]
                return mean, model_id
        enrolled = [entry for entry in self._gallery.values() if person in (entry.name, entry.entry_id)]
        if not enrolled:
            known = sorted({*self._templates, *(entry.name for entry in self._gallery.values())})
            raise QuestionError(f"no robot has told of a face of {person}; known are: {', '.join(known) or 'none'}")
        best = max(enrolled, key=lambda entry: (entry.quality, entry.entry_id))
        return best.embedding, best.model_id

    def _file(self, name: str) -> bytes:
        folder = self.settings["backtrack_search.reference_dir"]
        if not folder:
            raise QuestionError("this robot reads no reference files: backtrack_search.reference_dir is not set")
        root = Path(folder).expanduser().resolve()
        path = (root / name).resolve()
        if root not in path.parents or not path.is_file():
            raise QuestionError(f"no picture {name} below this robot's reference_dir")
        return path.read_bytes()

    def _on_template(self, message: msg.PersonTemplate) -> None:
        try:
            embeddings, qualities = people_conversion.template_from_message(message)
            template = Template()
            for embedding, quality in zip(embeddings, qualities):
                template.add(embedding, quality)
        except ValueError as error:
            self.get_logger().warning(f"{message.robot_id} told of {message.person_id}, turned down: {error}")
            return
        if template.mean is not None:
            self._templates[message.person_id] = (message.model_id, template.mean)

    def _on_verdict(self, message: msg.PersonVerdict) -> None:
        try:
            self._aliases.take(people_conversion.verdict_from_message(message))
        except ValueError as error:
            self.get_logger().warning(f"{message.by} told of two persons, turned down: {error}")

    def _on_gallery_entry(self, message: msg.GalleryEntry) -> None:
        if message.deleted:
            self._gallery.pop(message.entry_id, None)
            return
        try:
            entry = people_conversion.entry_from_message(message)
            entry.check()
            self._gallery[entry.entry_id] = entry
        except ValueError as error:
            self.get_logger().warning(f"gallery entry {message.entry_id!r}, turned down: {error}")

    def _work(self, items: list) -> None:
        for call, *arguments in items:
            call(*arguments)

    def close(self) -> None:
        """Stop; searches under way end with what they have."""
        self._open.close()
        self._worker.close()


def main() -> None:
    """Run the node in a process of its own."""
    run_node(SearchNode)
