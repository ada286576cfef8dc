"""Saved clips that show a person: deleted, or with the person's region destroyed."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from facetrack_ros.core.disk.overwriting import put_in_place, shred, shred_folder
from facetrack_ros.core.event import FACE_MATCHED
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.jpeg import is_png
from facetrack_ros.core.sealed_files.record_file import open_stored
from facetrack_ros.core.sealed_files.whole_file import read_stored, replace_stored
from facetrack_ros.errors import FrameError, StoreError, store_errors
from facetrack_ros.history.forget.order import ForgetOrder
from facetrack_ros.history.forget.presence import Presence
from facetrack_ros.history.forget.recordings import UNKNOWN, RecordingFilter
from facetrack_ros.history.forget.region import destroy_regions
from facetrack_ros.history.mcap.reader import read_table
from facetrack_ros.history.mcap.writer import SegmentWriter

MANIFEST = "manifest.json"
_MOST_BYTES = 256_000_000
#: Films cannot be changed picture by picture: they are deleted from a clip that is kept.
_FILMS = (".mp4", ".gif")
_PICTURES = (".jpg", ".png")


@dataclass(frozen=True, eq=False)
class ClipManifest:
    """A saved clip as its manifest tells it.

    :param values: of the manifest; empty: it is damaged, so that the clip may show anyone.
    """

    folder: Path
    values: dict[str, Any]

    @classmethod
    def read(cls, folder: Path) -> "ClipManifest":
        """Read the manifest of a clip's folder."""
        try:
            values = json.loads(read_stored(folder / MANIFEST, _MOST_BYTES))
            if not isinstance(values, dict) or not all(isinstance(values[key], list) for key in ("frames", "files")):
                raise ValueError("no manifest")
        except (OSError, ValueError, KeyError, RecursionError):
            values = {}
        return cls(folder, values)

    def frames(self) -> Iterator[tuple[str, int, list[dict[str, Any]]]]:
        """Camera, stamp and people of each frame; damaged lines are left out."""
        for line in self.values.get("frames", ()):
            try:
                yield str(line["camera_id"]), int(line["stamp_ns"]), list(line.get("people") or ())
            except (KeyError, TypeError, ValueError):
                continue

    def boxes_of(self, order: ForgetOrder) -> Iterator[tuple[str, int, np.ndarray]]:
        """Camera, stamp and box of the person in each frame of the clip that has one."""
        for camera, stamp, people in self.frames():
            for person in people:
                if _is_person(order, person):
                    yield camera, stamp, np.array(person["bbox"], np.float32)

    def track_ids_of(self, person_ids: Collection[str]) -> set[str]:
        """The tracks that the clip says are of a person."""
        return {
            str(person.get("track_id"))
            for _, _, people in self.frames()
            for person in people
            if person.get("person_id") in person_ids and person.get("track_id")
        }

    def concerns(self, order: ForgetOrder, presence: Presence) -> bool:
        """Whether the clip shows or names the person, or reaches into the time."""
        if not self.values:
            return True
        if order.of_time:
            return order.overlaps(self.values.get("start_ns", 0), self.values.get("end_ns", 2**63 - 1))
        return any(
            presence.shows(camera, stamp) or any(_is_person(order, person) for person in people)
            for camera, stamp, people in self.frames()
        ) or any(_names(order, line) for key in ("events", "sightings") for line in self.values.get(key, ()))

    def others(self, order: ForgetOrder) -> set[str]:
        """The other persons in the clip's frames."""
        return {
            str(person.get("person_id") or UNKNOWN)
            for _, _, people in self.frames()
            for person in people
            if not _is_person(order, person)
        }


def forget_clip(clip: ClipManifest, order: ForgetOrder, presence: Presence) -> None:
    """Delete a clip, or with ``order.blur`` destroy the person's region in its pictures and delete its films.

    :raises StoreError: the disk refuses.
    """
    with store_errors(f"cannot forget in the clip {clip.folder}", "check its permissions"):
        if not order.blur or not clip.values:
            shred_folder(clip.folder)
            return
        rule = RecordingFilter(order, presence)
        for path in sorted(path for path in clip.folder.rglob("*") if path.is_file()):
            if path.suffix in _FILMS:
                shred(path)
            elif path.suffix in _PICTURES:
                _blur_picture(path, rule)
            elif path.suffix == ".mcap":
                _blur_recording(path, rule)
        left = [path for path in clip.folder.rglob("*") if path.is_file() and path.name != MANIFEST]
        if not left:
            shred_folder(clip.folder)
            return
        text = json.dumps(_without(clip, order, rule, left), indent=1).encode() + b"\n"
        replace_stored(clip.folder / MANIFEST, text)


def _blur_picture(path: Path, rule: RecordingFilter) -> None:
    """A picture is named after its stamp, its folder after the camera."""
    camera = path.parent.name
    try:
        stamp = int(path.stem)
    except ValueError:
        shred(path)
        return
    if not rule.shows(camera, stamp):
        return
    boxes = rule.region(camera, stamp)
    data = None
    if boxes:
        try:
            content = read_stored(path, _MOST_BYTES)
            image = destroy_regions(Frame(camera, stamp, 0, content).image, boxes)
            data = cv2.imencode(".png", image)[1].tobytes() if is_png(content) else encode_jpeg(image)
        except (FrameError, OSError):
            data = None
    if data is None:
        shred(path)
    else:
        kept = data
        replace_stored(path, kept)


def _blur_recording(path: Path, rule: RecordingFilter) -> None:
    try:
        table, _ = read_table(path)
    except StoreError:
        shred(path)
        return
    part = path.with_name(path.name + ".part")
    shred(part)
    writer = SegmentWriter(part)
    try:
        with open_stored(path) as file:
            rule.write(file, table, writer)
        if len(writer):
            writer.seal()
    finally:
        writer.abandon()
    if len(writer):
        put_in_place(part, path)
    else:
        shred(path)
    shred(part)


def _without(clip: ClipManifest, order: ForgetOrder, rule: RecordingFilter, files: list[Path]) -> dict[str, Any]:
    """The manifest of what is left of a clip."""
    frames = []
    for line in clip.values["frames"]:
        shown = rule.shows(line["camera_id"], line["stamp_ns"])
        if shown and not rule.region(line["camera_id"], line["stamp_ns"]):
            continue
        people = [person for person in line.get("people") or () if not _is_person(order, person)]
        changed = {"people": people} | ({"sha256": "", "blurred": True} if shown else {})
        frames.append(line | changed)
    rest = {
        key: [line for line in clip.values.get(key, ()) if not _names(order, line)] for key in ("events", "sightings")
    }
    described = []
    for path in sorted(files):
        with open_stored(path) as file:
            name = str(path.relative_to(clip.folder))
            described.append({"file": name, "bytes": file.size, "sha256": file.sha256()})
    return clip.values | {"frames": frames, **rest, "files": described}


def _is_person(order: ForgetOrder, person: dict[str, Any]) -> bool:
    return person.get("person_id") in order.person_ids or person.get("track_id") in order.track_ids


def _names(order: ForgetOrder, line: dict[str, Any]) -> bool:
    """Whether an event or sighting of a manifest is the person's."""
    if _is_person(order, line):
        return True
    return line.get("event") == FACE_MATCHED and line.get("reference_face_id") in order.words
