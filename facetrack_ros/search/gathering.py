"""One search of the fleet, from the question to the merged answer, whatever order robots answer in."""

from collections.abc import Callable, Iterable, Mapping

from facetrack_ros.search.answer import ANSWERED, LEFT, TIMED_OUT, Answer, Match, RobotAnswer
from facetrack_ros.search.checks import check_question, max_results_of, threshold_of
from facetrack_ros.search.false_matches import expected_false_matches
from facetrack_ros.search.local import mismatch
from facetrack_ros.search.question import Question
from facetrack_ros.vision.contract import ModelContract


def best_first(matches: "Iterable[Match]", threshold: float = 0.0,
               own: "Mapping[str, float] | None" = None) -> "list[Match]":
    """Matches by falling similarity; equal ones in an order that does not depend on who answered first.

    Similarities of another embedder lie on another scale: what counts is the share of the way from the threshold to 1.

    :param threshold: of the question's model.
    :param own: thresholds of the robots that answered with an embedder of their own.
    """
    def share(match: Match) -> float:
        low = (own or {}).get(match.robot_id, threshold)
        return (match.similarity - low) / (1.0 - low) if low < 1.0 else 0.0

    return sorted(matches, key=lambda match: (-share(match), match.robot_id, match.camera_id, match.stamp_ns, match.track_id))


class Gathering:
    """Collects the answers to one question. It keeps no clock: its owner closes it when time is up.

    Who has to answer is fixed at the start: the robots expected, as far as the question names them. One that joins
    later is not waited for. One that is known to run another model is not waited for either, and one that the
    question names but nobody knows is reported as ``left``.

    :param contract: of the question's model.
    :param expected: model id of each robot on the roster.
    :raises QuestionError: the question cannot be asked.
    """

    def __init__(self, question: Question, contract: ModelContract, expected: "Mapping[str, str]") -> None:
        check_question(question, contract)
        self._question = question
        self._contract = contract
        self._answers: "dict[str, RobotAnswer]" = {}
        self._matches: "list[Match]" = []
        self._presumed: "dict[str, RobotAnswer]" = {}
        self._ignored = 0
        self._answer: "Answer | None" = None
        #: Called with each answer that counts and its matches, as it comes.
        self.listener: "Callable[[RobotAnswer, tuple[Match, ...]], None]" = lambda answer, matches: None
        asked = set(question.robots or expected)
        self._asked = {robot for robot in asked if robot in expected}
        for robot in asked - self._asked:
            self._presumed[robot] = RobotAnswer(robot, LEFT, error=f"unknown robot {robot}; known are "
                                                                   f"{', '.join(sorted(expected)) or 'none'}")
        for robot in self._asked:
            if expected[robot] != question.model_id and not question.face_crop:
                self._presumed[robot] = mismatch(robot, (expected[robot],), question.model_id)

    @property
    def question(self) -> Question:
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
    def done(self) -> bool:
        """Whether nobody is left to wait for."""
        return self._answer is not None or not self.missing

    @property
    def missing(self) -> "tuple[str, ...]":
        """The robots still to answer, sorted."""
        return tuple(sorted(self._asked - self._answers.keys() - self._presumed.keys()))

    def add(self, search_id: str, answer: RobotAnswer, matches: "Iterable[Match]" = ()) -> bool:
        """Take in one robot's answer.

        :returns: whether it counts; see :attr:`ignored`.
        """
        robot = answer.robot_id
        if (search_id != self._question.search_id or robot not in self._asked or robot in self._answers
                or self._answer is not None):
            self._ignored += 1
            return False
        self._answers[robot] = answer
        self._matches += matches
        self.listener(answer, tuple(matches))
        return True

    def left(self, robot_id: str) -> None:
        """A robot has gone from the roster: it is not waited for, though an answer under way still counts."""
        if robot_id in self.missing:
            self._presumed[robot_id] = RobotAnswer(robot_id, LEFT, error=f"{robot_id} left while it was asked")

    def silent(self, robot_id: str, for_ns: int) -> None:
        """A robot has not been heard from for longer than a live one is silent: it is not waited for, though an answer
        of it still counts.

        :param for_ns: since its last word, nanoseconds.
        """
        if robot_id in self.missing:
            self._presumed[robot_id] = RobotAnswer(robot_id, TIMED_OUT,
                                                   error=f"{robot_id} was last heard of {for_ns / 1e9:.0f} s ago")

    def close(self) -> Answer:
        """Time is up, or all have answered. Returns the same answer each time; nothing is taken in any more."""
        if self._answer is None:
            threshold = threshold_of(self._question, self._contract)
            late = {robot: RobotAnswer(robot, TIMED_OUT, error=f"{robot} did not answer within "
                                                               f"{self._question.timeout_ns / 1e9:g} s")
                    for robot in self.missing}
            robots = {**self._presumed, **late, **self._answers}
            answered = [robot for robot in robots.values() if robot.status == ANSWERED]
            compared = sum(robot.sightings for robot in answered if not robot.model_id)
            false = expected_false_matches(self._contract, threshold, compared)
            false += sum(robot.expected_false_matches for robot in answered if robot.model_id)
            own = {robot.robot_id: robot.threshold for robot in answered if robot.model_id}
            self._answer = Answer(self._question.search_id, self._question.model_id, threshold, false,
                                  tuple(best_first(self._matches, threshold, own)[:max_results_of(self._question)]),
                                  tuple(robots[robot] for robot in sorted(robots)))
        return self._answer
