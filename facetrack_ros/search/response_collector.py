"""One search of the fleet, from the question to the merged answer, whatever order robots answer in."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.false_match_rate import expected_false_matches
from facetrack_ros.search.local_search import mismatch
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import (
    ANSWERED,
    ERROR,
    LEFT,
    MODEL_MISMATCH,
    TIMED_OUT,
    Match,
    RobotResponse,
    SearchResponse,
)
from facetrack_ros.search.validation import validate_request

# What a robot can say of itself. That it timed out or left is for others to say.
_OF_ITSELF = (ANSWERED, MODEL_MISMATCH, ERROR)
# Similarities are float32 on their way.
_ROUNDING = 1e-3


def best_first(matches: Iterable[Match], threshold: float = 0.0, own: Mapping[str, float] | None = None) -> list[Match]:
    """Matches by falling similarity; equal ones in an order that does not depend on who answered first.

    Similarities of another embedder lie on another scale: what counts is the share of the way from the threshold to 1.

    :param threshold: of the question's model.
    :param own: thresholds of the robots that answered with an embedder of their own.
    """

    def share(match: Match) -> float:
        low = (own or {}).get(match.robot_id, threshold)
        return (match.similarity - low) / (1.0 - low) if low < 1.0 else 0.0

    return sorted(
        matches, key=lambda match: (-share(match), match.robot_id, match.camera_id, match.stamp_ns, match.track_id)
    )


class ResponseCollector:
    """Collects the answers to one question. It keeps no clock: its owner closes it when time is up.

    Who has to answer is fixed at the start: the robots expected, as far as the question names them. One that is known
    to run another model is not waited for, and one that the question names but nobody knows is reported as ``left``.
    A robot that nobody expected (it joined later, or its first line of the roster is still on its way) is not waited
    for either, but its answer counts when it comes in time.

    :param contract: of the question's model.
    :param expected: model id of each robot on the roster.
    :param instances: the instance that has each robot's name; an absent or empty one is not known.
    :raises RequestError: the question cannot be asked.
    """

    def __init__(
        self,
        question: SearchRequest,
        contract: ModelContract,
        expected: Mapping[str, str],
        instances: Mapping[str, str] | None = None,
    ) -> None:
        validate_request(question, contract)
        self._question = question
        self._contract = contract
        self._instances = dict(instances or {})
        self._answers: dict[str, RobotResponse] = {}
        self._matches: list[Match] = []
        self._presumed: dict[str, RobotResponse] = {}
        self._claimed: dict[str, int] = {}
        self._ignored = 0
        self._malformed = 0
        self._answer: SearchResponse | None = None
        #: Called with each answer that counts and its matches, as it comes.
        self.listener: Callable[[RobotResponse, tuple[Match, ...]], None] = lambda answer, matches: None
        asked = set(question.robots or expected)
        self._asked = {robot for robot in asked if robot in expected}
        for robot in asked - self._asked:
            self._presumed[robot] = RobotResponse(
                robot, LEFT, error=f"unknown robot {robot}; known are {', '.join(sorted(expected)) or 'none'}"
            )
        for robot in self._asked:
            if expected[robot] != question.model_id and not question.face_crop:
                self._presumed[robot] = mismatch(robot, (expected[robot],), question.model_id)

    @property
    def request(self) -> SearchRequest:
        """The question asked."""
        return self._question

    @property
    def contract(self) -> ModelContract:
        """Of the question's model."""
        return self._contract

    @property
    def ignored(self) -> int:
        """Answers that did not count: to another search, from a robot not asked, second ones, late ones."""
        return self._ignored

    @property
    def malformed(self) -> int:
        """Answers that made no sense: from nobody, or such that the robot's line says ``error``."""
        return self._malformed

    @property
    def done(self) -> bool:
        """Whether nobody is left to wait for."""
        return self._answer is not None or not self.missing

    @property
    def missing(self) -> tuple[str, ...]:
        """The robots still to answer, sorted."""
        return tuple(sorted(self._asked - self._answers.keys() - self._presumed.keys()))

    def add(self, search_id: str, answer: RobotResponse, matches: Iterable[Match] = ()) -> bool:
        """Take in one robot's answer.

        An answer that makes no sense (another robot's matches, a similarity that is none) counts as this robot's error: it will send no other.

        :returns: whether it counts; see :attr:`ignored` and :attr:`malformed`.
        """
        robot = answer.robot_id
        if not robot:
            self._malformed += 1
            return False
        if (
            search_id != self._question.search_id
            or robot in self._answers
            or self._answer is not None
            or (self._question.robots and robot not in self._question.robots)
        ):
            self._ignored += 1
            return False
        matches = list(matches)
        fault = self._fault(answer, matches)
        if fault:
            self._malformed += 1
            self._answers[robot] = RobotResponse(robot, ERROR, error=f"what {robot} sent makes no sense: {fault}")
            return False
        self._answers[robot] = answer
        self._matches += matches
        self.listener(answer, tuple(matches))
        return True

    def _fault(self, answer: RobotResponse, matches: list[Match]) -> str:
        if answer.status not in _OF_ITSELF:
            return f"the status {answer.status!r}"
        if not math.isfinite(answer.elapsed_ms) or answer.elapsed_ms < 0:
            return f"a search of {answer.elapsed_ms} ms"
        for match in matches:
            if match.robot_id != answer.robot_id:
                return f"a match of {match.robot_id!r}"
            if not abs(match.similarity) <= 1.0 + _ROUNDING:  # NaN too
                return f"a similarity of {match.similarity:g}"
        return ""

    def on_left(self, robot_id: str, instance_id: str = "") -> None:
        """A robot has gone from the roster: it is not waited for, though an answer under way still counts.

        :param instance_id: of the one that said goodbye; the goodbye of one that has not got the name counts nothing.
        """
        if robot_id in self.missing and instance_id in ("", self._instances.get(robot_id, instance_id)):
            self._presumed[robot_id] = RobotResponse(robot_id, LEFT, error=f"{robot_id} left while it was asked")

    def on_heartbeat(self, robot_id: str, instance_id: str) -> bool:
        """A robot was heard of while the search runs. One that has been started again since does not know the question:
        it is not waited for, though an answer of it or its predecessor still counts.

        :param instance_id: of the one that spoke.
        :returns: whether it was just found to have been started again, and may be asked again.
        """
        asked = self._instances.get(robot_id)
        if not asked or instance_id == asked or robot_id not in self.missing or robot_id in self._claimed:
            return False
        self._presumed[robot_id] = RobotResponse(
            robot_id, LEFT, error=f"{robot_id} was started again while it was asked; ask once more"
        )
        return True

    def on_silent(self, robot_id: str, for_ns: int) -> None:
        """A robot has not been heard from for longer than a live one is silent: it is not waited for, though an answer
        of it still counts.

        :param for_ns: since its last word, nanoseconds.
        """
        if robot_id in self.missing:
            self._presumed[robot_id] = RobotResponse(
                robot_id, TIMED_OUT, error=f"{robot_id} was last heard of {for_ns / 1e9:.0f} s ago"
            )

    def on_name_conflict(self, robot_id: str, claims: int) -> None:
        """Several robots have one name. The first answer under it counts, and its line says that it is one of several.

        :param claims: how many.
        """
        self._claimed[robot_id] = claims

    def close(self) -> SearchResponse:
        """Time is up, or all have answered. Returns the same answer each time; nothing is taken in any more."""
        if self._answer is None:
            threshold = self._question.threshold_for(self._contract)
            late = {
                robot: RobotResponse(
                    robot, TIMED_OUT, error=f"{robot} did not answer within {self._question.timeout_ns / 1e9:g} s"
                )
                for robot in self.missing
            }
            robots = {**self._presumed, **late, **self._answers}
            answered = [robot for robot in robots.values() if robot.status == ANSWERED]
            compared = sum(robot.sightings for robot in answered if not robot.model_id)
            false = expected_false_matches(self._contract, threshold, compared)
            false += sum(robot.expected_false_matches for robot in answered if robot.model_id)
            own = {robot.robot_id: robot.threshold for robot in answered if robot.model_id}
            self._answer = SearchResponse(
                self._question.search_id,
                self._question.model_id,
                threshold,
                false,
                tuple(best_first(self._matches, threshold, own)[: self._question.result_limit]),
                tuple(self._line(robots[robot]) for robot in sorted(robots)),
            )
        return self._answer

    def _line(self, answer: RobotResponse) -> RobotResponse:
        claims = self._claimed.get(answer.robot_id, 1)
        if claims < 2:
            return answer
        told = f"{claims} robots call themselves {answer.robot_id} and this is of one of them; give each its own name"
        return replace(answer, error="; ".join(part for part in (answer.error, told) if part))
