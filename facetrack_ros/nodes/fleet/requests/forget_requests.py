"""What a robot does when it is asked to forget: by the mesh, or by its own service."""

import json
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from rclpy.callback_groups import ReentrantCallbackGroup

from facetrack_ros import srv
from facetrack_ros.concurrency.open_calls import OpenCalls
from facetrack_ros.concurrency.worker import FifoMailbox, Worker, run_calls
from facetrack_ros.core import validation
from facetrack_ros.core.fleet.fleet_request import FleetRequest
from facetrack_ros.core.fleet.kinds import ENROL, FORGET, FORGET_PREVIEW, MERGE
from facetrack_ros.errors import InvalidInput, RequestError
from facetrack_ros.history.audit.audit_log import FORGET as FORGET_RECORD
from facetrack_ros.history.forget.order import ForgetTarget
from facetrack_ros.history.live_forgetting import RobotForgetting, outcome_to_json
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.time import to_ns
from facetrack_ros.nodes.fleet.requests.request_server import FleetRequestServer

# Calls of the service that wait or are under way at once; further ids of a request. Chosen by hand.
MOST_CALLS = 4
MOST_IDS = 10_000


class ForgetRequests:
    """Previews and forgets persons and stretches of time, and has the caches of the node follow.

    Without keys everyone on the mesh can ask: a robot then forgets only where ``allow_remote_changes`` is set.

    :param node: the history node.
    :param history: the robot's history, None until it is open.
    :raises StoreError: what a killed process began, or what came back from a backup, cannot be forgotten.
    """

    def __init__(self, node: RobotMemberNode, server: FleetRequestServer, history: Callable[[], RobotHistory | None]):
        self._node, self._server = node, server
        self._forgetting = RobotForgetting(
            node.settings,
            node.robot_folder(),
            node.robot_id,
            history,
            lambda: node.get_clock().now().nanoseconds,
            node.fleet.identity if node.fleet is not None else None,
        )
        self._forgetting.at_start()
        server.register(FORGET, partial(self._requested, False), changes=True, undoes=(ENROL, MERGE))
        server.register(FORGET_PREVIEW, partial(self._requested, True))
        self._calls = OpenCalls(f"forgetting of {node.robot_id}", MOST_CALLS)
        self._worker = Worker("forget person", FifoMailbox(), run_calls)
        server.closing.append(self._worker.close)
        serve = node.inbox.serve("forget_person call", self._serve, check=check_forget)
        node.create_service(
            srv.ForgetPerson, node.robot_topic("forget_person"), serve, callback_group=ReentrantCallbackGroup()
        )

    def _requested(self, preview: bool, request: FleetRequest) -> dict[str, Any]:
        values = request.values
        if not preview and (values.get("faces") or values.get("name")):
            # What changes something is kept for robots that are away: neither face nor name may be in it.
            raise InvalidInput("forget by ids, as forget_preview finds them by a face or name", "field")
        target = target_from_values(values, request.operator, request.reason, request.issued_ns)
        return self._done(target, preview, bool(values.get("yes")))

    def _done(self, target: ForgetTarget, preview: bool, yes: bool) -> dict[str, Any]:
        if preview:
            return outcome_to_json(self._forgetting.look(target))
        if self._server.open_mesh and not self._node.settings.allow_remote_changes:
            raise RequestError(
                f"{self._node.robot_id} forgets nothing on a request of an open mesh: close it "
                "(facetrack fleet init), start it with allow_remote_changes: true, or stop it and use --data"
            )
        done = self._forgetting.forget(target, brake=not yes)
        self._server.forget_answers(done.order.needles)
        self._node.get_logger().info(
            f"{target.order_id} is forgotten, as {target.operator or 'an operator without a name'} asked"
        )
        return outcome_to_json(done) | {"names": []}

    async def _serve(self, request: srv.ForgetPerson.Request, response: srv.ForgetPerson.Response) -> None:
        with self._calls.one():
            await self._node.run_in(self._worker, self._call, request, response)

    def _call(self, request: srv.ForgetPerson.Request, response: srv.ForgetPerson.Response) -> None:
        values = {
            name: getattr(request, name)
            for name in ("order_id", "person_id", "name", "blur", "more_persons", "more_entries", "more_tracks")
        }
        start, end = to_ns(request.start), to_ns(request.end)
        span = {"start_ns": start, "end_ns": end} if end else {}
        faces = {"faces": {request.model_id: list(request.embedding)}} if len(request.embedding) else {}
        target = target_from_values({**values, **span, **faces}, request.operator_name, request.reason)
        if (audit := self._server.audit) is not None:
            audit.require_reason(request.operator_name, request.reason)
        done = self._done(target, request.dry_run, request.yes)
        if audit is not None and not request.dry_run:
            audit.record(FORGET_RECORD, {**audit.who_called(request), "order": target.order_id, "blur": target.blur})
        for name in ("person_ids", "entry_ids", "track_ids", "names"):
            setattr(response, name, done[name])
        response.nothing, response.found = done["nothing"], json.dumps(done["found"])
        response.receipt = json.dumps(done["receipt"]) if done["receipt"] else ""
        response.success = True


def check_forget(request: srv.ForgetPerson.Request) -> None:
    """Check a call of ``forget_person``; what is asked for is checked by :func:`target_from_values`.

    :raises InvalidInput: what is not valid.
    """
    validation.plain_text(request.operator_name, "the operator", validation.LONGEST_ID)
    validation.plain_text(request.reason, "the reason", validation.LONGEST_TEXT)
    for ids in (request.more_persons, request.more_entries):
        validation.at_most(ids, "further ids", MOST_IDS)


def target_from_values(values: dict[str, Any], operator: str, reason: str, asked_ns: int = 0) -> ForgetTarget:
    """What is to be forgotten, from the body of a request.

    :param asked_ns: when it was asked; 0: now.
    :raises InvalidInput: a part of it cannot be used.
    :raises RequestError: it does not name one thing.
    """
    faces = values.get("faces") or {}
    if not isinstance(faces, dict):
        raise InvalidInput("the faces to forget are no mapping", "field")
    embeddings = {
        validation.model_name(model, "a model"): validation.embedding(face, "a face to forget")
        for model, face in validation.at_most(list(faces.items()), "faces", 20)
    }
    for stamp in (values.get("start_ns"), values.get("end_ns")):
        if stamp is not None:
            validation.stamp(stamp, "the stretch of time")
    persons, entries, tracks = (
        tuple(
            validation.identifier(each, "an id") for each in validation.at_most(values.get(name) or [], "ids", MOST_IDS)
        )
        for name in ("more_persons", "more_entries", "more_tracks")
    )
    return ForgetTarget(
        validation.token(values.get("order_id") or f"f_{uuid.uuid4().hex[:16]}", "the id of an order"),
        validation.identifier(values.get("person_id") or "", "a person id", empty=True),
        validation.plain_text(values.get("name") or "", "a name", 200),
        {model: np.asarray(face, np.float32) for model, face in embeddings.items()},
        start_ns=values.get("start_ns"),
        end_ns=values.get("end_ns"),
        blur=bool(values.get("blur")),
        operator=operator,
        reason=reason,
        more_persons=persons,
        more_entries=entries,
        more_tracks=tracks,
        asked_ns=asked_ns,
    )
