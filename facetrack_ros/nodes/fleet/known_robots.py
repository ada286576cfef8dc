"""Tells the mesh which robots this robot knows, for programs and robots that start later."""

from facetrack_ros import msg
from facetrack_ros.nodes.base.mesh_node import MeshNode
from facetrack_ros.nodes.base.qos import HEARTBEAT_PUB
from facetrack_ros.nodes.base.timers import steady_timer
from facetrack_ros.nodes.fleet.roster_listener import RosterListener

PERIOD_S = 1.0


class KnownRobotsPublisher:
    """Publishes the robots of the roster when one joins, leaves, falls silent or is forgotten; at most once a second.

    A robot that was killed is never heard by a program that starts afterwards. From this list the program knows that
    there is one more robot, and that an answer without it is partial.

    :param roster: the robots heard; those that others tell of are not told again.
    """

    def __init__(self, node: MeshNode, roster: RosterListener):
        self._robot_id, self._roster = node.robot_id, roster
        self._publisher = node.create_publisher(msg.KnownRobots, node.mesh_topic("known_robots"), HEARTBEAT_PUB)
        self._last: msg.KnownRobots | None = None
        steady_timer(node, PERIOD_S, self._publish)

    def _publish(self) -> None:
        self._roster.poll()
        heard = {entry.robot_id: entry for entry in self._roster.entries() if not entry.told_by}
        own = heard.pop(self._robot_id, None)
        if own is None:  # not heard yet; receivers know this process by its heartbeat
            return
        message = msg.KnownRobots(
            robot_id=self._robot_id,
            instance_id=own.instance_id,
            robots=list(heard),
            left=[entry.left for entry in heard.values()],
            silent=[entry.stale for entry in heard.values()],
        )
        if message != self._last:
            self._publisher.publish(message)
            self._last = message
