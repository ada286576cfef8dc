"""Collects the responses of all robots to one search and merges them."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.false_match_rate import FalseMatchEstimate, estimate_false_matches
from facetrack_ros.search.local_search import model_mismatch
from facetrack_ros.search.partial import not_searched_by
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import (
    ANSWERED,
    BUSY,
    ERROR,
    LEFT,
    MODEL_MISMATCH,
    TIMED_OUT,
    Match,
    NotSearched,
    RobotResponse,
    SearchResponse,
)
from facetrack_ros.search.thumbnails import without_false_thumbnails

# The statuses a robot may report of itself; only the requester can find that a robot timed out or left.
_REPORTED = (ANSWERED, MODEL_MISMATCH, ERROR, BUSY)
# Similarities are sent as float32.
_ROUNDING = 1e-3
# Names listed in a sentence. Chosen by hand.
_MOST_NAMES = 12

#: A robot's name, and the id of its process; an empty one is unknown.
_Key = tuple[str, str]


def best_first(matches: Iterable[tuple[Match, float]]) -> list[Match]:
    """Matches by falling similarity; the order of equal ones does not depend on the order of arrival.

    Similarities of different embedders are not comparable: each counts by its share of the way from the threshold to 1.

    :param matches: each with the threshold of its embedder.
    """

    def order(item: tuple[Match, float]) -> tuple:
        match, low = item
        share = (match.similarity - low) / (1.0 - low) if low < 1.0 else 0.0
        return -share, match.robot_id, match.camera_id, match.stamp_ns, match.track_id

    return [match for match, _ in sorted(matches, key=order)]


class ResponseCollector:
    """Collects the responses to one request. It has no clock: the owner closes it when the time is up.

    The robots to wait for are fixed at the start: those expected, limited to those the request names. A robot known to
    run another model is not waited for; a robot that the request names and the roster lacks is reported as ``left``. A
    response of a robot that is not waited for counts when it arrives in time.

    Several robots may use one name: each of them is waited for and has a line of its own, ``robot1`` and
    ``robot1 (2 of that name)``, in the order of their instance ids.

    :param request: a valid one, see :func:`facetrack_ros.search.validation.validate_request`.
    :param contract: of the request's model.
    :param expected: model id of each robot on the roster.
    :param instances: the instances that use each robot's name, the holder of the name last; an absent one is unknown.
    :param cameras: of each robot, as far as known, to be named where the request asks for a camera that none has.
    :ivar ignored: number of responses that did not count: of another search, an unnamed robot, a second or a late one.
    :ivar malformed: number of responses without a robot id or with impossible content.
    """

    def __init__(
        self,
        request: SearchRequest,
        contract: ModelContract,
        expected: Mapping[str, str],
        instances: Mapping[str, Sequence[str]] | None = None,
        cameras: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        self.request, self.contract = request, contract
        self.ignored = self.malformed = 0
        self._cameras = {robot: tuple(names) for robot, names in (cameras or {}).items()}
        self._responses: dict[_Key, RobotResponse] = {}
        self._matches: dict[_Key, list[tuple[Match, float]]] = {}  # with the thresholds of their embedders
        self._presumed: dict[_Key, RobotResponse] = {}  # what is reported of a robot unless it responds
        self._busy: dict[_Key, RobotResponse] = {}  # robots that may still answer when asked again
        self._other_models: dict[_Key, list[RobotResponse]] = {}  # further lines of robots that have responded
        self._claims: dict[str, int] = {}
        self._merged: SearchResponse | None = None
        #: Called with each accepted response and its matches.
        self.listener: Callable[[RobotResponse, tuple[Match, ...]], None] = lambda response, matches: None
        named = set(request.robots or expected)
        self._awaited = {robot: tuple((instances or {}).get(robot) or ("",)) for robot in named if robot in expected}
        for robot in named - self._awaited.keys():
            self._presumed[robot, ""] = RobotResponse(
                robot, LEFT, error=f"unknown robot {robot}; known are {', '.join(sorted(expected)) or 'none'}"
            )
        for robot in self._awaited:
            if expected[robot] != request.model_id and not request.face_crop:
                self._presume(robot, model_mismatch(robot, (expected[robot],), request.model_id))

    @property
    def done(self) -> bool:
        """Whether no response is awaited any more."""
        return self._merged is not None or not self.missing

    @property
    def missing(self) -> tuple[str, ...]:
        """The robots whose response is awaited, sorted."""
        return tuple(sorted({robot for robot, _ in self._missing_keys() if (robot, _) not in self._presumed}))

    def add(self, search_id: str, response: RobotResponse, matches: Iterable[Match] = ()) -> bool:
        """Take one robot's response, or its further response for the sightings of another model.

        One with impossible content (another robot's matches, an impossible similarity) counts as this robot's error,
        since the robot will send no other. A robot that is busy stays missing: it may answer when asked again.

        :returns: whether it was accepted; see :attr:`ignored` and :attr:`malformed`.
        """
        robot, key = response.robot_id, (response.robot_id, response.instance_id)
        if not robot:
            self.malformed += 1
            return False
        further = self._is_of_another_model(key, response.model_id)
        if (
            search_id != self.request.search_id
            or (self._has_response(*key) and not further)
            or self._merged is not None
            or (self.request.robots and robot not in self.request.robots)
        ):
            self.ignored += 1
            return False
        if response.status == BUSY:
            self._busy[key] = response
            return True
        response, matches = without_false_thumbnails(response, matches)
        fault = _fault(response, matches, self.request.result_limit)
        if fault:
            self.malformed += 1
            error = f"the response of {robot} is invalid: {fault}"
            self._responses[key] = RobotResponse(robot, ERROR, error=error, instance_id=response.instance_id)
            return False
        if further:
            self._other_models.setdefault(key, []).append(response)
        else:
            self._responses[key] = response
        low = response.threshold if response.model_id else self.request.threshold_for(self.contract)
        self._matches.setdefault(key, []).extend((match, low) for match in matches)
        self.listener(response, matches)
        return True

    def on_left(self, robot_id: str, instance_id: str = "") -> None:
        """A robot announced its end: it is not waited for, but a response on its way counts.

        :param instance_id: of the instance that left; one that is not waited for is ignored.
        """
        if robot_id in self.missing:
            self._presume(
                robot_id, RobotResponse(robot_id, LEFT, error=f"{robot_id} left during the search"), instance_id
            )

    def on_heartbeat(self, robot_id: str, instance_id: str) -> bool:
        """A robot was heard. One restarted since the search began does not know the request and is not waited for, but
        a response of either instance counts.

        :returns: whether the robot was just found to be restarted and may be sent the request again.
        """
        holders = self._awaited.get(robot_id, ())
        if holders in ((), ("",)) or len(holders) > 1 or instance_id in holders:
            return False
        if robot_id not in self.missing or robot_id in self._claims:
            return False
        error = f"{robot_id} was restarted during the search; search again"
        self._presume(robot_id, RobotResponse(robot_id, LEFT, error=error))
        return True

    def on_silent(self, robot_id: str, for_ns: int) -> None:
        """A robot has been silent for longer than a live one is: it is not waited for, but its response counts.

        :param for_ns: since its last heartbeat, nanoseconds.
        """
        if robot_id in self.missing:
            error = f"{robot_id} was last heard {for_ns / 1e9:.0f} s ago"
            self._presume(robot_id, RobotResponse(robot_id, TIMED_OUT, error=error))

    def on_unheard(self, robot_id: str, told_by: str, left: bool) -> None:
        """A robot is known to another one only: it is not waited for, but its response counts.

        :param left: whether it announced its end there.
        """
        if robot_id in self.missing:
            state = "has left the mesh" if left else "is not heard here"
            error = f"{robot_id}, which {told_by} knows, {state}"
            self._presume(robot_id, RobotResponse(robot_id, LEFT if left else TIMED_OUT, error=error))

    def on_name_conflict(self, robot_id: str, claims: int) -> None:
        """Several robots use one name: their lines say so.

        :param claims: number of robots.
        """
        self._claims[robot_id] = claims

    def close(self) -> SearchResponse:
        """End the search and merge the responses. Each call returns the same object."""
        if self._merged is None:
            threshold = self.request.threshold_for(self.contract)
            lines, found = self._named_lines()
            matches, alike = (
                best_first(each for each in found if bool(each[0].different_person) == apart) for apart in (False, True)
            )
            false = self._false_matches([robot for robot in lines if robot.answered], threshold)
            self._merged = SearchResponse(
                self.request.search_id,
                self.request.model_id,
                threshold,
                false.expected,
                tuple(matches[: self.request.result_limit]),
                lines,
                (*not_searched_by(lines), *self._unknown_cameras(lines)),
                alike=tuple(alike[: self.request.result_limit]),
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
        """The estimate over all robots; those with an embedder of their own, calibrated to their scene, or with
        rejected matches report theirs."""
        report = [
            robot
            for robot in answered
            if robot.model_id or ((robot.scene_pairs or robot.rejected_matches) and _has_estimate(robot))
        ]
        compared = sum(robot.sightings for robot in answered if robot not in report)
        estimate = estimate_false_matches(self.contract, threshold, compared, len(self.request.embeddings))
        for robot in report:
            own = robot.expected_false_matches, robot.expected_false_matches_low, robot.expected_false_matches_high
            estimate = estimate.plus(FalseMatchEstimate(*own))
        return estimate

    def _presume(self, robot_id: str, response: RobotResponse, instance_id: str = "") -> None:
        """Do not wait for a robot.

        :param instance_id: only for this one of several of the name; empty: for all.
        """
        for instance in self._awaited[robot_id]:
            if not instance_id or not instance or instance == instance_id:
                self._presumed[robot_id, instance] = response

    def _has_response(self, robot_id: str, instance_id: str) -> bool:
        """Whether an instance has responded; where one of the two is unknown, whether any of its name has."""
        known = [instance for robot, instance in self._responses if robot == robot_id]
        return bool(known) and (not instance_id or "" in known or instance_id in known)

    def _is_of_another_model(self, key: _Key, model_id: str) -> bool:
        """Whether a response is a further one of a robot, for the sightings of a model that it has no line of yet."""
        known = self._responses.get(key)
        models = {known.model_id, *(line.model_id for line in self._other_models.get(key, ()))} if known else set()
        return bool(known and model_id and model_id not in models)

    def _missing_keys(self) -> list[_Key]:
        """The awaited instances that have not responded. Where one is awaited, any of its name may respond."""
        answered = {robot for robot, _ in self._responses}
        return [
            (robot, instance)
            for robot, instances in self._awaited.items()
            for instance in instances
            if not (robot in answered if len(instances) == 1 else self._has_response(robot, instance))
        ]

    def _busy_line(self, robot_id: str, instance_id: str) -> RobotResponse | None:
        """What an instance said of being busy; where the instance is unknown, what any of its name said."""
        said = (line for key, line in self._busy.items() if key[0] == robot_id and instance_id in ("", key[1]))
        return next(said, None)

    def _named_lines(self) -> tuple[tuple[RobotResponse, ...], list[tuple[Match, float]]]:
        """A line for every robot, and the matches with the thresholds of their embedders, each under a name of its
        own."""
        timeout_s = self.request.timeout_ns / 1e9
        late = {
            key: self._busy_line(*key)
            or RobotResponse(key[0], TIMED_OUT, error=f"{key[0]} did not answer within {timeout_s:.3g} s")
            for key in self._missing_keys()
        }
        unknown = {key: line for key, line in self._presumed.items() if key[0] not in self._awaited}
        unknown = {key: line for key, line in unknown.items() if not self._has_response(*key)}
        presumed = {key: line for key, line in self._presumed.items() if key in late}
        robots = {**unknown, **late, **presumed, **self._responses}
        lines: list[RobotResponse] = []
        matches: list[tuple[Match, float]] = []
        for robot in sorted({robot for robot, _ in robots}):
            keys = sorted(key for key in robots if key[0] == robot)
            claims = max(len(keys), self._claims.get(robot, 1))
            for number, key in enumerate(keys, 1):
                own = (robots[key], *self._other_models.get(key, ()))
                lines += [_renamed(replace(line, instance_id=key[1]), number, claims) for line in own]
                name = lines[-1].robot_id
                matches += [(replace(match, robot_id=name), low) for match, low in self._matches.get(key, ())]
        return tuple(lines), matches

    def _unknown_cameras(self, lines: Sequence[RobotResponse]) -> list[NotSearched]:
        """A part for each camera of the request that no robot has."""
        found = {camera for names in self._cameras.values() for camera in names}
        found |= {camera.camera_id for line in lines for camera in line.searched}
        found |= {gap.camera_id for line in lines for gap in line.not_searched}
        listed = [f"{robot}/{camera}" for robot, names in sorted(self._cameras.items()) for camera in sorted(names)]
        more = f" and {len(listed) - _MOST_NAMES} more" if len(listed) > _MOST_NAMES else ""
        known = f"; there are {', '.join(listed[:_MOST_NAMES])}{more}" if listed else ""
        return [
            NotSearched("", f"no robot that answered has a camera {camera}{known}", camera)
            for camera in self.request.cameras
            if camera not in found
        ]


def _renamed(line: RobotResponse, number: int, claims: int) -> RobotResponse:
    """A line under a name of its own, with a sentence on the conflict.

    :param number: of the robot among those that have its name, from 1.
    :param claims: how many have it.
    """
    robot = line.robot_id
    if claims < 2:
        return line
    name = robot if number == 1 else f"{robot} ({number} of that name)"
    conflict = f"{claims} robots call themselves {robot}: give each its own name"
    gaps = tuple(
        replace(gap, robot_id=name, reason=gap.reason.replace(robot, name, 1)) if gap.robot_id == robot else gap
        for gap in line.not_searched
    )
    error = "; ".join(part for part in (line.error, conflict) if part)
    return replace(line, robot_id=name, error=error, not_searched=gaps)


def _has_estimate(robot: RobotResponse) -> bool:
    return all(
        0 <= value < math.inf  # False for NaN
        for value in (robot.expected_false_matches, robot.expected_false_matches_low, robot.expected_false_matches_high)
    )


def _fault(response: RobotResponse, matches: tuple[Match, ...], limit: int) -> str:
    """What is impossible about a response; empty: nothing.

    :param limit: most matches asked for; as many that are alike may follow.
    """
    if len(matches) > 2 * limit:
        return f"{len(matches)} matches where {limit} were asked for"
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
