"""Partial results of searches, published as they arrive."""

from facetrack_ros import msg
from facetrack_ros.nodes.base.qos import RELIABLE
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.search import match_to_message, robot_response_to_message
from facetrack_ros.search.response import Match, RobotResponse
from facetrack_ros.search.response_collector import ResponseCollector
from facetrack_ros.search.visits import apply_merges
from facetrack_ros.tracking.identity_merges import IdentityMerges


class PartialResults:
    """Publisher of ``face_search/parts``: the robots searched, each robot's part, and the end.

    :param merges: the merge decisions that give a match its current person id.
    """

    def __init__(self, node: RobotMemberNode, merges: IdentityMerges):
        self._merges = merges
        self._publisher = node.create_publisher(msg.FaceSearchPart, node.robot_topic("face_search/parts"), RELIABLE)

    def begin(self, collector: ResponseCollector) -> None:
        """Publish the robots to be searched, and each part from now on; call it before the request is published."""
        collector.listener = lambda response, matches: self._publish(collector, (response,), matches)
        self._publish(collector)

    def end(self, collector: ResponseCollector) -> None:
        """Publish that all parts have arrived or the time is up."""
        self._publish(collector, last=True)

    def _publish(
        self,
        collector: ResponseCollector,
        robot: tuple[RobotResponse, ...] = (),
        matches: tuple[Match, ...] = (),
        last: bool = False,
    ) -> None:
        if not self._publisher.get_subscription_count():
            return
        request = collector.request
        matches = tuple(match for match in matches if not match.different_person)
        self._publisher.publish(
            msg.FaceSearchPart(
                search_id=request.search_id,
                model_id=request.model_id,
                threshold=request.threshold_for(collector.contract),
                robot=[robot_response_to_message(response) for response in robot],
                matches=[match_to_message(match) for match in apply_merges(matches, self._merges)],
                missing=list(collector.missing),
                last=last,
            )
        )
