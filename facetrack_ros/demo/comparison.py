"""Compares search responses and events with what was staged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter

from facetrack_ros.demo.staging import StagedVisit

# A live robot analyses some frames only, on two busy cores one every half second: a visit may be found that much later
# or lost that much earlier, and as much again where the quality gate rejects the first face. Rounded up by hand.
TOLERANCE_S = 1.5
# The longest time between analysed frames that TOLERANCE_S allows for, with the frame after it.
LONGEST_PAUSE_S = 1.0

Place = tuple[str, str]


@dataclass(frozen=True)
class FramesOfClip:
    """The frames of one camera.

    :param start: stamp of the clip's first frame, seconds since the epoch.
    :param analysed: stamps of the frames that were analysed, seconds since the epoch, as heard over the mesh: those
        before the camera was discovered are missing.
    """

    start: float
    analysed: Sequence[float]

    def longest_pause_s(self, visit: StagedVisit) -> float:
        """The longest time of a staged visit without an analysed frame, from the first one heard on."""
        start, end = (self.start + body_s for body_s in visit.body_s)
        start = max(start, min(self.analysed, default=start))
        stamps = [start, *sorted(stamp for stamp in self.analysed if start < stamp < end), end]
        return max(after - before for before, after in pairwise(stamps))

    def too_slow_for(self, visit: StagedVisit) -> bool:
        """Whether a frame was analysed too rarely to compare the visit."""
        return self.longest_pause_s(visit) > LONGEST_PAUSE_S


@dataclass(frozen=True)
class Finding:
    """One comparison.

    :param agrees: whether the result agrees with what was staged; None: the computer was too slow to compare them.
    :param sentence: what was compared, with the numbers.
    """

    agrees: bool | None
    sentence: str


def compare_response(
    person: str, response: dict, visits: tuple[StagedVisit, ...], frames: Mapping[Place, FramesOfClip]
) -> list[Finding]:
    """Compare a search response with the staged visits of a person.

    :param response: as ``facetrack search --json`` prints it.
    :param frames: by robot and camera.
    """
    staged = {(visit.robot, visit.camera): visit for visit in visits if visit.person == person}
    spans: dict[Place, tuple[float, float]] = {}
    for match in response["matches"]:
        place = (match["robot_id"], match["camera_id"])
        first, last = spans.get(place, (match["first_stamp"], match["last_stamp"]))
        spans[place] = (min(first, match["first_stamp"]), max(last, match["last_stamp"]))
    findings = []
    for place in sorted({*staged, *spans}):
        where = "/".join(place)
        if place not in staged:
            findings.append(Finding(False, f"{person} was never before {where}, but was found there"))
        elif frames[place].too_slow_for(staged[place]):
            findings.append(_not_compared(f"{person} at {where}", frames[place], staged[place]))
        elif place not in spans:
            findings.append(Finding(False, f"{person} was before {where}, and was not found there"))
        else:
            findings.append(_compare_span(f"{person} at {where}", spans[place], staged[place], frames[place]))
    return findings


def compare_events(
    events: list[dict], visits: tuple[StagedVisit, ...], frames: Mapping[Place, FramesOfClip]
) -> list[Finding]:
    """Compare events with the staged visits: one PERSON_IN and one PERSON_OUT each, in time, and no others."""
    findings = []
    for place in sorted({(visit.robot, visit.camera) for visit in visits}):
        here = [event for event in events if (event["robot_id"], event["camera_id"]) == place]
        expected = [visit for visit in visits if (visit.robot, visit.camera) == place]
        expected.sort(key=lambda visit: visit.body_s[0])
        arrivals = sorted((event for event in here if event["event"] == "PERSON_IN"), key=itemgetter("timestamp"))
        where = "/".join(place)
        slow = next((visit for visit in expected if frames[place].too_slow_for(visit)), None)
        if slow is not None:
            findings.append(_not_compared(f"events of {where}", frames[place], slow))
            continue
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
            what = f"{where}: {arrival['person_id']} in and out"
            findings.append(_compare_span(what, span, visit, frames[place]))
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


def _compare_span(what: str, span: tuple[float, float], visit: StagedVisit, frames: FramesOfClip) -> Finding:
    first, last = span[0] - frames.start, span[1] - frames.start
    in_time = (
        visit.body_s[0] - TOLERANCE_S <= first <= visit.face_s[0] + TOLERANCE_S
        and visit.face_s[1] - TOLERANCE_S <= last <= visit.body_s[1] + TOLERANCE_S
    )
    return Finding(
        in_time, f"{what}: {first:.1f} to {last:.1f} s, face staged {visit.face_s[0]:.1f} to {visit.face_s[1]:.1f} s"
    )


def _not_compared(what: str, frames: FramesOfClip, visit: StagedVisit) -> Finding:
    return Finding(None, f"{what}: this computer analysed no frame for {frames.longest_pause_s(visit):.1f} s")
