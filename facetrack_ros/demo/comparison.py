"""Compares search responses and events with what was staged."""

from dataclasses import dataclass
from operator import itemgetter

from facetrack_ros.demo.staging import StagedVisit

# A live robot analyses some frames only, on two busy cores one every half second: a visit may be found that much later
# or lost that much earlier, and as much again where the quality gate rejects the first face. Rounded up by hand.
TOLERANCE_S = 1.5


@dataclass(frozen=True)
class Finding:
    """One comparison.

    :param agrees: whether the result agrees with what was staged.
    :param sentence: what was compared, with the numbers.
    """

    agrees: bool
    sentence: str


def compare_response(
    person: str, response: dict, visits: tuple[StagedVisit, ...], starts: dict[tuple[str, str], float]
) -> list[Finding]:
    """Compare a search response with the staged visits of a person.

    :param response: as ``facetrack search --json`` prints it.
    :param starts: stamp of each clip's first frame, seconds since the epoch, by robot and camera.
    """
    staged = {(visit.robot, visit.camera): visit for visit in visits if visit.person == person}
    spans: dict[tuple[str, str], tuple[float, float]] = {}
    for match in response["matches"]:
        place = (match["robot_id"], match["camera_id"])
        first, last = spans.get(place, (match["first_stamp"], match["last_stamp"]))
        spans[place] = (min(first, match["first_stamp"]), max(last, match["last_stamp"]))
    findings = []
    for place in sorted({*staged, *spans}):
        where = "/".join(place)
        if place not in spans:
            findings.append(Finding(False, f"{person} was before {where}, and was not found there"))
        elif place not in staged:
            findings.append(Finding(False, f"{person} was never before {where}, but was found there"))
        else:
            findings.append(_compare_span(f"{person} at {where}", spans[place], staged[place], starts[place]))
    return findings


def compare_events(
    events: list[dict], visits: tuple[StagedVisit, ...], starts: dict[tuple[str, str], float]
) -> list[Finding]:
    """Compare events with the staged visits: one PERSON_IN and one PERSON_OUT each, in time, and no others."""
    findings = []
    for place in sorted({(visit.robot, visit.camera) for visit in visits}):
        here = [event for event in events if (event["robot_id"], event["camera_id"]) == place]
        expected = [visit for visit in visits if (visit.robot, visit.camera) == place]
        expected.sort(key=lambda visit: visit.body_s[0])
        arrivals = sorted((event for event in here if event["event"] == "PERSON_IN"), key=itemgetter("timestamp"))
        where = "/".join(place)
        if len(arrivals) != len(expected):
            findings.append(Finding(False, f"{where}: {len(arrivals)} arrivals logged, {len(expected)} staged"))
            continue
        for visit, arrival in zip(expected, arrivals):
            departures = [
                event for event in here if event["event"] == "PERSON_OUT" and event["person_id"] == arrival["person_id"]
            ]
            if len(departures) != 1:
                findings.append(Finding(False, f"{where}: {len(departures)} departures of {arrival['person_id']}"))
                continue
            span = (arrival["timestamp"], departures[0]["last_seen_timestamp"])
            findings.append(_compare_span(f"{where}: {arrival['person_id']} in and out", span, visit, starts[place]))
    return findings


def compare_partial(
    response: dict, silent: str, seconds: float, deadline_s: float, some_expected: bool
) -> list[Finding]:
    """Check the response after a robot was killed: in time, partial, and naming the robot.

    :param some_expected: whether the other robots must have matches.
    """
    status = {robot["robot_id"]: robot["status"] for robot in response["robots"]}
    return [
        Finding(status.get(silent) in ("timed_out", "left"), f"{silent} is named: {status.get(silent, 'not at all')}"),
        Finding(
            all(match["robot_id"] != silent for match in response["matches"])
            and bool(response["matches"] or not some_expected),
            f"the others' {len(response['matches'])} matches are there",
        ),
        Finding(seconds <= deadline_s, f"the answer came after {seconds:.2f} s, due within {deadline_s:.1f} s"),
    ]


def _compare_span(what: str, span: tuple[float, float], visit: StagedVisit, start: float) -> Finding:
    first, last = span[0] - start, span[1] - start
    in_time = (
        visit.body_s[0] - TOLERANCE_S <= first <= visit.face_s[0] + TOLERANCE_S
        and visit.face_s[1] - TOLERANCE_S <= last <= visit.body_s[1] + TOLERANCE_S
    )
    return Finding(
        in_time, f"{what}: {first:.1f} to {last:.1f} s, face staged {visit.face_s[0]:.1f} to {visit.face_s[1]:.1f} s"
    )
