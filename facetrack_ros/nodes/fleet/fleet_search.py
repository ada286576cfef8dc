"""A whole search: the face over all robots, then the visits of the persons found, told apart."""

import time
from dataclasses import replace

from facetrack_ros.models.contract import ModelContract
from facetrack_ros.nodes.fleet.people_directory import PeopleDirectory
from facetrack_ros.nodes.fleet.search_client import SearchClient
from facetrack_ros.search.joined_visits import joined_request, with_joined_visits
from facetrack_ros.search.other_people import settle_people
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import SearchResponse

# Robots get at least this long to respond, however long the reference took to embed. Chosen by hand.
LEAST_WAIT_S = 0.25


class FleetSearch:
    """Runs searches on a node's executor.

    :param client: sends the requests and collects the results.
    :param people: merge decisions and face templates of the mesh.
    """

    def __init__(self, client: SearchClient, people: PeopleDirectory):
        self._client, self._people = client, people

    async def run(self, request: SearchRequest, contract: ModelContract, arrived_s: float) -> SearchResponse:
        """Search, within the request's timeout.

        :param contract: of the request's model.
        :param arrived_s: when the timeout began, by ``time.monotonic()``.
        :raises RequestError: the request is not valid.
        """
        remaining_s = max(LEAST_WAIT_S, request.timeout_ns / 1e9 - (time.monotonic() - arrived_s))
        request = replace(request, timeout_ns=round(remaining_s * 1e9))
        merges, faces = self._people.merges, self._people.faces_of_model(request.model_id)
        result = settle_people(await self._search(request, contract), merges, faces)
        joined = joined_request(request, result, merges, f"{request.search_id}.persons")
        if joined is not None:
            remaining_s = max(LEAST_WAIT_S, remaining_s - (time.monotonic() - arrived_s))
            joined = replace(joined, timeout_ns=round(remaining_s * 1e9))
            found = await self._search(joined, contract, parts=False)
            result = settle_people(with_joined_visits(result, found, request.result_limit), merges, faces)
        return result

    async def _search(self, request: SearchRequest, contract: ModelContract, parts: bool = True) -> SearchResponse:
        search = self._client.begin(request, contract, parts)
        await search.finished
        return self._client.end(search)
