"""What forgetting a person or a time would delete in a robot's folder, and what others would lose."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PERSON_OUT
from facetrack_ros.core.line_file import read_log_file
from facetrack_ros.core.sealed_files.record_file import open_stored
from facetrack_ros.core.vectors import unit_vector
from facetrack_ros.errors import InvalidInput, StoreError, store_errors
from facetrack_ros.history.events.format import read_log
from facetrack_ros.history.forget.clips import ClipManifest
from facetrack_ros.history.forget.log_lines import edit_log, event_edit, request_edit, search_edit
from facetrack_ros.history.forget.order import ForgetOrder, ForgetTarget
from facetrack_ros.history.forget.places import ForgetPlaces
from facetrack_ros.history.forget.presence import Presence
from facetrack_ros.history.forget.recordings import (
    RecordingChange,
    RecordingFilter,
    read_tracks_message,
    tracks_messages,
)
from facetrack_ros.history.forget.salted_hashes import MOST_HASHES, new_salt, salted_hash
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.history.sightings.table import SightingTrace
from facetrack_ros.tracking.identity.gallery import GalleryEntry
from facetrack_ros.tracking.identity_merges import IdentityMerges

# Best faces that stand for a person, as for a search by person.
_FACES_OF_A_PERSON = 90


@dataclass
class ForgetPreview:
    """What there is to forget, in numbers.

    :param sightings: by model id.
    :param stored: by model id all sightings, of which these are a part.
    :param recordings: frames, tracks and events in recordings.
    :param frames_stored: all stored frames.
    :param clips: names of saved clips.
    :param clips_of_others: clips lost, by the other persons in them.
    :param similar: other persons whose face is as similar as that of a picture or name, and who are not forgotten:
        their sightings differ too much to be one person's.
    """

    sightings: Counter = field(default_factory=Counter)
    stored: Counter = field(default_factory=Counter)
    thumbnails: int = 0
    events: int = 0
    search_lines: int = 0
    requests: int = 0
    recordings: RecordingChange = field(default_factory=RecordingChange)
    frames_stored: int = 0
    clips: list[str] = field(default_factory=list)
    clips_of_others: Counter = field(default_factory=Counter)
    merges: int = 0
    entries: int = 0
    leftovers: list[str] = field(default_factory=list)
    similar: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to forget; copies that were set aside do not count, for they may hold anyone."""
        counts = self.events, self.search_lines, self.requests, len(self.clips), self.merges, self.entries
        return not (self.sightings or any(counts) or self.recordings)

    @property
    def too_much(self) -> str:
        """Why it is braked, a sentence: more than half of a store would go; empty: it is not."""
        for model, count in self.sightings.items():
            if 2 * count > self.stored[model]:
                return f"{count} of {self.stored[model]} sightings of {model} would be deleted"
        frames = self.recordings.deleted.total()
        if 2 * frames > self.frames_stored:
            return f"{frames} of {self.frames_stored} frames would be deleted"
        return ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON. No name, no time, no place."""
        recordings = self.recordings
        return {
            "sightings": dict(self.sightings),
            "sightings_stored": dict(self.stored),
            "thumbnails": self.thumbnails,
            "events": self.events,
            "search_log_lines": self.search_lines,
            "requests": self.requests,
            "frames_deleted": dict(recordings.deleted),
            "frames_blurred": dict(recordings.blurred),
            "frames_encoded_again": recordings.encoded_again,
            "frames_stored": self.frames_stored,
            "tracks": recordings.tracks,
            "clips": len(self.clips),
            "merge_decisions": self.merges,
            "gallery_entries": self.entries,
            "files_set_aside": len(self.leftovers),
            "others_lose": {
                person: {"frames": recordings.others[person], "clips": self.clips_of_others[person]}
                for person in sorted({*recordings.others, *self.clips_of_others})
            },
            "similar_not_forgotten": list(self.similar),
        }


def find_order(
    places: ForgetPlaces, target: ForgetTarget, now_ns: int, merges: IdentityMerges | None = None
) -> tuple[ForgetOrder, ForgetPreview, Presence]:
    """What a target means in a robot's folder, and what there is of it.

    :param now_ns: the time.
    :param merges: of other robots, beside those of the folder.
    :raises StoreError: part of the folder cannot be read.
    """
    known = MergeLog(places.path).read()
    for decision in merges.decisions if merges is not None else ():
        known.add_listed(decision)
    asked_ns = target.asked_ns or now_ns
    entries = [entry for entry in GalleryStore(places.path).read() if entry.stamp_ns <= asked_ns]
    order = ForgetOrder(
        target.order_id,
        places.robot_id,
        start_ns=target.start_ns,
        end_ns=target.end_ns,
        blur=target.blur,
        operator=target.operator,
        reason=target.reason,
        stamp_ns=asked_ns,
    )
    similar: set[str] = set()
    if not target.of_time:
        found = _PersonSearch(places, known, entries)
        found.start(target)
        similar = found.similar
        order = replace(
            order,
            person_ids=tuple(sorted(found.person_ids)),
            track_ids=tuple(sorted(found.track_ids)),
            names=tuple(sorted(found.names)),
            entry_ids=tuple(sorted(found.entry_ids)),
            rows={model: tuple(sorted(rows)) for model, rows in found.rows.items() if rows},
        )
        salt = new_salt(places.path)
        order = replace(order, salt=salt, hashes=tuple(_hashes(places, order, entries, salt)))
    preview, presence = find_traces(places, order)
    preview.similar = tuple(sorted(similar - set(order.person_ids)))
    return replace(order, found=preview.as_dict()), preview, presence


def find_traces(places: ForgetPlaces, order: ForgetOrder) -> tuple[ForgetPreview, Presence]:
    """What a robot's folder holds of an order, and when the person was in view.

    :raises StoreError: part of the folder cannot be read.
    """
    preview, presence = ForgetPreview(), find_presence(places, order)
    for store in places.stores:
        traces = traces_of(store, order)
        preview.stored[store.contract.id] += store.count
        if traces:
            preview.sightings[store.contract.id] += len(traces)
            preview.thumbnails += sum(trace.thumbnail for trace in traces)
    rule = RecordingFilter(order, presence)
    if places.archive is not None:
        for path, table in places.archive.sealed():
            preview.frames_stored += table.frames
            with store_errors(f"cannot read {path}"), open_stored(path) as file:
                preview.recordings.add(rule.change(file, table))
    for log in places.event_logs():
        preview.events += edit_log(log, event_edit(order, log.suffix), change=False)
    for log in places.search_logs():
        preview.search_lines += edit_log(log, search_edit(order), change=False)
    preview.requests = edit_log(places.requests, request_edit(order), change=False)
    for clip in map(ClipManifest.read, places.clips()):
        if clip.concerns(order, presence):
            preview.clips.append(clip.folder.name)
            if not order.blur:
                preview.clips_of_others.update(clip.others(order))
    decisions = MergeLog(places.path).read().decisions
    preview.merges = sum(bool({*decision.pair} & {*order.person_ids}) for decision in decisions)
    preview.entries = sum(entry.entry_id in order.entry_ids for entry in GalleryStore(places.path).read())
    preview.leftovers = [path.name for path in places.leftovers()]
    return preview, presence


def traces_of(store: SightingStore, order: ForgetOrder) -> list[SightingTrace]:
    """The sightings of an order in a store."""
    if order.start_ns is not None and order.end_ns is not None:
        return store.traces_between(order.start_ns, order.end_ns)
    return store.traces_of(order.person_ids, order.track_ids, order.rows.get(store.contract.id, ()))


def find_presence(places: ForgetPlaces, order: ForgetOrder) -> Presence:
    """When and where the person of an order was in view, by sightings, stored tracks, clips and visits."""
    presence = Presence()
    if order.of_time:
        return presence
    for store in places.stores:
        for trace in traces_of(store, order):
            presence.add_span(trace.camera_id, trace.first_ns, trace.last_ns)
            presence.add_box(trace.camera_id, trace.stamp_ns, trace.bbox)
    persons, tracks = set(order.person_ids), set(order.track_ids)
    for camera, stamp, content in stored_tracks(places, order.needles):
        with suppress(ValueError):
            for track in read_tracks_message(content).tracks:
                if track.person_id in persons or track.track_id in tracks:
                    presence.add_box(camera, stamp, track.bbox)
    for clip in map(ClipManifest.read, places.clips()):
        for camera, stamp, box in clip.boxes_of(order):
            presence.add_box(camera, stamp, box)
    for event in _events(places, order):
        with suppress(KeyError, TypeError, ValueError):
            _add_visit(presence, event)
    return presence


def _add_visit(presence: Presence, event: dict) -> None:
    if event["event"] == PERSON_IN and event["bbox"]:
        stamp = round(event["timestamp"] * 1e6) * 1000
        presence.add_box(event["camera_id"], stamp, np.array(event["bbox"], np.float32))
    elif event["event"] == PERSON_OUT and event["last_seen_timestamp"] is not None:
        last = round(event["last_seen_timestamp"] * 1e6) * 1000
        presence.add_span(event["camera_id"], last - round((event["duration_sec"] or 0) * 1e9), last)


def _events(places: ForgetPlaces, order: ForgetOrder) -> Iterator[dict]:
    """The logged events of the person."""
    for path in places.event_logs():
        with store_errors(f"cannot read {path}"):
            content = read_log_file(path)
        if any(needle in content for needle in order.needles):
            yield from (event for event in read_log(path)[0] if event.get("person_id") in order.person_ids)


def stored_tracks(places: ForgetPlaces, needles: Iterable[bytes]) -> Iterator[tuple[str, int, bytes]]:
    """The messages of tracks in the robot's frames that hold one of some texts."""
    needles = tuple(needles)
    for path, table in places.archive.sealed() if places.archive is not None and needles else ():
        with store_errors(f"cannot read {path}"), open_stored(path) as file:
            for camera, stamp, content in tracks_messages(file, table):
                if any(needle in content for needle in needles):
                    yield camera, stamp, content


