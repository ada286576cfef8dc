"""Search node: serves ``face_search`` and searches every robot of the mesh."""

import time

from rclpy.callback_groups import ReentrantCallbackGroup

from facetrack_ros import srv
from facetrack_ros.concurrency.open_calls import OpenCalls
from facetrack_ros.concurrency.worker import FifoMailbox, Worker, run_calls
from facetrack_ros.errors import RequestError
from facetrack_ros.nodes.base.process import run_node
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.requests import check_search
from facetrack_ros.nodes.conversion.search import fill_response
from facetrack_ros.nodes.fleet.fleet_search import FleetSearch
from facetrack_ros.nodes.fleet.known_robots import KnownRobotsPublisher
from facetrack_ros.nodes.fleet.partial_results import PartialResults
from facetrack_ros.nodes.fleet.people_directory import PeopleDirectory
from facetrack_ros.nodes.fleet.people_service import PeopleService
from facetrack_ros.nodes.fleet.request_parser import RequestParser
from facetrack_ros.nodes.fleet.requests.request_sender import FleetRequestSender
from facetrack_ros.nodes.fleet.roster_listener import RosterListener
from facetrack_ros.nodes.fleet.search_client import SearchClient
from facetrack_ros.nodes.health.publisher import Diagnostics
from facetrack_ros.nodes.health.service_health import ServiceHealth
from facetrack_ros.nodes.health.status import Diagnosis
from facetrack_ros.search.partial import partial_sentence
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import SearchResponse
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import FACE_OPTIONS, face_settings

# Calls that wait or are under way at once; a further one is told so. Chosen by hand.
MOST_CALLS = 64


class SearchNode(RobotMemberNode):
    """Serves ``face_search``: embeds the reference, sends the request to all robots and merges their results.

    :param models: shared by the process; None: its own, from the settings, loaded at the first picture.
    :ivar roster: the robots of the mesh.
    """

    NAME = "search"
    USES = ("mesh", "backtrack_search.", *FACE_OPTIONS)
    OWN = ("cameras",)
    WHILE_INACTIVE = "it refuses requests and holds no models"

    def __init__(self, models: PipelinePool | None = None, **member):
        super().__init__(**member)
        self._models = models or PipelinePool(face_settings(self.settings))
        group = ReentrantCallbackGroup()  # several searches wait at once, on one thread
        self.roster = roster = RosterListener(self)
        KnownRobotsPublisher(self, roster)
        self._people = PeopleDirectory(self, group, roster)
        self._parser = RequestParser(self, self._people, self._models)
        parts = PartialResults(self, self._people.merges)
        self._client = SearchClient(self, roster, group, parts, self.robot_id)
        self._search = FleetSearch(self._client, self._people)
        self._sender = FleetRequestSender(self, roster, group, self.robot_id)
        PeopleService(self, group, self._sender)
        self._worker = Worker("search", FifoMailbox(), run_calls)
        self._health = ServiceHealth("search", "searches answered")
        self._partial = 0
        self._calls = OpenCalls(f"the search of {self.robot_id}", MOST_CALLS)
        serve = self.inbox.serve("face_search call", self._serve, self._health.raised, check_search)
        self.create_service(srv.FaceSearch, self.robot_topic("face_search"), serve, callback_group=group)
        self._diagnostics = Diagnostics(self, self.robot_id, lambda: [self._report()])

    def deactivate(self) -> None:
        """Finish pending requests and free the models."""
        self._worker.drain()
        self._models.release("search")

    def settings_changed(self, names: set[str]) -> None:
        """Use the new threshold for references."""
        if "faces.min_width_px" in names:
            self._models.set_thresholds(min_face_px=self.settings.faces.min_width_px)

    async def _serve(self, call: srv.FaceSearch.Request, response: srv.FaceSearch.Response) -> None:
        arrived = time.monotonic()
        with self._calls.one(len(call.image.data)):
            request = await self._parse(call)
            result = await self._search.run(request, self._parser.contract(request.model_id), arrived)
        fill_response(response, result)
        self._count(result, time.monotonic() - arrived)

    async def _parse(self, call: srv.FaceSearch.Request) -> SearchRequest:
        if not self.active:
            raise RequestError(
                f"the search of {self.robot_id} is {self.state} and takes no requests: ros2 lifecycle set "
                f"{self.get_fully_qualified_name()} activate"
            )
        request = await self.run_in(self._worker, self._parser.parse, call)
        if request.search_id in self._client:
            raise RequestError(
                f"a search of the id {request.search_id} is under way; give each search an id of its own"
            )
        return request

    def _count(self, result: SearchResponse, took_s: float) -> None:
        self._health.done(took_s)
        if not result.complete:
            self._partial += 1
            self._health.failed(f"the last partial search: {partial_sentence(result)}")

    def _report(self) -> Diagnosis:
        present, silent = self._client.robots()
        return self._health.report(
            {
                "partial answers": str(self._partial),
                "under way": str(len(self._calls)),
                "turned away as busy": str(self._calls.refused),
                "robots on the mesh": str(present),
                "robots silent": str(silent),
                "results not used": str(self._client.forged),
            },
            "" if self.active else f"is {self.state}: {self.WHILE_INACTIVE}",
            self._client.shared_names,
        )

    def close(self) -> None:
        """Stop; running searches end with the results they have."""
        self._diagnostics.close()
        self._client.close()
        self._sender.close()
        self._worker.close()


def main() -> None:
    """Run the node in a process of its own."""
    run_node(SearchNode)
