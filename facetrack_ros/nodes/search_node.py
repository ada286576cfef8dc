"""Search node: a robot's front door. Ask it, and it asks every robot."""

import time
from dataclasses import dataclass, field, replace

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future

from facetrack_ros import msg, srv
from facetrack_ros.errors import FacetrackError
from facetrack_ros.nodes import conversion
from facetrack_ros.nodes.known_faces import KnownFaces
from facetrack_ros.nodes.member import RELIABLE, ROSTER, RobotMember
from facetrack_ros.nodes.process import run_node
from facetrack_ros.nodes.request_reading import RequestReading
from facetrack_ros.nodes.worker import Everything, Worker
from facetrack_ros.search.aliased import follow_aliases
from facetrack_ros.search.gathering import Gathering
from facetrack_ros.search.question import Question
from facetrack_ros.search.roster import Roster
from facetrack_ros.vision.contract import ModelContract
from facetrack_ros.vision.from_config import FACE_OPTIONS, face_settings
from facetrack_ros.vision.shared_models import SharedModels

LEAST_WAIT_S = 0.25


@dataclass
class _Search:
    gathering: Gathering
    finished: Future = field(default_factory=Future)


class SearchNode(RobotMember):
    """Serves ``face_search``: embeds the reference, asks the mesh, gathers until all have answered or time is up.

    :param models: where the process shares them; else they are those of the settings, loaded at the first picture.
    """

    NAME = "search"
    USES = ("mesh", "backtrack_search.", *FACE_OPTIONS)
    OWN = ("cameras",)
    WHILE_INACTIVE = "it turns questions down and holds no models"

    def __init__(self, models: "SharedModels | None" = None, **member):
        super().__init__(**member)
        self._models = models or SharedModels(face_settings(self.settings))
        self._roster = Roster()
        self._searches: "dict[str, _Search]" = {}
        # Several searches wait for their answers at once, in one thread.
        self._group = ReentrantCallbackGroup()
        self._known = KnownFaces(self, self._group)
        self._reading = RequestReading(self, self._known, self._models)
        self._worker = Worker("search", Everything(), self._work, self.get_logger())
        self._requests = self.create_publisher(msg.FaceSearchRequest, self.mesh_topic("search/request"), RELIABLE)
        self.create_subscription(msg.FaceSearchResult, self.mesh_topic("search/result"), self._on_result, RELIABLE,
                                 callback_group=self._group)
        self.create_subscription(msg.HistoryStatus, self.mesh_topic("roster"), self._on_status, ROSTER,
                                 callback_group=self._group)
        self.create_service(srv.FaceSearch, self.robot_topic("face_search"), self._serve, callback_group=self._group)

    def deactivate(self) -> None:
        """Finish the questions at hand and free the models."""
        self._worker.drain()
        self._models.give_back("search")

    def settings_changed(self, names: "set[str]") -> None:
        """Judge references by the new threshold."""
        if "faces.min_width_px" in names:
            self._models.change(min_face_px=self.settings["faces.min_width_px"])

    async def _serve(self, request: srv.FaceSearch.Request, response: srv.FaceSearch.Response):
        arrived = time.monotonic()
        if not self.active:
            response.message = (f"the search of {self.robot_id} is {self.state} and takes no questions: ros2 lifecycle set "
                                f"{self.get_fully_qualified_name()} activate")
            return response
        prepared = Future()
        self._worker.put("", (self._prepare, request, prepared))
        question, refusal = await prepared
        if question is None:
            response.message = refusal
            return response
        # The caller's time runs since the call came, but the robots get some of it however long the reference took.
        remaining_s = max(LEAST_WAIT_S, question.timeout_ns / 1e9 - (time.monotonic() - arrived))
        question = replace(question, timeout_ns=round(remaining_s * 1e9))
        contract = self._reading.contract(question.model_id)
        search = _Search(self._gather(question, contract))
        self._searches[question.search_id] = search
        deadline = self.create_timer(remaining_s, lambda: _finish(search), callback_group=self._group)
        self._requests.publish(conversion.question_to_message(question, self.robot_id))
        if search.gathering.done:
            _finish(search)
        await search.finished
        self.destroy_timer(deadline)
        del self._searches[question.search_id]
        conversion.fill_response(response, follow_aliases(search.gathering.close(), self._known.aliases))
        return response

    def _gather(self, question: Question, contract: ModelContract) -> Gathering:
        """Who has to answer: the roster, of which those who left or fell silent are not waited for."""
        entries = self._roster.entries(time.monotonic_ns())
        # A robot that has seen no face yet has no model yet: it answers that it has no sightings.
        expected = {entry.robot_id: entry.model_id or question.model_id for entry in entries}
        # This robot has a memory too, also while its own first line of the roster is still on its way.
        expected.setdefault(self.robot_id, question.model_id)
        gathering = Gathering(question, contract, expected)
        for entry in entries:
            if entry.left:
                gathering.left(entry.robot_id)
            elif entry.stale:
                gathering.silent(entry.robot_id, entry.silent_ns)
        return gathering

    def _prepare(self, request: srv.FaceSearch.Request, prepared: Future) -> None:
        """The question, or the sentence that refuses it. In the worker: models may have to run."""
        try:
            prepared.set_result((self._reading.question(request), ""))
        except FacetrackError as error:
            prepared.set_result((None, str(error)))
        except Exception as error:  # the caller waits: it must hear of it, whatever it was
            prepared.set_result((None, f"unexpected {type(error).__name__}: {error}"))
            raise
        finally:
            # Whoever awaits is looked at when the executor next wakes, and another thread's result does not wake it.
            self.executor.wake()

    def _on_result(self, message: msg.FaceSearchResult) -> None:
        search = self._searches.get(message.search_id)
        if search is None:
            return  # another robot's search, or one that is over
        search.gathering.add(message.search_id, conversion.robot_answer_from_message(message.robot),
                             tuple(conversion.match_from_message(match) for match in message.matches))
        if search.gathering.done:
            _finish(search)

    def _on_status(self, message: msg.HistoryStatus) -> None:
        self._roster.heard(message.robot_id, message.model_id, message.leaving, time.monotonic_ns())
        if message.leaving:
            for search in list(self._searches.values()):
                search.gathering.left(message.robot_id)
                if search.gathering.done:
                    _finish(search)

    def _work(self, items: list) -> None:
        for call, *arguments in items:
            call(*arguments)

    def close(self) -> None:
        """Stop; searches under way end with what they have."""
        for search in list(self._searches.values()):
            _finish(search)
        self._worker.close()


def _finish(search: _Search) -> None:
    if not search.finished.done():
        search.finished.set_result(None)


def main() -> None:
    """Run the node in a process of its own."""
    run_node(SearchNode)
