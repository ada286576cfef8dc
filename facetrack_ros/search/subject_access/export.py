"""Writes what robots hold about a person into a folder for that person."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from facetrack_ros.clips.clip import Clip
from facetrack_ros.clips.sources import StoredSource
from facetrack_ros.clips.writer import save_clip
from facetrack_ros.errors import StoreError, store_errors
from facetrack_ros.history.keeping_rules import KeepingRules
from facetrack_ros.history.layout import RobotFolder
from facetrack_ros.search.subject_access.records import RobotRecords, entry_line, iso, records_of, sighting_line
from facetrack_ros.search.subject_access.subject import Subject

#: Time before and after a visit that its clip shows. Chosen by hand.
AROUND_NS = 1_000_000_000
ABOUT = """\
What these files are

subject.json              whom this is about, under which ids, for what purpose and on what legal basis the data was
                          kept, how many records there are, and what could not be read
ROBOT/sightings.json      when and where a robot saw this person's face; `embedding`: the numbers that describe it
ROBOT/faces/              the face of each sighting, in the same order
ROBOT/pictures/           of each visit the best frame that is still kept; other people are erased
ROBOT/visits/             a film of each visit, as far as frames are still kept; other people are erased
ROBOT/events.json         when the person came and left, and was recognised
ROBOT/enrolment.json      reference faces under a name
ROBOT/identities.json     decisions that several ids are, or are not, this person
ROBOT/searches.json       searches that found this person
ROBOT/saved_clips.json    clips that the robot saved and that show this person
"""


@dataclass
class RobotExport:
    """What was written of one robot.

    :ivar counts: number of records by kind.
    :ivar missing: sentences on what could not be read, or is not kept any more.
    :ivar rules: what the robot keeps and why; None: unknown.
    :ivar incomplete: whether some of it could not be read.
    """

    robot_id: str
    counts: dict[str, int]
    missing: list[str]
    incomplete: bool = False
    rules: KeepingRules | None = None


def export_subject(
    folders: Iterable[RobotFolder],
    subject: Subject,
    out: Path,
    frames_dir: Path | None = None,
    events_dir: Path | None = None,
    on_robot: Callable[[RobotExport, Path], None] = lambda export, folder: None,
) -> list[RobotExport]:
    """Write what each robot holds about a person below a new folder.

    :param frames_dir: folder of the stored frames, one folder per robot below; None: each robot's own folder.
    :param events_dir: the same for the event logs.
    :param on_robot: called after each robot that holds something, with its folder.
    :raises StoreError: the folder exists, or the disk refuses.
    """
    if out.exists():
        raise StoreError(f"{out} is there already; give the folder another name")
    exports = []
    with store_errors(f"cannot write in {out}", "make room or check the permissions"):
        out.mkdir(parents=True)
        (out / "ABOUT.txt").write_text(ABOUT)
        for folder in folders:
            export = _export_robot(folder, subject, out / folder.robot_id, frames_dir, events_dir)
            exports.append(export)
            if any(export.counts.values()):
                on_robot(export, folder.path)
    return exports


def _export_robot(
    folder: RobotFolder, subject: Subject, out: Path, frames_dir: Path | None, events_dir: Path | None
) -> RobotExport:
    robot = folder.robot_id
    if folder.error:
        return RobotExport(robot, {}, [f"{robot}: {folder.error}"], True)
    try:
        records = records_of(folder.path, subject, events_dir / robot if events_dir else None)
    except StoreError as error:
        return RobotExport(robot, {}, [f"{robot}: {error}"], True)
    export = RobotExport(robot, {}, [], rules=KeepingRules.read(folder.path))
    if not records:
        return export
    out.mkdir()
    _write_records(records, out, export)
    try:
        with StoredSource(folder, frames_dir / robot if frames_dir else None) as source:
            for number, visit in enumerate(records.visits, 1):
                name = f"{number:03}_{visit.camera_id}"
                _write_visit(source, subject, visit, out, name, export)
    except StoreError as error:
        export.missing.append(f"{robot}: its frames cannot be read: {error}")
        export.incomplete = True
    return export


def _write_records(records: RobotRecords, out: Path, export: RobotExport) -> None:
    kinds = {
        "sightings": [sighting_line(sighting) for sighting in records.sightings],
        "events": records.events,
        "enrolment": [entry_line(entry) for entry in records.entries],
        "identities": records.decisions,
        "searches": records.searches,
        "saved_clips": records.clips,
    }
    for kind, lines in kinds.items():
        export.counts[kind] = len(lines)
        if lines:
            (out / f"{kind}.json").write_text(json.dumps(lines, indent=1, ensure_ascii=False) + "\n")
    faces = [sighting for sighting in records.sightings if sighting.thumbnail]
    export.counts["faces"] = len(faces)
    if faces:
        (out / "faces").mkdir()
    for number, sighting in enumerate(records.sightings, 1):
        if sighting.thumbnail:
            (out / "faces" / f"{number:05}_{sighting.camera_id}.jpg").write_bytes(sighting.thumbnail)


def _write_visit(source: StoredSource, subject: Subject, visit, out: Path, name: str, export: RobotExport) -> None:
    """Write the film of a visit and its best picture, as far as frames are kept."""
    camera, stamp_ns = (visit.camera_id,), visit.best.stamp_ns
    film = Clip(camera, visit.start_ns - AROUND_NS, visit.end_ns + AROUND_NS, ("mp4",), only=subject.ids)
    picture = Clip(camera, stamp_ns, stamp_ns, ("jpg",), only=subject.ids)
    for kind, clip in (("visits", film), ("pictures", picture)):
        if not source.stamps(visit.camera_id, clip.start_ns, clip.end_ns):
            if kind == "visits":
                span = f"{iso(visit.start_ns)} to {iso(visit.end_ns)}"
                export.missing.append(f"{source.robot_id}/{visit.camera_id} keeps no frame of {span}")
            continue
        saved = save_clip(source, clip, out / kind / name)
        export.counts[kind] = export.counts.get(kind, 0) + 1
        if saved.unknown or saved.skipped:
            unknown = f"{saved.unknown + saved.skipped} frames of {kind}/{name} are erased or left out: "
            export.missing.append(unknown + "who is in them is not known")
