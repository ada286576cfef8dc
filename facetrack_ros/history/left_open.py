"""Visits that a robot's last process did not end: found in its event log, closed with the last time seen."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PERSON_OUT, RESTARTED, PersonEvent
from facetrack_ros.core.track import TrackState
from facetrack_ros.history.events.format import event_logs, read_log
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.frames.stored_tracks import stored_tracks
from facetrack_ros.history.sightings.queries import SightingQueries

Box = tuple[float, float, float, float]
# Chosen by hand: logs read at a start, a month of a robot that runs each day.
_LOGS = 31
# Chosen by hand: the longest pause between two stored tracks of one visit.
_PAUSE_NS = 60 * 10**9
_END_NS = 2**63 - 1


@dataclass(frozen=True)
class Seen:
    """A time at which something stored shows a person."""

    stamp_ns: int
    frame_number: int
    box: Box


@dataclass(frozen=True)
class OpenVisit:
    """A PERSON_IN without its PERSON_OUT.

    :param first: of PERSON_IN.
    :param last: the newest event of the visit.
    :param until_ns: when the person's next visit to the camera began.
    """

    robot_id: str
    camera_id: str
    person_id: str
    first: Seen
    last: Seen
    until_ns: int = _END_NS

    def closed(self, last: Seen) -> PersonEvent:
        """Its PERSON_OUT at a time."""
        return PersonEvent(
            PERSON_OUT,
            last.stamp_ns,
            self.robot_id,
            self.camera_id,
            self.person_id,
            last.frame_number,
            last_seen_ns=last.stamp_ns,
            duration_ns=last.stamp_ns - self.first.stamp_ns,
            last_bbox=last.box,
            reason=RESTARTED,
        )


def visits_left_open(directory: Path | str) -> list[OpenVisit]:
    """The visits in a folder's event logs of the last month that have no end, in the order of their beginnings.

    :raises StoreError: a log cannot be read.
    """
    opened: defaultdict[tuple[str, str], list[OpenVisit]] = defaultdict(list)
    for path in event_logs(directory)[-_LOGS:]:
        for event in read_log(path)[0]:
            try:
                _follow(event, opened)
            except (KeyError, TypeError, ValueError, OverflowError):
                continue  # JSON, but no event
    visits = []
    for of_one in opened.values():
        ends = [visit.first.stamp_ns for visit in of_one[1:]] + [_END_NS]
        visits += [
            OpenVisit(visit.robot_id, visit.camera_id, visit.person_id, visit.first, visit.last, end_ns)
            for visit, end_ns in zip(of_one, ends)
        ]
    return sorted(visits, key=lambda visit: visit.first.stamp_ns)


def _follow(event: dict, opened: dict[tuple[str, str], list[OpenVisit]]) -> None:
    """Apply one event of the log to the visits that are open."""
    kind, of_one = event["event"], opened[event["person_id"], event["camera_id"]]
    if kind == PERSON_OUT and of_one:
        of_one.pop()
        return
    seen_ns, number = round(event["timestamp"] * 1e6) * 1_000, int(event["frame_number"])
    if not 0 <= seen_ns < _END_NS or not 0 <= number < _END_NS:
        raise ValueError("out of range")
    if kind == PERSON_IN:
        first = Seen(seen_ns, number, _floats(event["bbox"] or (0, 0, 0, 0)))
        of_one.append(OpenVisit(event["robot_id"], event["camera_id"], event["person_id"], first, first))
    elif kind == FACE_MATCHED and of_one and not event.get("search_id"):
        visit = of_one.pop()
        last = max(visit.last, Seen(seen_ns, number, visit.last.box), key=lambda seen: seen.stamp_ns)
        of_one.append(OpenVisit(visit.robot_id, visit.camera_id, visit.person_id, visit.first, last))


def close_visits(
    directory: Path | str, sightings: SightingQueries, archive: FrameArchive | None = None
) -> list[PersonEvent]:
    """A PERSON_OUT for each visit that was left open, at the last time at which something stored shows the person.

    :param directory: the folder of the event log.
    :param archive: stored frames, with the tracks of persons whose faces were not seen; None: none are stored.
    :raises StoreError: something cannot be read.
    """
    events = []
    for visit in visits_left_open(directory):
        seen = max((*_last_sighting(visit, sightings), visit.last), key=lambda each: each.stamp_ns)
        events.append(visit.closed(_last_track(visit, seen, archive) if archive is not None else seen))
    return sorted(events, key=lambda event: event.stamp_ns)


def _last_sighting(visit: OpenVisit, sightings: SightingQueries) -> list[Seen]:
    found = sightings.last_of_person(visit.person_id, visit.camera_id, visit.first.stamp_ns, visit.until_ns - 1)
    return [Seen(found.last_ns, found.frame_number, _floats(found.bbox))] if found else []


def _last_track(visit: OpenVisit, seen: Seen, archive: FrameArchive) -> Seen:
    """The last stored track that continues a visit from a time on; that time where there is none."""
    while True:
        end_ns = min(seen.stamp_ns + _PAUSE_NS, visit.until_ns - 1)
        stored = stored_tracks(archive, visit.camera_id, seen.stamp_ns + 1, end_ns)
        shown = [
            Seen(stamp_ns, seen.frame_number, _floats(track.bbox))
            for stamp_ns, tracks in stored.items()
            for track in tracks
            if track.person_id == visit.person_id and track.state == TrackState.TRACKING
        ]
        if not shown:
            return seen
        seen = max(shown, key=lambda each: each.stamp_ns)


def _floats(box) -> Box:
    x1, y1, x2, y2 = (float(value) for value in box)
    return x1, y1, x2, y2
