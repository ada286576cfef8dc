"""Deduplication: which stored sighting of its track a new face belongs to."""

from dataclasses import dataclass

import numpy as np

from facetrack_ros.history.index.vector_index import VectorIndex
from facetrack_ros.models.contract import ModelContract


@dataclass
class OpenSighting:
    """A sighting that may still take in faces: its row in the index, and the quality of its best face."""

    row: int
    quality: float


@dataclass(frozen=True)
class DeduplicationRule:
    """When faces of one track are one sighting. The numbers are chosen by hand.

    :param similarity: lowest cosine to a sighting's best face; 0.9 separates two poses, not two frames.
    :param open_per_track: sightings a track may have open at once; the longest unseen one is closed for a new one.
    :param span_ns: longest a sighting may last. Without it a person who sits for an hour would be one sighting, whose
        one thumbnail stands for times at which it was not taken; 10 s.
    """

    similarity: float = 0.9
    open_per_track: int = 4
    span_ns: int = 10_000_000_000

    @classmethod
    def of_model(cls, contract: ModelContract) -> "DeduplicationRule":
        """The rule on a model's scale: a third of the distance that its threshold allows for a match.

        That separates poses and not frames: 0.81 for a threshold of 0.42, 0.98 for one of 0.945.
        """
        return cls(similarity=1.0 - (1.0 - contract.threshold) / 3.0)


class OpenSightings:
    """The open sightings of all tracks."""

    def __init__(self, rule: DeduplicationRule, index: VectorIndex) -> None:
        self._rule = rule
        self._index = index
        self._of_track: dict[str, list[OpenSighting]] = {}

    def match(self, track_id: str, stamp_ns: int, embedding: np.ndarray) -> OpenSighting | None:
        """The open sighting most similar to a face, or None when the face begins a new one.

        :param embedding: ``(dimension,)`` float32 unit vector.
        """
        best, highest = None, self._rule.similarity
        for sighting in self._of_track.get(track_id, ()):
            first, last = self._index.span(sighting.row)
            similarity = float(self._index.embedding(sighting.row) @ embedding)
            if similarity >= highest and max(last, stamp_ns) - min(first, stamp_ns) <= self._rule.span_ns:
                best, highest = sighting, similarity
        return best

    def open(self, track_id: str, sighting: OpenSighting) -> None:
        """Let a new sighting take in faces, unless it has no track."""
        if not track_id:
            return
        sightings = self._of_track.setdefault(track_id, [])
        if len(sightings) >= self._rule.open_per_track:
            sightings.remove(min(sightings, key=lambda other: self._index.span(other.row)[1]))
        sightings.append(sighting)

    def close_before(self, stamp_ns: int) -> None:
        """Close sightings that no face from ``stamp_ns`` on could extend, so that memory stays bounded."""
        earliest_ns = stamp_ns - self._rule.span_ns
        for track_id, sightings in list(self._of_track.items()):
            sightings[:] = [sighting for sighting in sightings if self._index.span(sighting.row)[0] >= earliest_ns]
            if not sightings:
                del self._of_track[track_id]

    def remove(self, rows: np.ndarray) -> None:
        """Follow the removal of rows from the index.

        :param rows: ``(n,)`` int64, sorted.
        """
        gone = set(rows.tolist())
        for track_id, sightings in list(self._of_track.items()):
            sightings[:] = [sighting for sighting in sightings if sighting.row not in gone]
            for sighting in sightings:
                sighting.row -= int(np.searchsorted(rows, sighting.row))
            if not sightings:
                del self._of_track[track_id]

    def lowest_row(self) -> int | None:
        """The first row of the index that may still change, None when there is none."""
        return min((sighting.row for open_ in self._of_track.values() for sighting in open_), default=None)
