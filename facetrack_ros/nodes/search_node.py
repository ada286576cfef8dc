"""Search node: a robot's front door. Ask it, and it asks every robot."""

import time
from dataclasses import replace

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future

from facetrack_ros import srv
from facetrack_ros.concurrency.worker import FifoMailbox, Worker
from facetrack_ros.errors import FacetrackError
from facetrack_ros.nodes.base.process import run_node
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.search import fill_response
from facetrack_ros.nodes.fleet.partial_results import AnswerParts
from facetrack_ros.nodes.fleet.people_directory import PeopleDirectory
from facetrack_ros.nodes.fleet.request_parser import RequestReading
from facetrack_ros.nodes.fleet.search_client import SearchClient
from facetrack_ros.nodes.health.publisher import Diagnostics
from facetrack_ros.nodes.health.service_health import ServiceHealth
from facetrack_ros.nodes.health.status import Diagnosis
from facetrack_ros.search.response import ANSWERED, SearchResponse
from facetrack_ros.search.visits import apply_merges
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import FACE_OPTIONS, face_settings

LEAST_WAIT_S = 0.25


class SearchNode(RobotMemberNode):
    """Serves ``face_search``: embeds the reference, asks the mesh, gathers until all have answered or time is up.

    :param models: where the process shares them; else they are those of the settings, loaded at the first picture.
    """

    NAME = "search"
    USES = ("mesh", "backtrack_search.", *FACE_OPTIONS)
    OWN = ("cameras",)
    WHILE_INACTIVE = "it turns questions down and holds no models"

    def __init__(self, models: PipelinePool | None = None, **member):
        super().__init__(**member)
        self._models = models or PipelinePool(face_settings(self.settings))
        # Several searches wait for their answers at once, in one thread.
        self._group = ReentrantCallbackGroup()
        self._known = PeopleDirectory(self, self._group)
        self._reading = RequestReading(self, self._known, self._models)
        self._open = SearchClient(self, self._group, AnswerParts(self, self._known.merges))
        self._worker = Worker("search", FifoMailbox(), self._work)
        self._health = ServiceHealth("search", "searches answered")
        self._partial = 0
        self.create_service(srv.FaceSearch, self.robot_topic("face_search"), self._serve, callback_group=self._group)
        self._diagnostics = Diagnostics(self, self.robot_id, lambda: [self._look()])

    def deactivate(self) -> None:
        """Finish the questions at hand and free the models."""
        self._worker.drain()
        self._models.release("search")

    def settings_changed(self, names: set[str]) -> None:
        """Judge references by the new threshold."""
        if "faces.min_width_px" in names:
            self._models.set_thresholds(min_face_px=self.settings.faces.min_width_px)

    async def _serve(self, request: srv.FaceSearch.Request, response: srv.FaceSearch.Response):
        arrived = time.monotonic()
        if not self.active:
            response.message = (
                f"the search of {self.robot_id} is {self.state} and takes no questions: ros2 lifecycle set "
                f"{self.get_fully_qualified_name()} activate"
            )
            self._health.refused(response.message)
            return response
        prepared = Future()
        self._worker.put("", (self._prepare, request, prepared))
        question, refusal = await prepared
        if question is None:
            response.message = refusal
            self._health.refused(refusal)
            return response
        if question.search_id in self._open:
            response.message = (
                f"a search of the id {question.search_id} is under way; give each search an id of its own"
            )
            self._health.refused(response.message)
            return response
        # The caller's time runs since the call came, but the robots get some of it however long the reference took.
        remaining_s = max(LEAST_WAIT_S, question.timeout_ns / 1e9 - (time.monotonic() - arrived))
        question = replace(question, timeout_ns=round(remaining_s * 1e9))
        search = self._open.begin(question, self._reading.contract(question.model_id))
        await search.finished
        self._open.end(search)
        answer = search.gathering.close()
        fill_response(response, replace(answer, matches=apply_merges(answer.matches, self._known.merges)))
        self._note(answer, time.monotonic() - arrived)
        return response

    def _note(self, answer: SearchResponse, took_s: float) -> None:
        self._health.done(took_s)
        missing = [
            f"{robot.robot_id} ({robot.status.replace('_', ' ')})"
            for robot in answer.robots
            if robot.status != ANSWERED
        ]
        if missing:
            self._partial += 1
            self._health.failed(f"the last search that had to do without some robots did without {', '.join(missing)}")

    def _look(self) -> Diagnosis:
        there, silent = self._open.robots()
        turned_down = sum(self._open.turned_down.values())
        return self._health.report(
            {
                "partial answers": str(self._partial),
                "under way": str(len(self._open)),
                "robots on the mesh": str(there),
                "robots silent": str(silent),
                "malformed from the mesh": str(turned_down),
            },
            "" if self.active else f"is {self.state}: {self.WHILE_INACTIVE}",
        )

    def _prepare(self, request: srv.FaceSearch.Request, prepared: Future) -> None:
        """The question, or the sentence that refuses it. In the worker: models may have to run."""
        try:
            prepared.set_result((self._reading.question(request), ""))
        except FacetrackError as error:
            prepared.set_result((None, str(error)))
        except Exception as error:  # the caller waits: it must hear of it, whatever it was
            sentence = f"unexpected {type(error).__name__}: {error}"
            self._health.failed(sentence)
            prepared.set_result((None, sentence))
            raise
        finally:
            # Whoever awaits is looked at when the executor next wakes, and another thread's result does not wake it.
            self.executor.wake()

    def _work(self, items: list) -> None:
        for call, *arguments in items:
            call(*arguments)

    def close(self) -> None:
        """Stop; searches under way end with what they have."""
        self._diagnostics.close()
        self._open.close()
        self._worker.close()


def main() -> None:
    """Run the node in a process of its own."""
    run_node(SearchNode)
