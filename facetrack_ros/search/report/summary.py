"""A search response in a sentence."""

from facetrack_ros.search.response import ANSWERED, SearchResponse


def found_sentence(response: SearchResponse) -> str:
    """How often the person was seen, by which robots, how similar at best, and how many robots answered."""
    asked = len(response.robots)
    answered = sum(robot.status == ANSWERED for robot in response.robots)
    robots = (
        f"{answered} of {asked} robots answered"
        if answered < asked or asked > 2
        else "both robots answered"
        if asked == 2
        else "one robot was asked"
    )
    if not response.matches:
        if not response.complete and not response.sightings:
            return f"Nothing was compared: no answer; {robots}"
        return f"Not seen; {robots}" if response.complete else f"Not seen in what was searched; {robots}"
    by = sorted({match.robot_id for match in response.matches})
    names = f"{len(by)} robots" if len(by) > 3 else f"{', '.join(by[:-1])} and {by[-1]}" if len(by) > 1 else by[0]
    visits = {1: "once", 2: "twice"}.get(len(response.matches), f"{len(response.matches)} times")
    return f"Seen {visits}, by {names}; best similarity {response.matches[0].similarity:.2f}; {robots}"
