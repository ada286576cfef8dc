"""A node's records in the audit log of its robot."""

from collections.abc import Callable, Mapping
from typing import Any

from facetrack_ros.errors import RequestError, StoreError
from facetrack_ros.history.audit.audit_log import AuditLog
from facetrack_ros.history.audit.reason import who_asked, why_refused
from facetrack_ros.history.disk_room import DiskRoom
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode


class AuditWriter:
    """Appends records; that one cannot be written is counted and told, and hinders nothing.

    :ivar not_written: number of records that could not be written.
    :param node: with the ``audit.`` settings.
    :param failed: takes why a record could not be written.
    """

    def __init__(self, node: RobotMemberNode, failed: Callable[[StoreError], None]):
        self._node, self._failed = node, failed
        self._folder = node.robot_folder() / node.robot_id
        self.log = AuditLog(self._folder, node.robot_id)
        self.not_written = 0

    def record(self, kind: str, fields: Mapping[str, Any], room: DiskRoom | None = None) -> bool:
        """Append a record; a robot that has no folder yet records nothing.

        :param room: the space that stays free; None: none.
        :returns: whether it is written.
        """
        if not self._folder.is_dir():
            return False
        try:
            if room is not None:
                room.require(self._folder, "audit records")
            self.log.append(kind, fields, self._node.get_clock().now().nanoseconds)
        except StoreError as error:
            self.not_written += 1
            self._failed(error)
            return False
        return True

    def who(self, operator: str, reason: str, signed_by: str) -> dict[str, Any]:
        """The fields of a record that say who asked, see :func:`.who_asked`.

        :param signed_by: whose signature was verified; without a fleet file none is, whatever this says.
        """
        return who_asked(operator, reason, signed_by if self._node.fleet is not None else "")

    def who_called(self, call: Any) -> dict[str, Any]:
        """The same of a call of a service; in a fleet its envelope names the caller, see :func:`.signed_service`."""
        return self.who(call.operator_name, call.reason, call.envelope.signer)

    def refusal(self, operator: str, reason: str) -> str:
        """Why a request is refused for what it does not say of itself, a sentence; empty: it is not."""
        return why_refused(self._node.robot_id, self._node.settings.audit.require_reason, operator, reason)

    def require_reason(self, operator: str, reason: str) -> None:
        """Check that a request says who asks and why, where the settings demand it.

        :raises RequestError: it does not.
        """
        if refusal := self.refusal(operator, reason):
            raise RequestError(refusal)
