"""Stored frames with their tracks, from the stored tracks and the sightings of other models."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.frames.stored_tracks import stored_tracks
from facetrack_ros.history.sightings.store import SightingStore


class StoredFramesWithTracks:
    """A robot's stored frames, for analysis with another model.

    :param others: the sightings of the models that analysed them before.
    """

    def __init__(self, archive: FrameArchive, robot_id: str, others: Sequence[SightingStore]) -> None:
        self.robot_id = robot_id
        self._archive = archive
        self._others = others
        self._persons: dict[str, str] = {}

    def cameras(self) -> tuple[str, ...]:
        """Cameras with frames on disk."""
        return self._archive.cameras()

    def stamps(self, camera_id: str, start_ns: int, end_ns: int) -> list[int]:
        """Stamps of the frames between two stamps."""
        return self._archive.reader.stamps(camera_id, start_ns, end_ns)

    def frames(self, camera_id: str, start_ns: int, end_ns: int) -> Iterator[Frame]:
        """The frames between two stamps."""
        return self._archive.reader.between(camera_id, start_ns, end_ns)

    def tracks(self, camera_id: str, start_ns: int, end_ns: int) -> dict[int, tuple[Track, ...]]:
        """Tracks by stamp, with the persons they were assigned to later."""
        stored = stored_tracks(self._archive, camera_id, start_ns, end_ns)
        found = {stamp: list(tracks) for stamp, tracks in stored.items()}
        for store in self._others:
            for seen in store.between(camera_id, start_ns, end_ns):
                known = found.setdefault(seen.stamp_ns, [])
                if seen.track_id and all(track.track_id != seen.track_id for track in known):
                    known.append(Track(seen.track_id, seen.person_id, TrackState.TRACKING, seen.bbox, 1.0))
        return {
            stamp: tuple(replace(track, person_id=self._person(track)) for track in tracks)
            for stamp, tracks in found.items()
        }

    def _person(self, track: Track) -> str:
        """A track's person; its first frames were stored before the person was known."""
        if track.track_id not in self._persons:
            names = [seen.person_id for store in self._others for seen in store.of_track(track.track_id)]
            self._persons[track.track_id] = next(filter(None, names), "")
        return self._persons[track.track_id] or track.person_id
