"""Audit log of a history node: start, stop, settings, matches verified; and what it hears of the logs of others."""

import importlib.metadata
import time
from collections.abc import Callable

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup

from facetrack_ros import msg, srv
from facetrack_ros.errors import RequestError, StoreError
from facetrack_ros.history.audit.audit_log import SETTINGS, START, STOP, WARNING
from facetrack_ros.history.audit.hash_chain import ChainHead
from facetrack_ros.history.audit.peer_heads import PeerHeads
from facetrack_ros.history.audit.verifications import UNVERIFIED, MatchVerifications
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.conversion.heartbeat import MOST_WARNINGS, AuditStatus
from facetrack_ros.nodes.conversion.requests import check_verification
from facetrack_ros.nodes.conversion.time import to_ns
from facetrack_ros.nodes.fleet.audit_writer import AuditWriter
from facetrack_ros.nodes.fleet.roster_listener import RosterListener

#: Groups of settings that say what is kept, for how long, and what a search finds.
RECORDED = (
    *("audit.", "backtrack_search.", "clips.", "event_logging.", "faces.", "frame_history.", "recognition."),
    "sightings.",
)
# How often the memory of other robots is written, and old days are deleted.
SAVE_S, _DELETE_S = 10.0, 3600.0


class HistoryAudit(AuditWriter):
    """Audit log of a history node, and its service ``verify_match``.

    :param failed: takes why a record could not be written.
    :param listen: whether to hear the heartbeats of other robots; False: another node of the process passes them on.
    """

    def __init__(
        self, node: RobotMemberNode, instance_id: str, failed: Callable[[StoreError], None], listen: bool = False
    ):
        super().__init__(node, failed)
        self._instance_id = instance_id
        self._started = False
        self._known_settings = self._settings()
        self._opened = self._head = self._read_head(self.log.chain.empty_head)
        self._peers = PeerHeads(self._folder)
        self._stamps: dict[tuple[str, str], int] = {}
        self._saved_s, self._deleted_s = time.monotonic(), float("-inf")
        serve = node.inbox.serve("verify_match call", self._verify, check=check_verification)
        group = MutuallyExclusiveCallbackGroup()
        node.create_service(srv.VerifyMatch, node.robot_topic("verify_match"), serve, callback_group=group)
        if listen:
            self._listen()

    @property
    def status(self) -> AuditStatus:
        """The newest record, for the heartbeat."""
        self._head = self._read_head(self._head)
        warnings = self._peers.warnings(self._node.get_clock().now().nanoseconds)
        return AuditStatus(self._head, self._opened, tuple(warnings[:MOST_WARNINGS]))

    def values(self) -> dict[str, str]:
        """Figures for diagnostics."""
        warnings = self._peers.warnings(self._node.get_clock().now().nanoseconds)
        return {
            "audit records": str(self._head.number),
            "audit records not written": str(self.not_written),
            "audit logs of others": "; ".join(warnings[:MOST_WARNINGS]) or "nothing is wrong",
        }

    def _listen(self) -> None:
        roster = RosterListener(self._node)
        roster.listeners.append(self.on_heartbeat)

        def poll() -> None:
            roster.poll()
            roster.end_startup()

        steady_timer(self._node, 1.0, poll)

    def on_heartbeat(self, message: msg.HistoryStatus) -> None:
        """Compare what another robot tells of its log with what it told before."""
        robot, key, stamp_ns = message.robot_id, (message.robot_id, message.instance_id), to_ns(message.stamp)
        if not message.audit_hash or robot == self._node.robot_id or stamp_ns <= self._stamps.get(key, 0):
            return
        self._stamps.pop(key, None)
        self._stamps[key] = stamp_ns
        while len(self._stamps) > 2 * 500:
            self._stamps.pop(next(iter(self._stamps)))
        head = ChainHead(message.audit_number, message.audit_hash)
        opened = ChainHead(message.audit_opened_number, message.audit_opened_hash)
        problem = self._peers.note(robot, head, opened, self._node.get_clock().now().nanoseconds)
        if problem:
            self._node.get_logger().error(problem)
            self.record(WARNING, {"robot": robot, "sentence": problem})

    def start(self, model_id: str) -> None:
        """Record that the robot begins to keep a history, and by which settings."""
        self._started = self.record(
            START,
            {
                "instance": self._instance_id,
                "version": importlib.metadata.version("facetrack_ros"),
                "model_id": model_id,
                "allow_remote_changes": self._node.settings.allow_remote_changes,
                "settings": self._settings(),
            },
        )

    def stop(self) -> None:
        """Record that it ends, where the start was recorded; keep what was heard of other robots."""
        if self._started:
            self._started = not self.record(STOP, {"instance": self._instance_id})
        self._save()

    def settings_changed(self) -> None:
        """Record what changed of the settings that say what is kept and found."""
        before, self._known_settings = self._known_settings, self._settings()
        changes = {
            name: {"from": before[name], "to": value}
            for name, value in self._known_settings.items()
            if value != before[name]
        }
        if changes:
            self.record(SETTINGS, {"changes": changes, "by": "ros parameter"})

    def tick(self) -> None:
        """Delete old days, and keep what was heard of other robots; to be called about once a second.

        :raises StoreError: something cannot be written or deleted.
        """
        now_s = time.monotonic()
        if now_s - self._deleted_s > _DELETE_S:
            self._deleted_s = now_s
            days, now_ns = self._node.settings.audit.max_age_days, self._node.get_clock().now().nanoseconds
            self.log.delete_older(days, now_ns)
            self._matches().delete_older(days, now_ns)
        if now_s - self._saved_s > SAVE_S:
            self._saved_s = now_s
            self._save()

    def _save(self) -> None:
        if not self._folder.is_dir():
            return
        try:
            self._peers.save()
        except StoreError as error:
            self._failed(error)

    def _settings(self) -> dict[str, object]:
        names = [option.name for option in self._node.options()]
        return {name: self._node.settings.value(name) for name in names if name.startswith(RECORDED)}

    def _read_head(self, before: ChainHead) -> ChainHead:
        try:
            return self.log.chain.head()
        except StoreError as error:
            self._failed(error)
            return before

    def _matches(self) -> MatchVerifications:
        return MatchVerifications(self._folder, self._node.robot_id)

    def _verify(self, request: srv.VerifyMatch.Request, response: srv.VerifyMatch.Response) -> None:
        if self._node.settings.audit.require_reason and not request.reason:
            raise RequestError(self.refusal(request.operator_name, request.reason))
        matches, confirmations = self._matches(), self._node.settings.audit.confirmations
        now_ns = self._node.get_clock().now().nanoseconds
        said = (request.search_id, request.match, request.confirmed, request.operator_name, request.reason)
        signed_by = self.who_called(request)["signed_by"]
        response.state = matches.verify(*said, now_ns, confirmations, signed_by)
        if response.state == UNVERIFIED:
            response.message = "another person has to confirm it too (audit.confirmations)"
        response.success = True
