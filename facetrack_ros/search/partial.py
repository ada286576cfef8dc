"""Sentences on what a search did not compare."""

from collections.abc import Iterable

from facetrack_ros.search.response import NotSearched, RobotResponse, SearchResponse

# Chosen by hand: a sentence that names more is not read.
_MOST_NAMED = 4


def not_searched_by(robots: Iterable[RobotResponse]) -> tuple[NotSearched, ...]:
    """What the robots did not compare: all of those that did not answer, and what the others say of themselves."""
    found: list[NotSearched] = []
    for robot in robots:
        if not robot.answered:
            found.append(NotSearched(robot.robot_id, robot.error or f"{robot.robot_id} did not answer"))
        found += robot.not_searched
    return tuple(found)


def partial_sentence(response: SearchResponse) -> str:
    """What was not searched, in one sentence; empty: the answer is complete."""
    if response.complete:
        return ""
    silent = [
        f"{robot.robot_id} ({robot.status.replace('_', ' ')}) did not answer"
        for robot in response.robots
        if not robot.answered
    ]
    lines = {robot.robot_id for robot in response.robots if not robot.answered}
    parts = list(dict.fromkeys([*silent, *(gap.reason for gap in response.not_searched if gap.robot_id not in lines)]))
    more = f", and {len(parts) - _MOST_NAMED} more" if len(parts) > _MOST_NAMED else ""
    return f"This answer is partial: {'; '.join(parts[:_MOST_NAMED])}{more}, so the face may have been seen there too."
