"""The people in view of one camera."""

from collections import deque
from collections.abc import Callable

from facetrack_ros.core.event import PersonEvent
from facetrack_ros.core.track import Track
from facetrack_ros.tracking.edge_boxes import REACH_NS, EdgeBoxHistory
from facetrack_ros.tracking.interfaces import Tracker
from facetrack_ros.tracking.observation import Observation
from facetrack_ros.tracking.open_track import OpenTrack
from facetrack_ros.tracking.person_registry import PersonRegistry, Recognition
from facetrack_ros.tracking.settings import TrackingSettings
from facetrack_ros.tracking.visit import Visit

# One look that is clearly somebody else's may be a poor one.
_DOUBTS_TO_END = 2
# The first looks at somebody may be poor ones themselves.
_LOOKS_BEFORE_DOUBTS = 5

Events = tuple[PersonEvent, ...]


class CameraTracker:
    """Tracks, visits and events of one camera.

    :param new_tracker: makes the tracker of each session; time that jumps back begins a new one.
    :param new_track_id: gives out track ids.
    """

    def __init__(
        self,
        robot_id: str,
        camera_id: str,
        identities: PersonRegistry,
        threshold: float,
        settings: TrackingSettings,
        new_tracker: Callable[[], Tracker],
        new_track_id: Callable[[], str],
    ):
        self._robot_id, self._camera_id = robot_id, camera_id
        self._identities, self._threshold, self._settings = identities, threshold, settings
        self._new_tracker, self._new_track_id = new_tracker, new_track_id
        self._left_ns: dict[str, int] = {}
        self._frames: deque[tuple[int, int]] = deque()
        self._now_ns: int | None = None
        self._clear()

    def _clear(self) -> None:
        """Nobody is in view."""
        self._tracker = self._new_tracker()
        self._follows: dict[int, OpenTrack] = {}
        self._faint = EdgeBoxHistory(self._settings.confirm_within_ns + REACH_NS)
        self._visits: dict[str, Visit] = {}
        self._ended: list[OpenTrack] = []
        self._tracks: tuple[Track, ...] = ()
        self._told_together: frozenset[str] = frozenset()

    def update(self, stamp_ns: int, number: int, observation: Observation) -> tuple[tuple[Track, ...], Events]:
        """Take a frame; see :meth:`PeopleTracker.update`."""
        ended: Events = ()
        if self._frames:
            if stamp_ns == self._frames[-1][0]:
                return self._tracks, ()
            if stamp_ns < self._frames[-1][0]:
                ended = self.close()
                self._left_ns.clear()
                self._frames.clear()
                self._now_ns = None
        events = self._expire(stamp_ns - 1)
        self._keep_time(stamp_ns, number)
        seen = self._see(stamp_ns, number, observation)
        events += self._decide(stamp_ns)
        sure = frozenset(follow.person_id for follow in seen if follow.person_id and follow.sure_ns == stamp_ns)
        if len(sure) > 1 and not sure <= self._told_together:
            self._identities.saw_together(sure)
            self._told_together = sure
        for follow in seen:
            if follow.person_id:
                events += self._accompany(follow)
        events += self._expire(stamp_ns)
        self._drop(stamp_ns)
        self._tracks = tuple(
            follow.track(stamp_ns)
            for follow in self._follows.values()
            if follow.confirmed_ns is not None or follow.last_ns == stamp_ns
        )
        self._tracks += tuple(follow.track(stamp_ns, ended=True) for follow in self._ended)
        self._ended.clear()
        return self._tracks, ended + _in_order(events)

    def advance(self, stamp_ns: int) -> Events:
        """Time has passed without a frame; see :meth:`PeopleTracker.advance`."""
        if self._now_ns is None or stamp_ns <= self._now_ns:
            return ()
        self._now_ns = stamp_ns
        events = self._decide(stamp_ns) + self._expire(stamp_ns)
        self._drop(stamp_ns)
        return _in_order(events)

    def close(self) -> Events:
        """Nothing more comes: decide who is who, and everybody leaves."""
        events = []
        if self._now_ns is not None:
            events += self._decide(self._now_ns, wait=False)
            for visit in sorted(self._visits.values(), key=lambda visit: visit.last_ns):
                events += self._leave(visit, min(self._now_ns, visit.last_ns + self._settings.exit_after_ns))
        self._clear()
        return _in_order(events)

    def _keep_time(self, stamp_ns: int, number: int) -> None:
        self._frames.append((stamp_ns, number))
        self._now_ns = stamp_ns if self._now_ns is None else max(stamp_ns, self._now_ns)
        # Nothing older is asked for: whoever may still leave, or come with a stamp of the past, did so since then.
        oldest_ns = stamp_ns - (
            self._settings.exit_after_ns + self._settings.confirm_within_ns + self._settings.identity_wait_ns
        )
        while self._frames[0][0] < oldest_ns:
            self._frames.popleft()
        for person_id in [person_id for person_id, left_ns in self._left_ns.items() if left_ns < oldest_ns]:
            del self._left_ns[person_id]

    def _see(self, stamp_ns: int, number: int, observation: Observation) -> list[OpenTrack]:
        """Give each row to its track; returns the tracks seen."""
        seen = []
        keys = self._tracker.update(stamp_ns, observation)
        self._faint.add(stamp_ns, number, observation.faint, observation.boxes[keys >= 0])
        for row, key in enumerate(keys):
            key, box = int(key), observation.boxes[row]
            if key < 0:
                continue
            follow = self._follows.get(key)
            if follow is None:
                first_ns, first_box = self._tracker.began(key) or (stamp_ns, box)
                follow = self._follows[key] = OpenTrack(
                    self._new_track_id(),
                    first_ns,
                    self._number_at(first_ns, number),
                    first_box,
                    self._identities.empty_template(),
                    self._settings,
                )
                follow.first = self._faint.before(first_box, first_ns) or follow.first
            elif follow in seen:
                continue
            follow.see(stamp_ns, number, box, observation.scores[row], observation.faces[row], self._threshold)
            seen.append(follow)
            if follow.person_id:
                self._visits[follow.person_id].see(follow)
        for follow in self._follows.values():
            if follow.last_ns != stamp_ns:
                self._glimpse(follow, stamp_ns)
                follow.miss()
        seen = [follow for follow in seen if not self._is_another(follow, stamp_ns)]
        self._note_together(seen, stamp_ns)
        return seen

    def _glimpse(self, follow: OpenTrack, stamp_ns: int) -> None:
        """Somebody the tracker does not see may still be half seen, as they leave: the visit lasts till then."""
        glimpse = (
            self._faint.after(follow.shown.box, follow.shown.stamp_ns)
            if stamp_ns - follow.last_ns <= REACH_NS
            else None
        )
        if glimpse:
            follow.shown = glimpse
            if follow.person_id:
                self._visits[follow.person_id].see(follow)

    def _is_another(self, follow: OpenTrack, stamp_ns: int) -> bool:
        """Whether a track's face shows that it has gone over to somebody else, as happens where people cross; it ends then,
        and what its key shows next is a new track."""
        if not follow.person_id or follow.embedding is None:
            return False
        alike = self._identities.likeness(follow.person_id, follow.embedding)
        if alike is None or alike >= self._threshold:
            follow.sure_ns, follow.doubts = stamp_ns, 0
        elif alike < 1 - self._settings.veto_distance * (1 - self._threshold) and follow.looks > _LOOKS_BEFORE_DOUBTS:
            follow.doubts += 1
        if follow.doubts < _DOUBTS_TO_END:
            return False
        self._end(follow)
        return True

    def _note_together(self, seen: list[OpenTrack], stamp_ns: int) -> None:
        """Who is in one picture is not one person. A track counts as its person only where its face says so, then or
        later: it may have gone over to somebody else since."""
        sure = [follow for follow in seen if follow.person_id and follow.sure_ns == stamp_ns]
        unsure = {follow.track_id for follow in seen} - {follow.track_id for follow in sure}
        for follow in seen:
            follow.beside |= unsure
            follow.beside.discard(follow.track_id)
        for other in sure:
            for follow in seen:
                if follow is not other:
                    follow.together.add(other.person_id)
            for follow in self._follows.values():
                if other.track_id in follow.beside:
                    follow.beside.discard(other.track_id)
                    follow.together.add(other.person_id)

    def _excluded(self, follow: OpenTrack) -> set[str]:
        """Whom a track cannot be: those seen beside it, and those in view whose face was seen since it began."""
        return follow.together | {
            other.person_id
            for other in self._follows.values()
            if other.person_id
            and other.last_ns == follow.last_ns
            and other is not follow
            and other.sure_ns is not None
            and other.sure_ns >= follow.first_ns
        }

    def _decide(self, now_ns: int, wait: bool = True) -> list[PersonEvent]:
        """Say who the undecided tracks are, the surest first; each decision excludes that person for the others."""
        events = []
        while True:
            undecided = [follow for follow in self._follows.values() if follow.undecided]
            found = [
                (recognition, follow)
                for recognition, follow in (
                    (self._identities.recognise(follow.template, self._excluded(follow)), follow)
                    for follow in undecided
                )
                if recognition
            ]
            if not found:
                break
            recognition, follow = max(found, key=lambda pair: pair[0].similarity)
            events += self._name(follow, recognition.person_id, now_ns, recognition)
        for follow in undecided:
            waited = now_ns - follow.confirmed_ns >= self._settings.identity_wait_ns
            enough = len(follow.template) and (
                follow.looks >= self._settings.faces_for_new_person
                or not self._identities.knows_other_than(self._excluded(follow))
            )
            if enough or ((waited or not wait) and self._counts(follow)):
                events += self._name(follow, self._identities.new_person(), now_ns)
        return events

    def _counts(self, follow: OpenTrack) -> bool:
        """Whether a track stands for a person: it showed a face, or it was there for as long as one waits for a face.

        Anything less is mostly a second box around somebody half hidden.
        """
        return bool(len(follow.template)) or follow.last_ns - follow.first_ns >= self._settings.identity_wait_ns

    def _name(
        self, follow: OpenTrack, person_id: str, now_ns: int, recognition: Recognition | None = None
    ) -> list[PersonEvent]:
        """A track is that person: a visit goes on, or a new one begins."""
        # A visit keeps the id it began with, also where that has become another name of the same person.
        settled = self._identities.merges.canonical
        person_id = next((visited for visited in self._visits if settled(visited) == settled(person_id)), person_id)
        for other in list(self._follows.values()):
            if other.person_id == person_id:
                # One track a person: of the two, the one seen later. What the other's key shows next is a new track.
                self._end(min(other, follow, key=lambda each: each.last_ns))
            elif follow.track_id in other.beside:
                other.together.add(person_id)
                other.beside.discard(follow.track_id)
        follow.person_id = person_id
        follow.sure_ns = follow.last_ns if len(follow.template) else None
        visit = self._visits.get(person_id)
        if visit:
            visit.take(follow)
            events = []
        else:
            first_ns = max(follow.first.stamp_ns, self._left_ns.get(person_id, follow.first.stamp_ns))
            visit = Visit(self._robot_id, self._camera_id, person_id, follow, first_ns, recognition is None)
            self._visits[person_id] = visit
            events = [visit.came()]
            # Decided after they had left: nothing is told of somebody later than that they are gone.
            decided_ns = max(first_ns, min(now_ns, follow.last_ns + self._settings.exit_after_ns))
            events += self._matched(
                visit, follow, recognition, decided_ns, self._number_at(decided_ns, follow.last_number)
            )
        for embedding, quality in zip(follow.template.embeddings, follow.template.qualities):
            self._identities.add_face(person_id, embedding, float(quality))
        return events

    def _accompany(self, follow: OpenTrack) -> list[PersonEvent]:
        """A person seen: learn the face, and tell once where it turns out to be somebody known."""
        if follow.embedding is None or follow.doubts:
            return []
        self._identities.add_face(follow.person_id, follow.embedding, follow.quality)
        visit = self._visits[follow.person_id]
        recognition = None
        if visit.is_new and not visit.matched:
            recognition = self._identities.recognise(
                follow.template, visit.together | {follow.person_id}, before=follow.person_id
            )
            if recognition:
                self._identities.join(follow.person_id, recognition.person_id, recognition.similarity)
        return self._matched(visit, follow, recognition, max(follow.last_ns, visit.first_ns), follow.last_number)

    def _matched(
        self, visit: Visit, follow: OpenTrack, recognition: Recognition | None, stamp_ns: int, number: int
    ) -> list[PersonEvent]:
        """Tell once a visit that it is a gallery person, or else somebody known; a gallery person also when that turns
        out only after somebody known was told."""
        if not visit.enrolled:
            match = self._identities.gallery.recognise(follow.template)
            # Of two people in view only one can be that person.
            if match and all(other.enrolled != match.entry.name for other in self._visits.values()):
                visit.matched = True
                return [visit.enrolled_as(stamp_ns, number, match)]
        if recognition and not visit.matched:
            return [visit.recognised(stamp_ns, number, recognition)]
        return []

    def _expire(self, until_ns: int) -> list[PersonEvent]:
        """End the visits of those who were unseen for long enough by ``until_ns``."""
        events = []
        for visit in sorted(self._visits.values(), key=lambda visit: visit.last_ns):
            gone_ns = visit.last_ns + self._settings.exit_after_ns
            if gone_ns <= until_ns and not self._may_be_back(visit, gone_ns):
                events += self._leave(visit, gone_ns)
        return events

    def _may_be_back(self, visit: Visit, gone_ns: int) -> bool:
        """Whether a track that began in time may yet turn out to be this person."""
        return any(
            not follow.person_id
            and visit.tracked_ns < follow.first_ns <= gone_ns
            and visit.person_id not in follow.together
            for follow in self._follows.values()
        )

    def _leave(self, visit: Visit, stamp_ns: int) -> list[PersonEvent]:
        del self._visits[visit.person_id]
        self._left_ns[visit.person_id] = stamp_ns
        for follow in [follow for follow in self._follows.values() if follow.person_id == visit.person_id]:
            self._end(follow)
        self._identities.forget_faceless(visit.person_id)
        return [visit.left(stamp_ns, self._number_at(stamp_ns, visit.last_number))]

    def _number_at(self, stamp_ns: int, default: int) -> int:
        """Number of the last frame up to a stamp."""
        return next((number for frame_ns, number in reversed(self._frames) if frame_ns <= stamp_ns), default)

    def _drop(self, stamp_ns: int) -> None:
        """End the tracks that are not looked for any more; undecided ones wait for their decision."""
        for follow in list(self._follows.values()):
            patience_ns = self._settings.max_gap_ns if follow.person_id else self._settings.confirm_within_ns
            waits = follow.undecided and self._counts(follow)
            if stamp_ns - follow.last_ns > patience_ns and not waits:
                self._end(follow)

    def _end(self, follow: OpenTrack) -> None:
        self._follows = {key: other for key, other in self._follows.items() if other is not follow}
        if follow.confirmed_ns is not None:
            self._ended.append(follow)
        for other in self._follows.values():
            other.beside.discard(follow.track_id)


def _in_order(events: list[PersonEvent]) -> Events:
    """By stamp; of those at one moment, the one that happened first stays first."""
    return tuple(sorted(events, key=lambda event: event.stamp_ns))
