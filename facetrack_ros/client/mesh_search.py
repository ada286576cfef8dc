"""Search of the command line over the mesh: every robot answers for itself, and none is asked for the others."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from rclpy.callback_groups import ReentrantCallbackGroup

from facetrack_ros import srv
from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.client.fleet_models import fleet_models
from facetrack_ros.config import Config
from facetrack_ros.errors import RequestError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.nodes.fleet.fleet_search import FleetSearch
from facetrack_ros.nodes.fleet.people_directory import PeopleDirectory
from facetrack_ros.nodes.fleet.request_parser import RequestParser
from facetrack_ros.nodes.fleet.search_client import SearchClient
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import NotSearched, SearchResponse
from facetrack_ros.search.response_collector import ResponseCollector
from facetrack_ros.vision.pipeline_pool import PipelinePool
from facetrack_ros.vision.settings import face_settings

# Longest wait for the face of a person or name that was heard of nowhere yet; robots send it when they are discovered.
FACE_S = 3.0
_CHECK_S = 0.05


class PartPrinter:
    """Passes each robot's response on as it comes.

    :param on_part: takes the collector, the robot's response and its matches; see :func:`.part_line`.
    """

    def __init__(self, on_part: Callable[..., None]):
        self._on_part = on_part

    def begin(self, collector: ResponseCollector) -> None:
        """Tell who is asked, and each part from now on."""
        collector.listener = lambda response, matches: self._on_part(response, matches, collector.missing, False)
        self._on_part(None, (), collector.missing, False)

    def end(self, collector: ResponseCollector) -> None:
        """Tell who did not answer."""
        self._on_part(None, (), collector.missing, True)


class MeshSearch:
    """Sends searches to all robots and collects their results, each counted only for the process it comes from.

    The face of a picture is embedded here: robots get the embedding, never the picture.

    :param client: an open one.
    :param config: settings of the command line: models, thresholds, limits.
    :param on_part: called as :class:`PartPrinter` says.
    """

    def __init__(self, client: FleetClient, config: Config, on_part: Callable[..., None]):
        self._client, self._config, node = client, config, client.node
        group = ReentrantCallbackGroup()
        self._people = PeopleDirectory(node, group, client.roster_listener)
        search_client = SearchClient(node, client.roster_listener, group, PartPrinter(on_part))
        search_client.connect()
        self._search = FleetSearch(search_client, self._people)

    def search(self, call: srv.FaceSearch.Request) -> SearchResponse:
        """Search every robot of the roster.

        :raises RequestError: there is no robot, no face, or the request is not valid.
        """
        unheard = self._client.require_robots()
        request, contract = self.parse(call)
        timeout_s = request.timeout_ns / 1e9
        run = self._search.run
        response = self._client.run(run, request, contract, time.monotonic(), timeout_s=2 * timeout_s + 10.0)
        if unheard:
            gap = NotSearched("", f"{unheard} more robots are on the mesh, no heartbeat of which arrived")
            response = replace(response, not_searched=(*response.not_searched, gap))
        return response

    def parse(self, call: srv.FaceSearch.Request, robot: str = "") -> tuple[SearchRequest, ModelContract]:
        """The request of a call, embedded here, and the contract of its model.

        :param robot: whose model is to be used; empty: one of the robots heard.
        :raises RequestError: no model of the robots is on this machine, or the face is not known.
        """
        if call.person_id or call.name:
            self._wait_for_face(call)
        models = PipelinePool(face_settings(self._config))
        if len(call.image.data):
            models = fleet_models(self._client, self._config, robot)
        parser = RequestParser(self._client.node, self._people, models)
        request = parser.parse(call)
        return request, parser.contract(request.model_id)

    def _wait_for_face(self, call: srv.FaceSearch.Request) -> None:
        """Wait until the face of the person or name is known; the parser says that it is not."""
        deadline = time.monotonic() + FACE_S
        while time.monotonic() < deadline:
            with suppress(RequestError):
                if call.person_id:
                    self._people.face_of(call.person_id)
                else:
                    self._people.face_of_name(call.name)
                return
            time.sleep(_CHECK_S)