class _PersonSearch:
    """Finds all ids, tracks and entries of a person in a robot's folder.

    :ivar similar: persons of whom a sighting is similar enough, while all together are not.
    """

    def __init__(self, places: ForgetPlaces, merges: IdentityMerges, entries: list[GalleryEntry]) -> None:
        self._places, self._merges, self._entries = places, merges, entries
        self.person_ids: set[str] = set()
        self.track_ids: set[str] = set()
        self.names: set[str] = set()
        self.entry_ids: set[str] = set()
        self.rows: dict[str, set[int]] = {}
        self.similar: set[str] = set()

    def start(self, target: ForgetTarget) -> None:
        """Find them."""
        if target.name:
            self.names.add(target.name)
            self._add_entries(entry for entry in self._entries if entry.is_called(target.name))
        for person in (target.person_id, *target.more_persons):
            if person:
                self._add_person(person)
        self._add_entries([entry for entry in self._entries if entry.entry_id in target.more_entries])
        self.entry_ids.update(target.more_entries)
        self.track_ids.update(target.more_tracks)
        for store in self._places.stores:
            self._add_by_face(store, target)
        self._add_recognised()
        self._add_tracks()

    def _add_person(self, person_id: str) -> None:
        self.person_ids.update(self._merges.group(person_id))

    def _add_entries(self, entries: Iterable[GalleryEntry]) -> None:
        for entry in entries:
            self.entry_ids.add(entry.entry_id)
            self.names.add(entry.name)

    def _add_by_face(self, store: SightingStore, target: ForgetTarget) -> None:
        """Follow the person's face: to persons, to sightings without one, and to gallery entries."""
        model, threshold = store.contract.id, store.contract.threshold
        face = self._face(store, target)
        if face is None:
            return
        similar = store.matches_of(face, threshold)
        by_person: dict[str, list[int]] = {}
        for trace in store.traces_of(ids=similar):
            by_person.setdefault(trace.person_id, []).append(trace.row)
        for person, rows in by_person.items():
            if not person:
                self.rows.setdefault(model, set()).update(rows)
            elif (target.name or target.faces) and person not in self.person_ids:
                mean = _mean(*store.best_faces(person, _FACES_OF_A_PERSON))
                if mean is not None and float(mean @ face) >= threshold:
                    self._add_person(person)
                else:
                    self.similar.add(person)
            elif person not in self.person_ids:
                self.similar.add(person)
        alike = (entry for entry in self._entries if entry.model_id == model and _alike(entry, face, threshold))
        self._add_entries(list(alike))
        names = set(self.names)
        self._add_entries(
            [
                entry
                for entry in self._entries
                if entry.name in names and (entry.model_id != model or _alike(entry, face, threshold))
            ]
        )

    def _face(self, store: SightingStore, target: ForgetTarget) -> np.ndarray | None:
        """The person's face by a store's model; None where it is not known."""
        model = store.contract.id
        if target.faces:
            try:
                return unit_vector(target.faces[model], store.contract.dimension) if model in target.faces else None
            except (InvalidInput, StoreError):
                return None
        if self.person_ids and not target.name:
            faces = [store.best_faces(person, _FACES_OF_A_PERSON) for person in self.person_ids]
            seen = _mean(np.concatenate([rows for rows, _ in faces]), np.concatenate([good for _, good in faces]))
            if seen is not None:
                return seen
        known = [each for each in self._entries if each.entry_id in self.entry_ids and each.model_id == model]
        return _mean(np.array([each.embedding for each in known]), np.array([each.quality for each in known]))

    def _add_recognised(self) -> None:
        """Persons whom the tracker took for an enrolled one, and entries that it took them for, as the events say."""
        for path in self._places.event_logs():
            with store_errors(f"cannot read {path}"):
                if FACE_MATCHED.encode() not in read_log_file(path):
                    continue
            for event in read_log(path)[0]:
                if event.get("event") != FACE_MATCHED or event.get("search_id"):
                    continue
                person, entry_id = event.get("person_id", ""), event.get("reference_face_id", "")
                if person and entry_id in self.entry_ids:
                    self._add_person(person)
                elif person in self.person_ids:
                    self._add_entries([entry for entry in self._entries if entry.entry_id == entry_id])

    def _add_tracks(self) -> None:
        """Every track of the persons, under which they were seen before they had an id."""
        self.track_ids |= tracks_of_persons(self._places, self.person_ids, self.rows)


