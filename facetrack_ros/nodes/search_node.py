"""Search node: serves ``face_search`` and searches every robot of the mesh."""

import time
from dataclasses import replace

from rclpy.callback_groups import ReentrantCallbackGroup

from facetrack_ros import srv
from facetrack_ros.concurrency.worker import FifoMailbox, Worker, run_calls
from facetrack_ros.errors import RequestError
from facetrack_ros.nodes.base.process import run_node
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.search import fill_response
from facetrack_ros.nodes.fleet.partial_results import PartialResults
from facetrack_ros.nodes.fleet.people_directory import PeopleDirectory
from facetrack_ros.nodes.fleet.people_query import PeopleQuery
from facetrack_ros.nodes.fleet.request_parser import RequestParser
from facetrack_ros.nodes.fleet.search_client import SearchClient
from facetrack_ros.nodes.health.publisher import Diagnostics
from facetrack_ros.nodes.health.service_health import ServiceHealth
from facetrack_ros.nodes.health.status import Diagnosis
from facetrack_ros.search.joined_visits import joined_request, with_joined_visits
from facetrack_ros.search.other_people import settle_people
from facetrack_ros.search.partial import partial_sentence
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import SearchResponse
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import FACE_OPTIONS, face_settings

# Robots get at least this long to respond, however long the reference took to embed. Chosen by hand.
LEAST_WAIT_S = 0.25


class SearchNode(RobotMemberNode):
    """Serves ``face_search``: embeds the reference, sends the request to all robots and merges their results.

    :param models: shared by the process; None: its own, from the settings, loaded at the first picture.
    """

    NAME = "search"
    USES = ("mesh", "backtrack_search.", *FACE_OPTIONS)
    OWN = ("cameras",)
    WHILE_INACTIVE = "it refuses requests and holds no models"

    def __init__(self, models: PipelinePool | None = None, **member):
        super().__init__(**member)
        self._models = models or PipelinePool(face_settings(self.settings))
        group = ReentrantCallbackGroup()  # several searches wait at once, on one thread
        self._people = PeopleDirectory(self, group)
        self._parser = RequestParser(self, self._people, self._models)
        self._client = SearchClient(self, group, PartialResults(self, self._people.merges))
        self._people_query = PeopleQuery(self, group, self._client.roster)
        self._worker = Worker("search", FifoMailbox(), run_calls)
        self._health = ServiceHealth("search", "searches answered")
        self._partial = 0
        self.create_service(srv.FaceSearch, self.robot_topic("face_search"), self._serve, callback_group=group)
        self._diagnostics = Diagnostics(self, self.robot_id, lambda: [self._report()])

    def deactivate(self) -> None:
        """Finish pending requests and free the models."""
        self._worker.drain()
        self._models.release("search")

    def settings_changed(self, names: set[str]) -> None:
        """Use the new threshold for references."""
        if "faces.min_width_px" in names:
            self._models.set_thresholds(min_face_px=self.settings.faces.min_width_px)

    async def _serve(self, call: srv.FaceSearch.Request, response: srv.FaceSearch.Response):
        arrived = time.monotonic()
        try:
            request = await self._parse(call)
        except Exception as error:  # the client waits for a response in any case
            response.message = self._health.raised(error)
            return response
        remaining_s = max(LEAST_WAIT_S, request.timeout_ns / 1e9 - (time.monotonic() - arrived))
        request = replace(request, timeout_ns=round(remaining_s * 1e9))
        merges, faces = self._people.merges, self._people.faces_of_model(request.model_id)
        result = settle_people(await self._search(request), merges, faces)
        joined = joined_request(request, result, merges, f"{request.search_id}.persons")
        if joined is not None:
            remaining_s = max(LEAST_WAIT_S, remaining_s - (time.monotonic() - arrived))
            found = await self._search(replace(joined, timeout_ns=round(remaining_s * 1e9)), parts=False)
            result = settle_people(with_joined_visits(result, found, request.result_limit), merges, faces)
        fill_response(response, result)
        self._count(result, time.monotonic() - arrived)
        return response

    async def _search(self, request: SearchRequest, parts: bool = True) -> SearchResponse:
        search = self._client.begin(request, self._parser.contract(request.model_id), parts)
        await search.finished
        self._client.end(search)
        return search.collector.close()

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
                "under way": str(len(self._client)),
                "robots on the mesh": str(present),
                "robots silent": str(silent),
                "malformed from the mesh": str(sum(self._client.malformed.values())),
            },
            "" if self.active else f"is {self.state}: {self.WHILE_INACTIVE}",
            self._client.shared_names,
        )

    def close(self) -> None:
        """Stop; running searches end with the results they have."""
        self._diagnostics.close()
        self._client.close()
        self._people_query.close()
        self._worker.close()


def main() -> None:
    """Run the node in a process of its own."""
    run_node(SearchNode)
