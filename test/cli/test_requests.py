"""``facetrack requests``: a state of every robot for each request."""

from facetrack_ros.cli.requests import requests_of
from facetrack_ros.search.fleet.fleet_answer import FleetAnswer, RobotLine


def listed(number, state=None, why="", **fields):
    done = {"state": state, "why": why, "done_ns": number * 10**9 + 1} if state else {}
    line = {"id": f"f{number}", "kind": "enrol", "operator": "ann", "reason": "", "issued_ns": number * 10**9}
    return {**line, "robots": [], **done, **fields}


def answer(**robots):
    return FleetAnswer("q", tuple(RobotLine(robot, "done", "", {"requests": each}) for robot, each in robots.items()))


def test_each_request_has_a_state_of_every_robot_that_it_is_for():
    requests = requests_of(
        answer(
            robot1=[listed(2, "done"), listed(1, "refused", "no"), listed(3, robots=["robot2", "robot9"])],
            robot2=[listed(2), listed(3, "done")],
        )
    )
    states = {each["id"]: {line["robot_id"]: line["state"] for line in each["answers"]} for each in requests}
    assert list(states) == ["f1", "f2", "f3"]
    assert states == {
        "f1": {"robot1": "refused", "robot2": "open"},
        "f2": {"robot1": "done", "robot2": "open"},
        "f3": {"robot2": "done", "robot9": "open"},
    }
    assert requests[0]["answers"][0]["reason"] == "no"
    assert requests[0]["issued"] == 1.0


def test_what_a_robot_lists_is_checked():
    odd = [{}, {"id": 5}, listed(1, kind=None), listed(2, issued_ns="x"), listed(3, operator="\x1b[2J", state="odd")]
    (request,) = requests_of(answer(robot1=odd))
    assert request["operator"] == "\\x1b[2J"
    assert request["answers"][0]["state"] == "open"
