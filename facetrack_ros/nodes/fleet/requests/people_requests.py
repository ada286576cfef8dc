"""What a robot does with requests on people."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from facetrack_ros import msg
from facetrack_ros.core import validation
from facetrack_ros.core.fleet.fleet_request import FleetRequest, field_of, list_of
from facetrack_ros.core.fleet.kinds import ENROL, LIST_GALLERY, LIST_PEOPLE, MERGE, REMOVE, SPLIT
from facetrack_ros.core.names import nfc
from facetrack_ros.errors import InvalidInput
from facetrack_ros.history.audit.audit_log import ENROLMENT, REMOVAL
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.requests.people_changes import enrol_entries, merge_persons, remove_entries, split_person
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.nodes.base.qos import PEOPLE_RECORDS
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.fields import MOST_IDS
from facetrack_ros.nodes.conversion.people import entry_to_message, verdict_to_message
from facetrack_ros.nodes.fleet.requests.request_server import FleetRequestServer
from facetrack_ros.search.fleet.people_json import (
    decisions_from_json,
    entries_from_json,
    entries_to_json,
    people_to_json,
)
from facetrack_ros.search.people import people_of_robot
from facetrack_ros.tracking.identity.gallery import entry_id as checked_id
from facetrack_ros.tracking.identity_merges import MergeDecision

# Entries of one request, as pictures of an enrolment; decisions of one.
_MOST_ENTRIES, _MOST_DECISIONS = 200, 1000


class PeopleRequests:
    """Lists and changes persons, merge decisions and gallery entries in the robot's folder.

    What changes is published on ``gallery`` and ``verdicts`` too, from where the robot's tracker takes it over.

    :param node: the history node.
    :param history: the robot's history, None until it is open.
    """

    def __init__(self, node: RobotMemberNode, server: FleetRequestServer, history: Callable[[], RobotHistory | None]):
        self._node, self._server, self._history, self._log = node, server, history, server.log
        self._folder = node.robot_folder() / node.robot_id
        self._entries = node.create_publisher(msg.GalleryEntry, node.mesh_topic("gallery"), PEOPLE_RECORDS)
        self._decisions = node.create_publisher(msg.PersonVerdict, node.mesh_topic("verdicts"), PEOPLE_RECORDS)
        server.register(LIST_PEOPLE, self._list_people)
        server.register(LIST_GALLERY, self._list_gallery)
        server.register(ENROL, self._enrol, changes=True)
        server.register(REMOVE, self._remove, changes=True, undoes=(ENROL,))
        server.register(MERGE, self._merge, changes=True)
        server.register(SPLIT, self._split, changes=True)

    def _list_people(self, request: FleetRequest) -> dict[str, Any]:
        history = self._history()
        stores = () if history is None else (history.sightings,)
        return people_to_json(people_of_robot(self._folder, self._node.robot_id, open_stores=stores))

    def _list_gallery(self, request: FleetRequest) -> dict[str, Any]:
        values = request.values
        ids = set(list_of(values, "ids", str, MOST_IDS))
        entries = [entry for entry in GalleryStore(self._folder).read() if not ids or entry.entry_id in ids]
        return {"entries": entries_to_json(entries, field_of(values, "embeddings", bool, False))}

    def _enrol(self, request: FleetRequest) -> dict[str, Any]:
        values = request.values
        entries = entries_from_json(values, _MOST_ENTRIES)
        outdated = list(map(checked_id, list_of(values, "outdated", str, _MOST_ENTRIES)))
        added = enrol_entries(self._folder, entries, outdated)
        for entry in added:
            self._entries.publish(entry_to_message(entry))
        self._publish_deleted(outdated)
        ids = [entry.entry_id for entry in added]
        if added:
            self._record(ENROLMENT, request, name=added[0].name, entries=ids, pictures=0, error="")
        return {"added": ids}

    def _remove(self, request: FleetRequest) -> dict[str, Any]:
        name = nfc(validation.plain_text(field_of(request.values, "name", str), "the name", 200, empty=False))
        later = self._log.later(request, (ENROL,))
        spared = {entry.entry_id for each in later for entry in entries_from_json(each.values, _MOST_ENTRIES)}
        deleted = remove_entries(self._folder, name, request.issued_ns, spared)
        self._publish_deleted(deleted)
        if deleted:
            self._record(REMOVAL, request, entries=deleted)
        return {"deleted": deleted}

    def _merge(self, request: FleetRequest) -> dict[str, Any]:
        ids, decisions = self._ids_and_decisions(request, 2, same=True)
        return self._decided(merge_persons(self._folder, ids, decisions))

    def _split(self, request: FleetRequest) -> dict[str, Any]:
        ids, decisions = self._ids_and_decisions(request, 1, same=False)
        return self._decided(split_person(self._folder, ids[0], decisions))

    def _ids_and_decisions(
        self, request: FleetRequest, count: int, same: bool
    ) -> tuple[list[str], tuple[MergeDecision, ...]]:
        values = request.values
        ids = [validation.identifier(each, "a person id") for each in list_of(values, "ids", str, count)]
        decisions = decisions_from_json(values)
        validation.at_most(decisions, "decisions", _MOST_DECISIONS)
        if len(ids) != count or not decisions or any(each.same != same or not each.operator for each in decisions):
            raise InvalidInput(f"it has not {count} ids and the decisions of a person on them", "field")
        if not self._server.open_mesh:  # they are of the operator that the request's signature proves
            decisions = tuple(replace(each, by=request.operator) for each in decisions)
        return ids, decisions

    def _decided(self, new: Iterable[MergeDecision]) -> dict[str, Any]:
        for decision in new:
            self._decisions.publish(verdict_to_message(decision))
        return {"new": [decision.record_id for decision in new]}

    def _publish_deleted(self, entry_ids: Iterable[str]) -> None:
        for entry_id in entry_ids:
            self._entries.publish(msg.GalleryEntry(entry_id=entry_id, deleted=True, by=self._node.robot_id))

    def _record(self, kind: str, request: FleetRequest, **what: Any) -> None:
        if self._server.audit is not None:
            said = self._server.audit.who(request.operator, request.reason, request.signer) | {"request": request.id}
            self._server.audit.record(kind, {**said, **what})
