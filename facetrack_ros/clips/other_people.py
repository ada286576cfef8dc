"""Erasure of everyone but a clip's person from its frames."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping

from facetrack_ros.clips.sources import ClipSource
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.pictures.erasure import PersonRegion, blank, with_regions
from facetrack_ros.core.track import Track, TrackState

#: Longest time between a frame and the tracks that tell who is in it. Chosen by hand: the analysis of a live camera may
#: be slower than the camera.
NEAR_NS = 500_000_000
#: By how much of their sides boxes of another frame are grown for each second between: a person who walks across the
#: picture moves by two widths of the body in a second. Chosen by hand.
_GROWTH_PER_S = 2.0


class OtherPeople:
    """Tells a clip's person from the others in a camera's frames, and erases these.

    A person's place in a frame is where the tracks of that frame, and the nearest before and after it, have the person;
    and where a sighting of that moment does. A frame that was not analysed shows people whose place is unknown: all of
    it is erased.

    :param only: ids of the persons and tracks that stay.
    :param tracks: of the camera, by stamp.
    :ivar unknown: number of frames that were erased as a whole.
    """

    def __init__(
        self,
        source: ClipSource,
        camera_id: str,
        start_ns: int,
        end_ns: int,
        only: frozenset[str],
        tracks: Mapping[int, tuple[Track, ...]],
    ) -> None:
        self.unknown = 0
        self._analysed = source.analysed(camera_id)
        self._tracks, self._stamps = tracks, sorted(tracks)
        self._sightings = source.sightings(camera_id, start_ns - NEAR_NS, end_ns + NEAR_NS)
        # A track has its person only from the moment that is decided.
        named = {track.track_id for each in tracks.values() for track in each if track.person_id in only}
        named |= {sighting.track_id for sighting in self._sightings if sighting.person_id in only}
        self._only = frozenset(only | named) - {""}

    def own(self, tracks: tuple[Track, ...]) -> tuple[Track, ...]:
        """The tracks that stay."""
        return tuple(track for track in tracks if self._stays(track.track_id, track.person_id))

    def without(self, frame: Frame) -> Frame:
        """The frame without the others: unchanged where there are none, else encoded anew.

        :raises FrameError: its bytes are no image.
        """
        stamp_ns = frame.stamp_ns
        near = self._near(stamp_ns)
        if not near and not any(start <= stamp_ns <= end for start, end in self._analysed):
            self.unknown += 1
            return blank(frame)
        own, others = self._of_tracks(stamp_ns, near)
        for sighting in self._sightings:
            region = PersonRegion(sighting.bbox, sighting.face_bbox)
            if self._stays(sighting.track_id, sighting.person_id):
                if sighting.stamp_ns == stamp_ns:
                    own.append(region)
            elif abs(sighting.stamp_ns - stamp_ns) <= NEAR_NS:
                others.append(region.grown(_GROWTH_PER_S * abs(stamp_ns - sighting.stamp_ns) / 1e9))
        return with_regions(frame, own, others, background=True) if others else frame

    def _of_tracks(self, stamp_ns: int, near: list[int]) -> tuple[list[PersonRegion], list[PersonRegion]]:
        """Regions of the clip's person and of others, at the stamps ``near``."""
        own, others = [], []
        for at in near:
            for track in self._tracks[at]:
                stays = self._stays(track.track_id, track.person_id)
                if not stays and track.state != TrackState.IDLE:
                    others.append(PersonRegion.of_track(track).grown(_GROWTH_PER_S * abs(stamp_ns - at) / 1e9))
                elif stays and (at == stamp_ns or stamp_ns not in self._tracks):
                    own.append(PersonRegion.of_track(track))
        return own, others

    def _stays(self, track_id: str, person_id: str) -> bool:
        return track_id in self._only or person_id in self._only

    def _near(self, stamp_ns: int) -> list[int]:
        """Stamps of the frame's tracks, and of the nearest before and after it."""
        before = bisect_left(self._stamps, stamp_ns)
        after = bisect_right(self._stamps, stamp_ns)
        near = self._stamps[max(before - 1, 0) : after + 1]
        return [stamp for stamp in near if abs(stamp - stamp_ns) <= NEAR_NS]
