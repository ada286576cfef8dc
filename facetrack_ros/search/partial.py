"""Sentences on what a search did not compare."""

from collections.abc import Iterable

from facetrack_ros.search.response import NotSearched, RobotResponse, SearchResponse

# Chosen by hand: a sentence that names more is not read.
_MOST_NAMED = 4


def not_searched_by(robots: Iterable[RobotResponse]) -> tuple[NotSearched, ...]:
    """What the robots did not compare: what they say of themselves, else all of those that did not answer."""
    found: list[NotSearched] = []
    for robot in robots:
        if not robot.answered and not robot.not_searched:
            found.append(NotSearched(robot.robot_id, robot.error or f"{robot.robot_id} did not answer"))
        found += robot.not_searched
    return tuple(found)


def not_searched_lines(response: SearchResponse) -> list[str]:
    """One sentence for every part of the question that was not compared."""
    status = {robot.robot_id: robot.status.replace("_", " ") for robot in response.robots if not robot.answered}
    # A front door of an earlier version lists no parts.
    gaps = response.not_searched or not_searched_by(response.robots)
    return list(
        dict.fromkeys(
            f"{gap.robot_id} ({status[gap.robot_id]}): {gap.reason}" if gap.robot_id in status else gap.reason
            for gap in gaps
        )
    )


def partial_sentence(response: SearchResponse) -> str:
    """What was not searched, in one sentence; empty: the answer is complete."""
    if response.complete:
        return ""
    parts = not_searched_lines(response)
    more = f"; and {len(parts) - _MOST_NAMED} more" if len(parts) > _MOST_NAMED else ""
    listed = "; ".join(parts[:_MOST_NAMED])
    return f"This answer is partial: {listed}{more}. The face may have been seen there too."
