"""The parts of an answer as they come, for whoever wants to see it live."""

from facetrack_ros import msg
from facetrack_ros.nodes.base.qos import RELIABLE
from facetrack_ros.nodes.base.robot_member_node import RobotMemberNode
from facetrack_ros.nodes.conversion.search import match_to_message, robot_response_to_message
from facetrack_ros.search.response import Match, RobotResponse
from facetrack_ros.search.response_collector import ResponseCollector
from facetrack_ros.search.visits import apply_merges
from facetrack_ros.tracking.identity_merges import IdentityMerges


class AnswerParts:
    """Publishes ``face_search/parts``: who is asked, each robot's part, and that all is in.

    :param aliases: under which ids people are known now.
    """

    def __init__(self, node: RobotMemberNode, aliases: IdentityMerges):
        self._aliases = aliases
        self._parts = node.create_publisher(msg.FaceSearchPart, node.robot_topic("face_search/parts"), RELIABLE)

    def begin(self, gathering: ResponseCollector) -> None:
        """A search begins; its parts follow. To be called before the question goes out."""
        gathering.listener = lambda answer, matches: self._tell(gathering, (answer,), matches)
        self._tell(gathering)

    def end(self, gathering: ResponseCollector) -> None:
        """The whole answer is there, or time is up."""
        self._tell(gathering, last=True)

    def _tell(
        self,
        gathering: ResponseCollector,
        robot: tuple[RobotResponse, ...] = (),
        matches: tuple[Match, ...] = (),
        last: bool = False,
    ) -> None:
        if not self._parts.get_subscription_count():
            return
        question = gathering.request
        self._parts.publish(
            msg.FaceSearchPart(
                search_id=question.search_id,
                model_id=question.model_id,
                threshold=question.threshold_for(gathering.contract),
                robot=[robot_response_to_message(answer) for answer in robot],
                matches=[match_to_message(match) for match in apply_merges(matches, self._aliases)],
                missing=list(gathering.missing),
                last=last,
            )
        )
