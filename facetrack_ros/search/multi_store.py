"""Several stores of one robot and one model, searched as one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from facetrack_ros.history.sightings.queries import TrackHit
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.models.contract import ModelContract


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
                known = tracks.get(key, hit)
                best = max(known, hit, key=lambda each: each.similarity)
                first_ns, last_ns = min(known.first_ns, hit.first_ns), max(known.last_ns, hit.last_ns)
                tracks[key] = replace(best, first_ns=first_ns, last_ns=last_ns)
        return sorted(tracks.values(), key=lambda hit: -hit.similarity)[:limit], count, compared

    def found_by_rescan(self, camera_id: str, stamp_ns: int) -> bool:
        """Whether a rescan, this one or an earlier one, found a face in that frame."""
        return any(store.found_by_rescan(camera_id, stamp_ns) for store in self._stores)
