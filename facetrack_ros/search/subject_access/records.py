"""What one robot's folder holds about a person."""

import base64
import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from facetrack_ros.core.sealed_files.whole_file import read_stored
from facetrack_ros.core.utc import moment
from facetrack_ros.errors import StoreError
from facetrack_ros.history.audit.audit_log import SEARCH, AuditLog
from facetrack_ros.history.events.format import read_events
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.sightings.database import stored_models
from facetrack_ros.history.sightings.model_contract import load_contract
from facetrack_ros.history.sightings.sighting import Sighting
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.search.subject_access.subject import Subject
from facetrack_ros.search.visits import VISIT_GAP_NS
from facetrack_ros.tracking.identity.gallery import GalleryEntry

#: Largest manifest of a saved clip that is read.
_MOST_MANIFEST_BYTES = 64_000_000
#: Fields of the log of searches that tell the person what was asked; who asked is another person's data.
_OF_SEARCH = ("timestamp", "kind", "search_id", "reference", "model_id", "threshold", "handed_out", "reason")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StoredVisit:
    """A stay of the person before one camera.

    :param best: the sighting of the highest quality in it.
    """

    camera_id: str
    start_ns: int
    end_ns: int
    best: Sighting


@dataclass
class RobotRecords:
    """What a robot holds about a person.

    :ivar sightings: by every model, in order of time.
    :ivar visits: made of them.
    :ivar events: as logged.
    :ivar entries: of the gallery.
    :ivar decisions: on which ids are one person.
    :ivar searches: in which the person was found.
    :ivar clips: saved ones that show the person: name, cameras, first and last stamp.
    """

    sightings: list[Sighting] = field(default_factory=list)
    visits: list[StoredVisit] = field(default_factory=list)
    events: list[dict] = field(default_factory=list)
    entries: list[GalleryEntry] = field(default_factory=list)
    decisions: list[dict] = field(default_factory=list)
    searches: list[dict] = field(default_factory=list)
    clips: list[dict] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(vars(self).values())


def records_of(folder: Path, subject: Subject, events_dir: Path | None = None) -> RobotRecords:
    """Read what a robot's folder holds about a person.

    :param events_dir: the robot's folder of event logs; None: in its own folder.
    :raises StoreError: a part of it cannot be read.
    """
    found = RobotRecords()
    thresholds = {}
    for model_id in stored_models(folder):
        contract = load_contract(folder, model_id)
        thresholds[model_id] = contract.threshold
        with closing(SightingStore.open_readonly(folder, contract)) as store:
            found.sightings += store.of_persons(subject.person_ids, subject.track_ids)
    found.sightings.sort(key=lambda sighting: (sighting.first_ns, sighting.camera_id))
    found.visits = visits_of(found.sightings)
    events = [event for event in read_events(events_dir or folder)]
    found.events = [event for event in events if _is_about(event, subject)]
    matched = {event.get("reference_face_id") for event in found.events}
    found.entries = [
        entry
        for entry in GalleryStore(folder).read()
        if entry.entry_id in matched or _resembles(entry, found.sightings, thresholds.get(entry.model_id))
    ]
    decisions = MergeLog(folder).read().decisions
    found.decisions = [vars(each) for each in decisions if subject.person_ids.intersection(each.pair)]
    found.searches = list(_searches(folder, subject))
    found.clips = list(_clips(folder, subject))
    return found


def visits_of(sightings: Iterable[Sighting]) -> list[StoredVisit]:
    """Sightings joined to visits, each of one camera without a longer gap than :data:`VISIT_GAP_NS`."""
    visits: list[StoredVisit] = []
    latest: dict[str, int] = {}
    for sighting in sorted(sightings, key=lambda each: each.first_ns):
        row = latest.get(sighting.camera_id)
        if row is None or sighting.first_ns - visits[row].end_ns > VISIT_GAP_NS:
            latest[sighting.camera_id] = len(visits)
            visits.append(StoredVisit(sighting.camera_id, sighting.first_ns, sighting.last_ns, sighting))
            continue
        visit = visits[row]
        best = max(visit.best, sighting, key=lambda each: each.quality)
        visits[row] = StoredVisit(visit.camera_id, visit.start_ns, max(visit.end_ns, sighting.last_ns), best)
    return visits


def sighting_line(sighting: Sighting) -> dict:
    """A sighting as JSON shows it; the embedding is base64 of float32, little-endian."""
    pose = sighting.pose
    return {
        "camera_id": sighting.camera_id,
        "stamp": iso(sighting.stamp_ns),
        "first_stamp": iso(sighting.first_ns),
        "last_stamp": iso(sighting.last_ns),
        "frame_number": sighting.frame_number,
        "person_id": sighting.person_id,
        "track_id": sighting.track_id,
        "bbox": _rounded(sighting.bbox),
        "face_bbox": _rounded(sighting.face_bbox),
        "quality": round(float(sighting.quality), 4),
        "robot_position": None if pose is None else [round(float(value), 3) for value in pose.position],
        "model_id": sighting.model_id,
        "embedding": _encoded(sighting.embedding),
    }


def entry_line(entry: GalleryEntry) -> dict:
    """A gallery entry as JSON shows it; the embedding as of a sighting."""
    return {**vars(entry), "stamp_ns": iso(entry.stamp_ns), "embedding": _encoded(entry.embedding)}


def iso(stamp_ns: int) -> str:
    """A stamp in ISO 8601, UTC."""
    return moment(stamp_ns).isoformat(timespec="milliseconds")


def _encoded(embedding: np.ndarray) -> str:
    return base64.b64encode(np.asarray(embedding, "<f4").tobytes()).decode()


def _rounded(box: np.ndarray) -> list[float]:
    return [round(float(value), 1) for value in box]


def _is_about(event: dict, subject: Subject) -> bool:
    return event["person_id"] in subject.person_ids or event.get("reference_face_id") in subject.person_ids


def _resembles(entry: GalleryEntry, sightings: list[Sighting], threshold: float | None) -> bool:
    """Whether an entry's face matches the mean face of a person's sightings by the same model."""
    faces = [sighting.embedding * sighting.quality for sighting in sightings if sighting.model_id == entry.model_id]
    if threshold is None or not faces:
        return False
    mean = np.sum(faces, axis=0)
    return float(entry.embedding @ mean) >= threshold * float(np.linalg.norm(mean))


def _searches(folder: Path, subject: Subject) -> Iterator[dict]:
    for record in AuditLog(folder, folder.name).records([SEARCH]):
        persons = record.get("persons", ())
        if isinstance(persons, list) and not subject.person_ids.isdisjoint(filter(_is_text, persons)):
            yield {name: record[name] for name in _OF_SEARCH if name in record}


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _clips(folder: Path, subject: Subject) -> Iterator[dict]:
    for file in sorted(folder.glob("clips/*/manifest.json")):
        try:
            manifest = json.loads(read_stored(file, _MOST_MANIFEST_BYTES))
            people = [person for frame in manifest["frames"] for person in frame["people"]]
            found = any(person["person_id"] in subject.ids or person["track_id"] in subject.ids for person in people)
            line = {"clip": file.parent.name, "cameras": manifest["cameras"]}
            line |= {"from": iso(manifest["start_ns"]), "to": iso(manifest["end_ns"])}
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise StoreError(f"{file} cannot be read, so who is in that clip is unknown: {error}") from error
        if found:
            yield line
