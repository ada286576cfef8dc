"""Sightings of other models in a robot's folder, counted without opening their index."""

from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

import numpy as np

from facetrack_ros.errors import StoreError
from facetrack_ros.history.sightings.coverage import GAP_NS, merge_spans
from facetrack_ros.history.sightings.database import Database, database_path, stored_models
from facetrack_ros.history.sightings.model_contract import load_contract
from facetrack_ros.history.sightings.queries import SightingQueries
from facetrack_ros.history.status import StoredModel


def other_models(
    directory: Path | str,
    model_id: str,
    start_ns: int = -(2**63),
    end_ns: int = 2**63 - 1,
    cameras: Sequence[str] = (),
    covered: dict[str, tuple[tuple[int, int], ...]] | None = None,
) -> tuple[StoredModel, ...]:
    """The models with sightings between two stamps that a search with ``model_id`` does not compare.

    :param cameras: only these; empty: all.
    :param covered: by camera, spans in which ``model_id`` analysed the frames: sightings of other models in there are
        left out.
    """
    found = []
    for other in stored_models(directory):
        if other == model_id:
            continue
        try:
            rows = _rows(Path(directory), other, start_ns, end_ns)
        except StoreError as error:
            found.append(StoredModel(other, 0, 0, 0, str(error)))
            continue
        rows = [row for row in rows if not cameras or row[0] in cameras]
        rows = [row for row in rows if not _within(row[1], row[2], (covered or {}).get(row[0], ()))]
        if rows:
            oldest, newest = min(row[1] for row in rows), max(row[2] for row in rows)
            found.append(StoredModel(other, len(rows), oldest, newest))
    return tuple(found)


def other_coverage(directory: Path | str, model_id: str) -> dict[str, tuple[tuple[int, int], ...]]:
    """By camera, when frames arrived under any model but ``model_id``; files that cannot be read are left out."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for other in stored_models(directory):
        if other == model_id:
            continue
        with suppress(StoreError):
            path = database_path(directory, other)
            with closing(Database.for_reading(path, load_contract(directory, other))) as database:
                for camera, start_ns, end_ns in database.rows("SELECT camera_id, start_ns, end_ns FROM coverage"):
                    spans.setdefault(camera, []).append((start_ns, end_ns))
    return {camera: merge_spans(found, GAP_NS) for camera, found in spans.items()}


def _rows(directory: Path, model_id: str, start_ns: int, end_ns: int) -> list[tuple]:
    """Camera, first and last stamp of the sightings of a model that overlap a time."""
    path = database_path(directory, model_id)
    with closing(Database.for_reading(path, load_contract(directory, model_id))) as database:
        sql = "SELECT camera_id, first_ns, last_ns FROM sightings WHERE first_ns <= ? AND last_ns >= ?"
        return database.rows(sql, (end_ns, start_ns))


def _within(first_ns: int, last_ns: int, spans: tuple[tuple[int, int], ...]) -> bool:
    starts = np.array([start for start, _ in spans], np.int64)
    at = int(np.searchsorted(starts, last_ns, side="right")) - 1
    return at >= 0 and spans[at][1] >= first_ns


class OtherStores:
    """The sightings of other models in a robot's folder, counted anew when a file there changes.

    :param directory: the robot's folder.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._seen: object = None
        self._found: tuple[StoredModel, ...] = ()

    def models(self, store: SightingQueries | None) -> tuple[StoredModel, ...]:
        """Those that a search of a store does not compare.

        :param store: the open one; None: none is open, and all models are named.
        """
        model_id = store.contract.id if store is not None else ""
        others = [
            database_path(self._directory, other) for other in stored_models(self._directory) if other != model_id
        ]
        seen = (model_id, [(path, _modified_ns(path)) for path in others])
        if seen != self._seen:
            covered = {camera: store.analysed(camera) for camera in store.cameras()} if store is not None else {}
            self._found = other_models(self._directory, model_id, covered=covered) if others else ()
            self._seen = seen
        return self._found


def _modified_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
