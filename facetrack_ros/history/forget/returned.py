"""What was forgotten and came back, from a backup or another program: found and forgotten again."""

import json
import logging
import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from facetrack_ros.bounded_file import read_bounded
from facetrack_ros.core.disk.overwriting import replace_file
from facetrack_ros.core.line_file import MAX_BYTES, read_log_file
from facetrack_ros.core.sealed_files.whole_file import read_stored
from facetrack_ros.errors import store_errors
from facetrack_ros.history.forget.clips import MANIFEST
from facetrack_ros.history.forget.forgetter import ForgetOutcome, Forgetter
from facetrack_ros.history.forget.order import ForgetOrder
from facetrack_ros.history.forget.places import ForgetPlaces
from facetrack_ros.history.forget.preview import stored_tracks, tracks_of_persons
from facetrack_ros.history.forget.recordings import read_tracks_message
from facetrack_ros.history.forget.tombstones import Tombstone, Tombstones, having_face
from facetrack_ros.history.mcap.message_table import MessageTable
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.tracking.identity.gallery import GalleryEntry

#: File in a robot's folder with the names and sizes of the segments that were searched for forgotten persons.
CHECKED = "forgotten_checked.json"
_ID = re.compile(rb"[A-Za-z][A-Za-z0-9_]*_[0-9]+")
_MOST_BYTES = 64_000_000

logger = logging.getLogger(__name__)


