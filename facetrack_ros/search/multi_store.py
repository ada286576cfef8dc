"""Several stores of one robot and one model, searched as one."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from facetrack_ros.history.sightings.queries import TrackHit
from facetrack_ros.history.sightings.scene import Scene
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.tracking.identity_merges import IdentityMerges


class MultiStore:
    """A robot's store, and the temporary one of a rescan that must not write in the robot's folder.

    :param stores: of one robot and model; may be empty.
    """

    def __init__(self, robot_id: str, contract: ModelContract, stores: Sequence[SightingStore]) -> None:
        self.robot_id = robot_id
        self.contract = contract
        self._stores = tuple(stores)

    def search_tracks(
        self, embedding: np.ndarray, start_ns: int, end_ns: int, cameras: tuple[str, ...], threshold: float, limit: int
    ) -> tuple[list[TrackHit], int, int]:
        """As :meth:`SightingStore.search_tracks`; a track of two stores counts once."""
        tracks: dict[str, TrackHit] = {}
        count = compared = 0
        for number, store in enumerate(self._stores):
            found = store.search_tracks(embedding, start_ns, end_ns, cameras, threshold, limit)
            count, compared = count + found[1], compared + found[2]
            for row, hit in enumerate(found[0]):
                key = hit.sighting.track_id or f"{number} {row}"
                count -= key in tracks
                tracks[key] = _merged(tracks.get(key, hit), hit)
        return sorted(tracks.values(), key=lambda hit: -hit.similarity)[:limit], count, compared

    def tracks_of_persons(
        self, embedding: np.ndarray, person_ids: Sequence[str], start_ns: int, end_ns: int, cameras: Sequence[str] = ()
    ) -> list[TrackHit]:
        """As :meth:`SightingStore.tracks_of_persons`; a track of two stores counts once."""
        tracks: dict[str, TrackHit] = {}
        for number, store in enumerate(self._stores):
            for row, hit in enumerate(store.tracks_of_persons(embedding, person_ids, start_ns, end_ns, cameras)):
                key = hit.sighting.track_id or f"{number} {row}"
                tracks[key] = _merged(tracks.get(key, hit), hit)
        return list(tracks.values())

    def faces_of_tracks(self, track_ids: Collection[str]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """As :meth:`SightingStore.faces_of_tracks`, of all stores together."""
        found: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for store in self._stores:
            for track, (embeddings, qualities) in store.faces_of_tracks(track_ids).items():
                known = found.get(track, (embeddings[:0], qualities[:0]))
                found[track] = np.concatenate([known[0], embeddings]), np.concatenate([known[1], qualities])
        return found

    def seen_together(self, person_id: str, others: Iterable[str]) -> set[str]:
        """As :meth:`SightingStore.seen_together`, within any of the stores."""
        others = [*others]
        return {other for store in self._stores for other in store.seen_together(person_id, others)}

    def scene(self, merges_of: Callable[[Path], IdentityMerges]) -> Scene:
        """The people of the largest store; see :meth:`SightingStore.scene`."""
        largest = max(self._stores, key=lambda store: store.count, default=None)
        return largest.scene(merges_of) if largest is not None else Scene.empty(self.contract.dimension)

    def found_by_rescan(self, camera_id: str, stamp_ns: int) -> bool:
        """Whether a rescan, this one or an earlier one, found a face in that frame."""
        return any(store.found_by_rescan(camera_id, stamp_ns) for store in self._stores)


def _merged(one: TrackHit, other: TrackHit) -> TrackHit:
    """The better of two hits of a track, over the time of both."""
    best = max(one, other, key=lambda hit: hit.similarity)
    return replace(best, first_ns=min(one.first_ns, other.first_ns), last_ns=max(one.last_ns, other.last_ns))
