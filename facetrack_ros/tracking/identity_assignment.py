"""Assignment of persons to the tracks of one camera."""

from collections.abc import Collection, Iterable, Iterator

from facetrack_ros.tracking.identity.gallery import GalleryMatch
from facetrack_ros.tracking.identity.person_registry import PersonRegistry, Recognition
from facetrack_ros.tracking.open_track import OpenTrack
from facetrack_ros.tracking.settings import TrackingSettings
from facetrack_ros.tracking.visit import Visit

# Chosen by hand. A single embedding that clearly belongs to another person may be a poor one.
_MISMATCHES_TO_END = 2
# Chosen by hand. The first embeddings of a track may be poor themselves.
_EMBEDDINGS_BEFORE_MISMATCHES = 5


class IdentityAssignment:
    """Decides which person each track is, from its face, the known persons and the other tracks in view.

    :param registry: persons of the robot.
    :param threshold: of the face embedder: lowest cosine similarity of a match.
    """

    def __init__(self, registry: PersonRegistry, threshold: float, settings: TrackingSettings):
        self._registry, self._threshold, self._settings = registry, threshold, settings
        self._reported_distinct: frozenset[str] = frozenset()

    def shows_other_person(self, track: OpenTrack, stamp_ns: int) -> bool:
        """Whether the face shows that the tracker moved a track to another person, as happens where people cross.

        :param stamp_ns: of the frame that the track was updated with.
        """
        if not track.person_id or track.embedding is None:
            return False
        similarity = self._registry.similarity(track.person_id, track.embedding)
        if similarity is None or similarity >= self._threshold:
            track.person_confirmed_ns, track.mismatch_count = stamp_ns, 0
        elif (
            similarity < 1 - self._settings.veto_distance * (1 - self._threshold)
            and track.embedding_count > _EMBEDDINGS_BEFORE_MISMATCHES
        ):
            track.mismatch_count += 1
        return track.mismatch_count >= _MISMATCHES_TO_END

    @staticmethod
    def note_co_visible(seen: Collection[OpenTrack], tracks: Collection[OpenTrack], stamp_ns: int) -> None:
        """Record which persons and tracks one frame shows together, so that no two of them become one person.

        A track counts as its person only where its face confirms that, in this frame or later: the tracker may have
        moved it to another person.

        :param seen: the tracks in the frame of ``stamp_ns``; ``tracks``: all open ones.
        """
        confirmed = _confirmed(seen, stamp_ns)
        unconfirmed = {track.track_id for track in seen} - {track.track_id for track in confirmed}
        for track in seen:
            track.undecided_neighbours |= unconfirmed - {track.track_id}
        for other in confirmed:
            for track in seen:
                if track is not other:
                    track.seen_with.add(other.person_id)
            for track in tracks:
                track.neighbour_decided(other.track_id, other.person_id)

    def note_distinct_persons(self, tracks: Iterable[OpenTrack], stamp_ns: int) -> None:
        """Record in the registry that the persons confirmed by face in one frame are different people."""
        persons = frozenset(track.person_id for track in _confirmed(tracks, stamp_ns))
        if len(persons) > 1 and not persons <= self._reported_distinct:
            self._registry.mark_distinct(persons)
            self._reported_distinct = persons

    def assignments(
        self, tracks: dict[int, OpenTrack], now_ns: int, wait: bool
    ) -> Iterator[tuple[OpenTrack, str, Recognition | None]]:
        """Yield track, person id and recognition (None: a new person) of each track that can be decided.

        Known persons come first, by descending similarity. The caller applies each assignment before it takes the next
        one: it excludes that person for the other tracks.

        :param tracks: the open tracks, which the caller may change in between.
        :param wait: whether a track without an identifying face waits for one.
        """
        while True:
            undecided = [track for track in tracks.values() if track.undecided]
            found = [
                (recognition, track)
                for track in undecided
                if (recognition := self._registry.recognise(track.template, self._excluded(track, tracks.values())))
            ]
            if not found:
                break
            recognition, track = max(found, key=lambda pair: pair[0].similarity)
            yield track, recognition.person_id, recognition
        for track in undecided:
            if self._makes_new_person(track, tracks.values(), now_ns, wait):
                yield track, self._registry.new_person(), None

    def _makes_new_person(self, track: OpenTrack, tracks: Iterable[OpenTrack], now_ns: int, wait: bool) -> bool:
        excluded = self._excluded(track, tracks)
        if len(track.template) and not self._registry.knows_face_besides(excluded):
            return True
        if track.embedding_count >= self._settings.faces_for_new_person and not self._registry.may_be_known(
            track.template, excluded
        ):
            return True
        waited = track.confirmed_ns is not None and now_ns - track.confirmed_ns >= self._settings.identity_wait_ns
        return (waited or not wait) and track.is_person

    def _excluded(self, track: OpenTrack, tracks: Iterable[OpenTrack]) -> set[str]:
        """Persons that a track cannot be: those seen with it, and those in view confirmed by face since it began."""
        return track.seen_with | {
            other.person_id
            for other in tracks
            if other.person_id
            and other is not track
            and other.last_ns == track.last_ns
            and other.person_confirmed_ns is not None
            and other.person_confirmed_ns >= track.first_ns
        }

    def learn_face(self, track: OpenTrack, visit: Visit) -> Recognition | None:
        """Add a track's current face to its person; return an older person that a new one turns out to be."""
        if track.embedding is None or track.mismatch_count:
            return None
        self._registry.add_face(track.person_id, track.embedding, track.quality)
        if not visit.is_new or visit.matched:
            return None
        excluded = visit.seen_with | {track.person_id}
        recognition = self._registry.recognise(track.template, excluded, before=track.person_id)
        if recognition and self._registry.merge(track.person_id, recognition.person_id):
            return recognition
        return None

    def suggest_person(self, visit: Visit) -> None:
        """At the end of a visit, record which known person a new one may be."""
        if visit.is_new and not visit.matched:
            self._registry.suggest(visit.person_id)

    def note_enrolled(self, track: OpenTrack, visit: Visit) -> None:
        """Note whether a track's current face matches the enrolled person that its visit shows."""
        if visit.enrolled_name and track.embedding is not None:
            self._registry.enrolled[visit.person_id] = visit.enrolled_name
            if self._registry.gallery.matches(visit.enrolled_name, track.embedding[None])[0]:
                track.enrolled_ns = track.last_ns

    def is_enrolled(self, visit: Visit) -> bool:
        """Whether a visit shows a person who is enrolled, still."""
        return bool(visit.enrolled_name) and self._registry.gallery.has_name(visit.enrolled_name)

    def gallery_match(self, track: OpenTrack, visit: Visit, visits: Iterable[Visit]) -> GalleryMatch | None:
        """The enrolled person that a visit shows, where it is not reported yet; no two visits show the same one."""
        if visit.enrolled_name:
            return None
        match = self._registry.recognise_enrolled(track.template)
        if match and all(other.enrolled_name != match.entry.name for other in visits):
            return match
        return None


def _confirmed(tracks: Iterable[OpenTrack], stamp_ns: int) -> list[OpenTrack]:
    """The tracks whose face matched their person in the frame of ``stamp_ns``."""
    return [track for track in tracks if track.person_id and track.person_confirmed_ns == stamp_ns]
