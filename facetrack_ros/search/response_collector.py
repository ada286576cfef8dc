"""Collects the responses of all robots to one search and merges them."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.false_match_rate import FalseMatchEstimate, estimate_false_matches
from facetrack_ros.search.local_search import model_mismatch
from facetrack_ros.search.partial import not_searched_by
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

# The statuses a robot may report of itself; only the requester can find that a robot timed out or left.
_REPORTED = (ANSWERED, MODEL_MISMATCH, ERROR)
# Similarities are sent as float32.
_ROUNDING = 1e-3


def best_first(matches: Iterable[Match], threshold: float = 0.0, own: Mapping[str, float] | None = None) -> list[Match]:
    """Matches by falling similarity; the order of equal ones does not depend on the order of arrival.

    Similarities of different embedders are not comparable: each counts by its share of the way from the threshold to 1.

    :param threshold: of the request's model.
    :param own: thresholds of the robots that answered with an embedder of their own.
    """

    def share(match: Match) -> float:
        low = (own or {}).get(match.robot_id, threshold)
        return (match.similarity - low) / (1.0 - low) if low < 1.0 else 0.0

    return sorted(
        matches, key=lambda match: (-share(match), match.robot_id, match.camera_id, match.stamp_ns, match.track_id)
    )


class ResponseCollector:
    """Collects the responses to one request. It has no clock: the owner closes it when the time is up.

    The robots to wait for are fixed at the start: those expected, limited to those the request names. A robot known to
    run another model is not waited for; a robot that the request names and the roster lacks is reported as ``left``. A
    response of a robot that is not waited for counts when it arrives in time.

    :param request: a valid one, see :func:`facetrack_ros.search.validation.validate_request`.
    :param contract: of the request's model.
    :param expected: model id of each robot on the roster.
    :param instances: the instance that holds each robot's name; an absent or empty one is unknown.
    :ivar ignored: number of responses that did not count: of another search, an unnamed robot, a second or a late one.
    :ivar malformed: number of responses without a robot id or with impossible content.
    """

    def __init__(
        self,
        request: SearchRequest,
        contract: ModelContract,
        expected: Mapping[str, str],
        instances: Mapping[str, str] | None = None,
    ) -> None:
        self.request, self.contract = request, contract
        self.ignored = self.malformed = 0
        self._instances = dict(instances or {})
        self._responses: dict[str, RobotResponse] = {}
        self._matches: list[Match] = []
        self._presumed: dict[str, RobotResponse] = {}  # what is reported of a robot unless it responds
        self._claims: dict[str, int] = {}
        self._merged: SearchResponse | None = None
        #: Called with each accepted response and its matches.
        self.listener: Callable[[RobotResponse, tuple[Match, ...]], None] = lambda response, matches: None
        named = set(request.robots or expected)
        self._awaited = {robot for robot in named if robot in expected}
        for robot in named - self._awaited:
            self._presumed[robot] = RobotResponse(
                robot, LEFT, error=f"unknown robot {robot}; known are {', '.join(sorted(expected)) or 'none'}"
            )
        for robot in self._awaited:
            if expected[robot] != request.model_id and not request.face_crop:
                self._presumed[robot] = model_mismatch(robot, (expected[robot],), request.model_id)

    @property
    def done(self) -> bool:
        """Whether no response is awaited any more."""
        return self._merged is not None or not self.missing

    @property
    def missing(self) -> tuple[str, ...]:
        """The robots whose response is awaited, sorted."""
        return tuple(sorted(self._awaited - self._responses.keys() - self._presumed.keys()))

    def add(self, search_id: str, response: RobotResponse, matches: Iterable[Match] = ()) -> bool:
        """Take one robot's response.

        One with impossible content (another robot's matches, an impossible similarity) counts as this robot's error,
        since the robot will send no other.

        :returns: whether it was accepted; see :attr:`ignored` and :attr:`malformed`.
        """
        robot = response.robot_id
        if not robot:
            self.malformed += 1
            return False
        if (
            search_id != self.request.search_id
            or robot in self._responses
            or self._merged is not None
            or (self.request.robots and robot not in self.request.robots)
        ):
            self.ignored += 1
            return False
        matches = tuple(matches)
        fault = _fault(response, matches)
        if fault:
            self.malformed += 1
            self._responses[robot] = RobotResponse(robot, ERROR, error=f"the response of {robot} is invalid: {fault}")
            return False
        self._responses[robot] = response
        self._matches += matches
        self.listener(response, matches)
        return True

    def on_left(self, robot_id: str, instance_id: str = "") -> None:
        """A robot announced its end: it is not waited for, but a response on its way counts.

        :param instance_id: of the instance that left; one that does not hold the name is ignored.
        """
        if robot_id in self.missing and instance_id in ("", self._instances.get(robot_id, instance_id)):
            self._presumed[robot_id] = RobotResponse(robot_id, LEFT, error=f"{robot_id} left during the search")

    def on_heartbeat(self, robot_id: str, instance_id: str) -> bool:
        """A robot was heard. One restarted since the search began does not know the request and is not waited for, but
        a response of either instance counts.

        :returns: whether the robot was just found to be restarted and may be sent the request again.
        """
        holder = self._instances.get(robot_id)
        if not holder or instance_id == holder or robot_id not in self.missing or robot_id in self._claims:
            return False
        self._presumed[robot_id] = RobotResponse(
            robot_id, LEFT, error=f"{robot_id} was restarted during the search; search again"
        )
        return True

    def on_silent(self, robot_id: str, for_ns: int) -> None:
        """A robot has been silent for longer than a live one is: it is not waited for, but its response counts.

        :param for_ns: since its last heartbeat, nanoseconds.
        """
        if robot_id in self.missing:
            self._presumed[robot_id] = RobotResponse(
                robot_id, TIMED_OUT, error=f"{robot_id} was last heard {for_ns / 1e9:.0f} s ago"
            )

    def on_name_conflict(self, robot_id: str, claims: int) -> None:
        """Several robots use one name. The first response under it counts, and its line says so.

        :param claims: number of robots.
        """
        self._claims[robot_id] = claims

    def close(self) -> SearchResponse:
        """End the search and merge the responses. Each call returns the same object."""
        if self._merged is None:
            threshold = self.request.threshold_for(self.contract)
            timeout_s = self.request.timeout_ns / 1e9
            late = {
                robot: RobotResponse(robot, TIMED_OUT, error=f"{robot} did not answer within {timeout_s:g} s")
                for robot in self.missing
            }
            robots = {**self._presumed, **late, **self._responses}
            answered = [robot for robot in robots.values() if robot.status == ANSWERED]
            own = {robot.robot_id: robot.threshold for robot in answered if robot.model_id}
            matches = tuple(best_first(self._matches, threshold, own)[: self.request.result_limit])
            lines = tuple(self._line(robots[robot]) for robot in sorted(robots))
            false = self._false_matches(answered, threshold)
            self._merged = SearchResponse(
                self.request.search_id,
                self.request.model_id,
                threshold,
                false.expected,
                matches,
                lines,
                not_searched_by(lines),
                operating_point=self.request.operating_point,
                expected_false_matches_low=false.low,
                expected_false_matches_high=false.high,
                calibration_people=false.people,
                calibration_pairs=false.pairs,
                calibrated_on=self.contract.measured_on,
                reference_note=self.request.reference_note,
            )
        return self._merged

    def _false_matches(self, answered: list[RobotResponse], threshold: float) -> FalseMatchEstimate:
        """The estimate over all robots; those with an embedder of their own report theirs."""
        compared = sum(robot.sightings for robot in answered if not robot.model_id)
        estimate = estimate_false_matches(self.contract, threshold, compared, len(self.request.embeddings))
        for robot in answered:
            if robot.model_id:
                estimate = estimate.plus(
                    FalseMatchEstimate(
                        robot.expected_false_matches,
                        robot.expected_false_matches_low,
                        robot.expected_false_matches_high,
                    )
                )
        return estimate

    def _line(self, response: RobotResponse) -> RobotResponse:
        claims = self._claims.get(response.robot_id, 1)
        if claims < 2:
            return response
        conflict = f"{claims} robots call themselves {response.robot_id}, one of them answered; give each its own name"
        return replace(response, error="; ".join(part for part in (response.error, conflict) if part))


def _fault(response: RobotResponse, matches: tuple[Match, ...]) -> str:
    """What is impossible about a response; empty: nothing."""
    if response.status not in _REPORTED:
        return f"the status {response.status!r}"
    if not math.isfinite(response.elapsed_ms) or response.elapsed_ms < 0:
        return f"a search of {response.elapsed_ms} ms"
    for match in matches:
        if match.robot_id != response.robot_id:
            return f"a match of {match.robot_id!r}"
        if not abs(match.similarity) <= 1.0 + _ROUNDING:  # NaN too
            return f"a similarity of {match.similarity:g}"
    return ""
