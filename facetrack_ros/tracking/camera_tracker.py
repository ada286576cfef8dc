"""Tracks, visits and events of one camera."""

from collections.abc import Callable

import numpy as np

from facetrack_ros.core.event import PersonEvent
from facetrack_ros.core.track import Track
from facetrack_ros.tracking.edge_boxes import MAX_EXTENSION_NS, EdgeBoxHistory, EdgeSighting
from facetrack_ros.tracking.frame_times import MAX_UNWATCHED_NS, FrameTimes
from facetrack_ros.tracking.identity.enrolled_part import enrolled_part
from facetrack_ros.tracking.identity.person_registry import PersonRegistry, Recognition
from facetrack_ros.tracking.identity_assignment import IdentityAssignment
from facetrack_ros.tracking.interfaces import Tracker
from facetrack_ros.tracking.observation import Observation
from facetrack_ros.tracking.open_track import OpenTrack
from facetrack_ros.tracking.settings import TrackingSettings
from facetrack_ros.tracking.still_boxes import StillBoxFilter
from facetrack_ros.tracking.visit import Visit

Events = tuple[PersonEvent, ...]


class CameraTracker:
    """Turns the observations of one camera into tracks, visits and events.

    :param registry: persons of the robot.
    :param threshold: of the face embedder: lowest cosine similarity of a match.
    :param new_tracker: makes the tracker of each session; a stamp that jumps back begins a new session.
    :param new_track_id: returns the next track id.
    """

    def __init__(
        self,
        robot_id: str,
        camera_id: str,
        registry: PersonRegistry,
        threshold: float,
        settings: TrackingSettings,
        new_tracker: Callable[[], Tracker],
        new_track_id: Callable[[], str],
    ):
        self._robot_id, self._camera_id = robot_id, camera_id
        self._registry, self._threshold, self._settings = registry, threshold, settings
        self._new_tracker, self._new_track_id = new_tracker, new_track_id
        self._left_ns: dict[str, int] = {}
        self._frames = FrameTimes()
        self._now_ns: int | None = None
        self._clear()

    def _clear(self) -> None:
        """Begin a session without tracks and visits."""
        self._tracker = StillBoxFilter(self._new_tracker(), self._settings)
        self._assignment = IdentityAssignment(self._registry, self._threshold, self._settings)
        self._open: dict[int, OpenTrack] = {}
        self._edge_boxes = EdgeBoxHistory(self._settings.confirm_within_ns + MAX_EXTENSION_NS)
        self._visits: dict[str, Visit] = {}
        self._ended: list[OpenTrack] = []
        self._tracks: tuple[Track, ...] = ()

    def update(self, stamp_ns: int, number: int, observation: Observation) -> tuple[tuple[Track, ...], Events]:
        """Process a frame; see :meth:`PeopleTracker.update`."""
        ended: Events = ()
        if self._frames.last_ns is not None:
            if stamp_ns == self._frames.last_ns:
                return self._tracks, ()
            if stamp_ns < self._frames.last_ns:
                ended = self.close()
                self._left_ns.clear()
                self._frames.clear()
                self._now_ns = None
        self._frames.add(stamp_ns, number)
        events = self._end_visits(stamp_ns - 1)
        self._advance_time(stamp_ns)
        seen = self._update_tracks(stamp_ns, number, observation)
        events += self._assign_persons(stamp_ns)
        self._assignment.note_distinct_persons(seen, stamp_ns)
        for track in seen:
            if track.person_id:
                events += self._learn_face(track)
                self._assignment.note_enrolled(track, self._visits[track.person_id])
        events += self._end_visits(stamp_ns)
        self._end_tracks(stamp_ns)
        self._tracks = tuple(
            self._shown(track, stamp_ns)
            for track in self._open.values()
            if track.confirmed_ns is not None or track.last_ns == stamp_ns
        )
        self._tracks += tuple(self._shown(track, stamp_ns, ended=True) for track in self._ended)
        self._ended.clear()
        return self._tracks, ended + _by_stamp(events)

    def _shown(self, track: OpenTrack, stamp_ns: int, ended: bool = False) -> Track:
        shown = track.track(stamp_ns, ended)
        if not self._settings.enrolled_only:
            return shown
        visit = self._visits.get(track.person_id)
        enrolled = visit is not None and self._assignment.is_enrolled(visit)
        return enrolled_part(shown, track.enrolled_ns if enrolled else None, stamp_ns)

    def advance(self, stamp_ns: int) -> Events:
        """Let time pass without a frame; see :meth:`PeopleTracker.advance`."""
        if self._now_ns is None or stamp_ns <= self._now_ns:
            return ()
        self._now_ns = stamp_ns
        events = self._assign_persons(stamp_ns) + self._end_visits(stamp_ns)
        self._end_tracks(stamp_ns)
        return _by_stamp(events)

    def close(self) -> Events:
        """End the session: decide all undecided tracks and end all visits."""
        events = []
        if self._now_ns is not None:
            events += self._assign_persons(self._now_ns, wait=False)
            for visit in sorted(self._visits.values(), key=lambda visit: visit.last_ns):
                events += self._end_visit(visit, min(self._now_ns, self._gone_ns(visit)))
        self._clear()
        return _by_stamp(events)

    def _advance_time(self, stamp_ns: int) -> None:
        self._now_ns = stamp_ns if self._now_ns is None else max(stamp_ns, self._now_ns)
        # No event refers to an older frame: a visit ends, and a late decision reaches back, no further than this.
        longest_visit_gap_ns = self._settings.exit_after_ns + MAX_UNWATCHED_NS
        oldest_ns = stamp_ns - (
            longest_visit_gap_ns + self._settings.confirm_within_ns + self._settings.identity_wait_ns
        )
        self._frames.drop_before(oldest_ns)
        self._left_ns = {person_id: left_ns for person_id, left_ns in self._left_ns.items() if left_ns >= oldest_ns}

    def _update_tracks(self, stamp_ns: int, number: int, observation: Observation) -> list[OpenTrack]:
        """Give each row of an observation to its track; return the tracks seen."""
        seen = []
        keys = self._tracker.update(stamp_ns, observation)
        self._edge_boxes.add(stamp_ns, number, observation.untracked(keys), observation.boxes[keys >= 0])
        for row, key in enumerate(keys.tolist()):
            if key < 0:
                continue
            box = observation.boxes[row]
            track = self._open.get(key)
            if track is None:
                track = self._open[key] = self._new_track(key, stamp_ns, number, box)
            elif track in seen:
                continue
            track.update(stamp_ns, number, box, observation.scores[row], observation.faces[row], self._threshold)
            seen.append(track)
            if track.person_id:
                self._visits[track.person_id].update(track)
        for track in self._open.values():
            if track.last_ns != stamp_ns:
                self._extend(track, stamp_ns)
                track.miss()
        moved = [track for track in seen if self._assignment.shows_other_person(track, stamp_ns)]
        for track in moved:
            self._end(track)
        seen = [track for track in seen if track not in moved]
        self._assignment.note_co_visible(seen, self._open.values(), stamp_ns)
        return seen

    def _new_track(self, key: int, stamp_ns: int, number: int, box: np.ndarray) -> OpenTrack:
        first_ns, first_box = self._tracker.began(key) or (stamp_ns, box)
        first = EdgeSighting(first_ns, self._frames.number_at(first_ns, number), first_box)
        track = OpenTrack(self._new_track_id(), first, self._registry.empty_template(), self._settings)
        track.first = self._edge_boxes.extend_backward(first)
        return track

    def _extend(self, track: OpenTrack, stamp_ns: int) -> None:
        """Extend a track that the frame does not show, and its visit, by the edge box of a person who is leaving."""
        sighting = self._edge_boxes.extend_forward(track.last) if stamp_ns - track.last_ns <= MAX_EXTENSION_NS else None
        if sighting:
            track.last = sighting
            if track.person_id:
                self._visits[track.person_id].update(track)

    def _assign_persons(self, now_ns: int, wait: bool = True) -> list[PersonEvent]:
        events = []
        for track, person_id, recognition in self._assignment.assignments(self._open, now_ns, wait):
            events += self._assign(track, person_id, now_ns, recognition)
        return events

    def _assign(
        self, track: OpenTrack, person_id: str, now_ns: int, recognition: Recognition | None
    ) -> list[PersonEvent]:
        """Give a track its person: continue the person's visit, or begin one."""
        # A visit keeps the id it began with, also where that is merged with another id since.
        canonical = self._registry.merges.canonical
        person_id = next((visited for visited in self._visits if canonical(visited) == canonical(person_id)), person_id)
        for other in list(self._open.values()):
            if other.person_id == person_id:
                # One track a person, the one seen later. The other's key begins a new track when it is seen next.
                self._end(min(other, track, key=lambda each: each.last_ns))
            else:
                other.neighbour_decided(track.track_id, person_id)
        track.person_id = person_id
        track.person_confirmed_ns = track.last_ns if len(track.template) else None
        events = []
        visit = self._visits.get(person_id)
        if visit:
            visit.add_track(track)
        else:
            first_ns = max(track.first.stamp_ns, self._left_ns.get(person_id, track.first.stamp_ns))
            visit = Visit(self._robot_id, self._camera_id, person_id, track, first_ns, recognition is None)
            self._visits[person_id] = visit
            # Where the person has left before the decision, no event is later than PERSON_OUT.
            decided_ns = max(first_ns, min(now_ns, track.last_ns + self._settings.exit_after_ns))
            number = self._frames.number_at(decided_ns, track.last_number)
            events = [visit.person_in(), *self._matches(visit, track, recognition, decided_ns, number)]
        for embedding, quality in zip(track.template.embeddings, track.template.qualities):
            self._registry.add_face(person_id, embedding, float(quality))
        return events

    def _learn_face(self, track: OpenTrack) -> list[PersonEvent]:
        """Add the current face of a track to its person, and report a match once."""
        if track.embedding is None or track.mismatch_count:
            return []
        visit = self._visits[track.person_id]
        recognition = self._assignment.learn_face(track, visit)
        return self._matches(visit, track, recognition, max(track.last_ns, visit.first_ns), track.last_number)

    def _matches(
        self, visit: Visit, track: OpenTrack, recognition: Recognition | None, stamp_ns: int, number: int
    ) -> list[PersonEvent]:
        """FACE_MATCHED, once a visit with a gallery person and otherwise once with a known person."""
        match = self._assignment.gallery_match(track, visit, self._visits.values())
        if match:
            return [visit.gallery_matched(stamp_ns, number, match)]
        if recognition and not visit.matched:
            return [visit.face_matched(stamp_ns, number, recognition)]
        return []

    def _end_visits(self, until_ns: int) -> list[PersonEvent]:
        """End the visits of persons unseen for long enough by ``until_ns``."""
        events = []
        for visit in sorted(self._visits.values(), key=lambda visit: visit.last_ns):
            gone_ns = self._gone_ns(visit)
            if gone_ns > until_ns:
                break
            decided_ns = self._frames.watched_again_ns(gone_ns, until_ns)
            if decided_ns <= until_ns and not self._may_continue(visit, decided_ns):
                events += self._end_visit(visit, gone_ns)
        return events

    def _gone_ns(self, visit: Visit) -> int:
        """When a person who is not seen again has left."""
        return visit.last_ns + self._settings.exit_after_ns

    def _may_continue(self, visit: Visit, decided_ns: int) -> bool:
        """Whether an undecided track that began in time may turn out to be this person."""
        return any(
            not track.person_id
            and visit.tracked_ns < track.first_ns <= decided_ns
            and visit.person_id not in track.seen_with
            for track in self._open.values()
        )

    def _end_visit(self, visit: Visit, stamp_ns: int) -> list[PersonEvent]:
        del self._visits[visit.person_id]
        self._left_ns[visit.person_id] = stamp_ns
        for track in [track for track in self._open.values() if track.person_id == visit.person_id]:
            self._end(track)
        if self._settings.enrolled_only and not visit.enrolled_name:
            if visit.is_new:
                self._registry.forget(visit.person_id)
        else:
            self._assignment.suggest_person(visit)
        self._registry.forget_faceless(visit.person_id)
        return [visit.person_out(stamp_ns, self._frames.number_at(stamp_ns, visit.last_number))]

    def _end_tracks(self, stamp_ns: int) -> None:
        """End the tracks unseen for too long; undecided ones that stand for a person wait for their decision."""
        for track in list(self._open.values()):
            max_gap_ns = self._settings.max_gap_ns if track.person_id else self._settings.confirm_within_ns
            if stamp_ns - track.last_ns > max_gap_ns and not (track.undecided and track.is_person):
                self._end(track)

    def _end(self, ended: OpenTrack) -> None:
        for key in [key for key, track in self._open.items() if track is ended]:
            del self._open[key]
        if ended.confirmed_ns is not None:
            self._ended.append(ended)
        for track in self._open.values():
            track.undecided_neighbours.discard(ended.track_id)


def _by_stamp(events: list[PersonEvent]) -> Events:
    """Events in order of their stamps, those of one stamp in the order they happened."""
    return tuple(sorted(events, key=lambda event: event.stamp_ns))
