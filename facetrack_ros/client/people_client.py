"""ROS client of the command line for people: lists them, merges and splits them, enrols and removes them."""

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from types import TracebackType

from facetrack_ros.client.fleet_client import FleetClient
from facetrack_ros.client.fleet_requester import FleetRequester
from facetrack_ros.config import Config
from facetrack_ros.core.fleet.kinds import ENROL, LIST_GALLERY, LIST_PEOPLE, MERGE, REMOVE, SPLIT
from facetrack_ros.errors import InvalidInput
from facetrack_ros.history.people.gallery_store import MOST_ENTRIES
from facetrack_ros.nodes.conversion.fields import MOST_IDS
from facetrack_ros.search.fleet.fleet_answer import FleetAnswer
from facetrack_ros.search.fleet.people_json import (
    decisions_to_json,
    entries_from_json,
    entries_to_json,
    people_of_answer,
)
from facetrack_ros.search.people import FleetPeople
from facetrack_ros.tracking.identity.gallery import GalleryEntry
from facetrack_ros.tracking.identity_merges import MergeDecision

# How long robots are waited for that are to change something. Chosen by hand: each writes files.
CHANGE_S = 8.0


class PeopleClient:
    """Client as a context manager. Every robot of the mesh is asked, and answers for itself.

    :ivar fleet: the robots heard.
    :ivar requester: sends the requests.
    :param mesh: prefix of the topics that all robots share; empty: the default of this environment.
    :param config: settings of the command line.
    :param operator: who asks for changes, and why; empty: the user.
    """

    def __init__(self, mesh: str = "", config: Config | None = None, operator: str = "", reason: str = ""):
        self.fleet = FleetClient("", mesh, config)
        self._operator, self._reason = operator, reason

    def __enter__(self) -> "PeopleClient":
        self._open = ExitStack()
        self._open.enter_context(self.fleet)
        self.requester = FleetRequester(self.fleet)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def people(self) -> FleetPeople:
        """What the robots of the mesh hold of persons.

        :raises RequestError: there is no robot on the mesh.
        """
        return people_of_answer(self.requester.ask(LIST_PEOPLE))

    def gallery(self) -> FleetPeople:
        """The gallery entries that the robots of the mesh hold, without embeddings.

        :raises RequestError: there is no robot on the mesh.
        """
        return people_of_answer(self.requester.ask(LIST_GALLERY))

    def whole_entries(self, held: FleetPeople) -> list[GalleryEntry]:
        """The gallery entries with their embeddings, each from one of the robots that hold it.

        :param held: what robots hold; entries that do not come are missing in the result.
        """
        found: dict[str, GalleryEntry] = {}
        for robot in held.robots:
            lacking = [entry.entry_id for entry in robot.entries if entry.entry_id not in found]
            for start in range(0, len(lacking), MOST_IDS):
                values = {"ids": lacking[start : start + MOST_IDS], "embeddings": True}
                for line in self.requester.ask(LIST_GALLERY, values, robots=(robot.robot_id,)).done:
                    try:
                        entries = entries_from_json(line.values, MOST_ENTRIES)
                    except InvalidInput:
                        continue  # another robot may hold them too
                    found |= {entry.entry_id: entry for entry in entries}
        return list(found.values())

    def enrol(self, entries: Sequence[GalleryEntry], outdated: Collection[str] = ()) -> FleetAnswer:
        """Have every robot store gallery entries, now or when it comes back.

        :param outdated: ids of entries that they replace.
        """
        return self._change(ENROL, {"entries": entries_to_json(entries), "outdated": list(outdated)})

    def remove(self, name: str) -> FleetAnswer:
        """Have every robot delete the gallery entries of a name, or the one of an id, now or when it comes back."""
        return self._change(REMOVE, {"name": name})

    def merge(self, ids: Sequence[str], decisions: Collection[MergeDecision], reason: str = "") -> FleetAnswer:
        """Have every robot take two ids for one person, now or when it comes back."""
        return self._change(MERGE, {"ids": list(ids), **decisions_to_json(decisions)}, reason)

    def split(self, person_id: str, decisions: Collection[MergeDecision], reason: str = "") -> FleetAnswer:
        """Have every robot part an id from those it was merged with, now or when it comes back."""
        return self._change(SPLIT, {"ids": [person_id], **decisions_to_json(decisions)}, reason)

    def _change(self, kind: str, values: dict, reason: str = "") -> FleetAnswer:
        return self.requester.ask(kind, values, CHANGE_S, operator=self._operator, reason=reason or self._reason)