def tracks_of_persons(places: ForgetPlaces, person_ids: Collection[str], rows: Mapping[str, Iterable[int]]) -> set[str]:
    """Every track of persons and sightings, in stores, recordings and clips.

    :param rows: database ids of sightings, by model id.
    """
    found: set[str] = set()
    for store in places.stores:
        traces = store.traces_of(person_ids, ids=rows.get(store.contract.id, ()))
        found.update(trace.track_id for trace in traces if trace.track_id)
    for _, _, content in stored_tracks(places, [person.encode() for person in person_ids]):
        with suppress(ValueError):
            tracks = read_tracks_message(content).tracks
            found.update(track.track_id for track in tracks if track.person_id in person_ids)
    for clip in map(ClipManifest.read, places.clips()):
        found |= clip.track_ids_of(person_ids)
    return found


def _alike(entry: GalleryEntry, face: np.ndarray, threshold: float) -> bool:
    return entry.embedding.shape == face.shape and float(entry.embedding @ face) >= threshold


def _mean(embeddings: np.ndarray, qualities: np.ndarray) -> np.ndarray | None:
    """The unit vector of a person's mean face by quality; None of no faces."""
    if not len(embeddings):
        return None
    total = (np.asarray(qualities, np.float32)[:, None] + 1e-3).T @ np.asarray(embeddings, np.float32)
    length = float(np.linalg.norm(total))
    return (total[0] / length).astype(np.float32) if length else None


def _hashes(places: ForgetPlaces, order: ForgetOrder, entries: list[GalleryEntry], salt: str) -> Iterator[str]:
    """Salted hashes of the person's embeddings, those of gallery entries first."""
    left = MOST_HASHES
    for entry in entries:
        if entry.entry_id in order.entry_ids and left:
            left -= 1
            yield salted_hash(salt, entry.model_id, entry.embedding)
    for store in places.stores:
        rows = [trace.row for trace in traces_of(store, order)][:left]
        left -= len(rows)
        for embedding in store.embeddings_of(rows):
            yield salted_hash(salt, store.contract.id, embedding)