class Returned:
    """Looks for what has come back to a robot's folder, and has it forgotten again.

    Cheap while nothing has: sightings are found by the index of persons, logs by the ids in them, segments are
    searched once each. A store that does not know of a tombstone is not the one that was forgotten in: all its faces
    are compared with the salted hashes.
    """

    def __init__(self, places: ForgetPlaces, forgetter: Forgetter) -> None:
        self._places, self._forgetter = places, forgetter

    def forget_again(self, now_ns: int) -> list[ForgetOutcome]:
        """Forget what has come back.

        :param now_ns: the time.
        :raises StoreError: part of the folder cannot be read, or something cannot be deleted.
        """
        tombstones = Tombstones(self._places.path).read()
        if not tombstones:
            return []
        present, rows = self._ids_present(tombstones), self._rows_of_hashes(tombstones)
        entries = GalleryStore(self._places.path).read()
        done = []
        for tombstone in tombstones:
            persons = present & {*tombstone.person_ids}
            returned = [entry for entry in entries if _is_of(entry, tombstone)]
            own_rows = rows.get(tombstone, {})
            if persons or returned or own_rows or (present & {*tombstone.entry_ids}) or self._time_returned(tombstone):
                done.append(self._forgetter.forget_order(self._order(tombstone, returned, own_rows, now_ns)))
        for store in self._places.stores:
            store.mark_forgotten(tombstone.order_id for tombstone in tombstones)
        self._note_segments()
        return done

    def _order(
        self, tombstone: Tombstone, entries: list[GalleryEntry], rows: dict[str, tuple[int, ...]], now_ns: int
    ) -> ForgetOrder:
        order = tombstone.order(self._places.robot_id, now_ns)
        tracks = tracks_of_persons(self._places, set(tombstone.person_ids), rows) if not order.of_time else set()
        entry_ids = tuple(sorted({*tombstone.entry_ids, *(entry.entry_id for entry in entries)}))
        names = tuple(sorted({entry.name for entry in entries}))
        return replace(order, track_ids=tuple(sorted(tracks)), names=names, entry_ids=entry_ids, rows=rows)

    def _ids_present(self, tombstones: Iterable[Tombstone]) -> set[str]:
        """The forgotten ids that are anywhere in the folder."""
        persons = {person for each in tombstones for person in each.person_ids}
        wanted = persons | {entry for each in tombstones for entry in each.entry_ids}
        found: set[str] = set()
        for store in self._places.stores:
            found |= {trace.person_id for trace in store.traces_of(persons)}
        for decision in MergeLog(self._places.path).read().decisions:
            found |= {*decision.pair} & wanted
        manifests = [clip / MANIFEST for clip in self._places.clips()]
        for path in (*self._places.event_logs(), *self._places.search_logs(), *manifests):
            with store_errors(f"cannot read {path}"):
                content = read_stored(path, MAX_BYTES) if path.name == MANIFEST else read_log_file(path)
            found |= {word.decode() for word in set(_ID.findall(content))} & wanted
        newest_ns = max(each.stamp_ns for each in tombstones)
        if self._segments_to_search(newest_ns):
            for _, _, content in stored_tracks(self._places, [person.encode() for person in persons]):
                try:
                    found |= {track.person_id for track in read_tracks_message(content).tracks} & wanted
                except ValueError:
                    continue
        return found

    def _rows_of_hashes(self, tombstones: tuple[Tombstone, ...]) -> dict[Tombstone, dict[str, tuple[int, ...]]]:
        """By tombstone and model, the sightings that are what was forgotten, in stores that do not know of it."""
        found: dict[Tombstone, dict[str, list[int]]] = {}
        for store in self._places.stores:
            known = store.forgotten_marks()
            new = [each for each in tombstones if each.hashes and each.order_id not in known]
            for row, embedding in store.all_embeddings() if new else ():
                for tombstone in having_face(new, store.contract.id, embedding):
                    found.setdefault(tombstone, {}).setdefault(store.contract.id, []).append(row)
        return {each: {model: tuple(rows) for model, rows in by.items()} for each, by in found.items()}

    def _time_returned(self, tombstone: Tombstone) -> bool:
        if tombstone.start_ns is None or tombstone.end_ns is None:
            return False
        span = tombstone.start_ns, tombstone.end_ns
        archive = self._places.archive
        return any(store.traces_between(*span) for store in self._places.stores) or (
            archive is not None and any(archive.reader.stamps(camera, *span) for camera in archive.cameras())
        )

    def _segments_to_search(self, newest_ns: int) -> bool:
        """Whether there is a segment from before the last tombstone that was not searched yet."""
        archive, checked = self._places.archive, self._checked()
        return archive is not None and any(
            checked.get(path.name) != path.stat().st_size and _first_ns(table) <= newest_ns
            for path, table in archive.sealed()
        )

    def _checked(self) -> dict[str, int]:
        path = self._places.path / CHECKED
        try:
            values = json.loads(read_bounded(path, _MOST_BYTES))
            return {str(name): int(size) for name, size in values.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            return {}  # all are searched once more

    def _note_segments(self) -> None:
        archive = self._places.archive
        if archive is None:
            return
        sizes = {path.name: path.stat().st_size for path, _ in archive.sealed()}
        if sizes != self._checked():
            path = self._places.path / CHECKED
            with store_errors(f"cannot write {path}"):
                replace_file(path, lambda file: file.write(json.dumps(sizes).encode()))


def _is_of(entry: GalleryEntry, tombstone: Tombstone) -> bool:
    """Whether a gallery entry was forgotten: by its id, or by its face where it was made before."""
    if entry.entry_id in tombstone.entry_ids:
        return True
    return entry.stamp_ns <= tombstone.stamp_ns and bool(having_face([tombstone], entry.model_id, entry.embedding))


def _first_ns(table: MessageTable) -> int:
    return int(np.min(table.stamps)) if len(table) else 0


def forget_returned(places: ForgetPlaces, forgetter: Forgetter, now_ns: int) -> list[ForgetOutcome]:
    """Finish what a killed process began, then forget again what has come back; tells it in the log.

    :param now_ns: the time.
    :raises StoreError: something cannot be read or deleted.
    """
    finished = forgetter.finish()
    done = ([finished] if finished is not None else []) + Returned(places, forgetter).forget_again(now_ns)
    for outcome in done:
        logger.warning("%s was forgotten again in %s", outcome.order.order_id, places.path)
    return done
