"""Saves a clip: every format asked for, and a manifest of all of it."""

import hashlib
import heapq
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import cv2

from facetrack_ros.clips.clip import Clip, ClipSource
from facetrack_ros.clips.drawing import picture_of
from facetrack_ros.clips.gif_writer import GifWriter
from facetrack_ros.clips.mp4_writer import Mp4Writer
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.track import Track
from facetrack_ros.errors import FrameError, StoreError
from facetrack_ros.history.mcap.writer import SegmentWriter
from facetrack_ros.history.messages.channel import Channel
from facetrack_ros.history.messages.event import event_message, event_stamp_ns, events_channel
from facetrack_ros.history.messages.image import DEFINITION, TYPE, image_head
from facetrack_ros.history.messages.tracks import tracks_channel, tracks_message

FORMATS = ("mcap", "jpg", "png", "gif", "mp4")
MANIFEST = "manifest.json"
FORMAT_VERSION = 1
_BOXES_STAY_NS = 500_000_000
_PNG = b"\x89PNG"
_FILMS = {"gif": GifWriter, "mp4": Mp4Writer}


@dataclass(frozen=True)
class Saved:
    """A clip on disk.

    :param files: below ``folder``, the manifest last.
    :param frames: of all cameras.
    :param skipped: frames that did not decode, where they had to.
    """

    folder: Path
    files: tuple[str, ...]
    frames: int
    skipped: int


def save_clip(source: ClipSource, clip: Clip, folder: Path) -> Saved:
    """Write a clip into a new folder: whole, or not at all.

    :raises StoreError: the folder is there already, there are no frames, a format is unknown, or the disk does not take it.
    """
    unknown = [name for name in clip.formats if name not in FORMATS]
    if unknown:
        raise StoreError(f"there is no clip format {unknown[0]}: choose from {', '.join(FORMATS)}")
    if folder.exists():
        raise StoreError(f"{folder} is there already; give the clip another name")
    unfinished = folder.with_name(folder.name + ".unfinished")
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        try:
            manifest, skipped = _write(source, clip, unfinished)
            if not manifest["frames"]:
                raise StoreError(
                    f"{source.robot_id} holds no frame of {', '.join(clip.cameras) or 'any camera'} in that "
                    "time; `facetrack status` says from when to when there are any"
                )
            (unfinished / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
            unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    except OSError as error:
        raise StoreError(
            f"cannot write the clip {folder}: {error.strerror}; make room or check the permissions"
        ) from error
    return Saved(folder, (*(line["file"] for line in manifest["files"]), MANIFEST), len(manifest["frames"]), skipped)


def _write(source: ClipSource, clip: Clip, folder: Path) -> tuple[dict, int]:
    lines, skipped = [], 0
    recording = SegmentWriter(folder / "clip.mcap") if "mcap" in clip.formats else None
    events = source.events(clip.start_ns, clip.end_ns)
    tracks = {camera: source.tracks(camera, clip.start_ns, clip.end_ns) for camera in clip.cameras}
    frames = heapq.merge(
        *(source.frames(camera, clip.start_ns, clip.end_ns) for camera in clip.cameras),
        key=lambda frame: frame.stamp_ns,
    )
    films: dict[tuple[str, str], GifWriter | Mp4Writer] = {}
    pictures = [name for name in clip.formats if name != "mcap"]
    latest: dict[str, tuple[int, tuple[Track, ...]]] = {}
    try:
        for frame in frames:
            followed = tracks[frame.camera_id].get(frame.stamp_ns, ())
            lines.append(_frame_line(frame, followed))
            if recording is not None:
                _record(recording, source.robot_id, frame, followed)
            if followed:
                latest[frame.camera_id] = frame.stamp_ns, followed
            try:
                for name in pictures:
                    _picture(name, folder, films, source.robot_id, frame, _shown(latest, frame) if clip.boxes else None)
            except FrameError:
                skipped += 1
        if recording is not None:
            for event in events:
                recording.append(
                    events_channel(source.robot_id),
                    event["frame_number"],
                    event_stamp_ns(event),
                    (event_message(event),),
                )
            recording.seal()
        for film in films.values():
            film.close()
        films = {}
    finally:
        if recording is not None:
            recording.abandon()
        for film in films.values():  # something failed: what is unfinished is thrown away
            try:
                film.close()
            except StoreError:
                pass
    return {
        "format": FORMAT_VERSION,
        "robot_id": source.robot_id,
        "cameras": list(clip.cameras),
        "start_ns": clip.start_ns,
        "end_ns": clip.end_ns,
        "boxes": clip.boxes,
        "frames": lines,
        "events": events,
        "sightings": [
            _sighting_line(one)
            for camera in clip.cameras
            for one in source.sightings(camera, clip.start_ns, clip.end_ns)
        ],
        "files": [
            {"file": str(path.relative_to(folder)), "bytes": path.stat().st_size, "sha256": _sha256(path)}
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        ],
    }, skipped


def _record(recording: SegmentWriter, robot_id: str, frame: Frame, tracks: tuple[Track, ...]) -> None:
    channel = Channel(f"/{robot_id}/{frame.camera_id}/image/compressed", TYPE, DEFINITION, frame.camera_id)
    format = "png" if frame.jpeg.startswith(_PNG) else "jpeg"
    head = image_head(frame.stamp_ns, frame.frame_id or frame.camera_id, format, len(frame.jpeg))
    recording.append(channel, frame.number, frame.stamp_ns, (head, frame.jpeg))
    if tracks:
        recording.append(
            tracks_channel(robot_id, frame.camera_id),
            frame.number,
            frame.stamp_ns,
            (tracks_message(frame.camera_id, frame.stamp_ns, frame.number, "", tracks),),
        )


def _picture(
    name: str, folder: Path, films: dict, robot_id: str, frame: Frame, tracks: tuple[Track, ...] | None
) -> None:
    if name in _FILMS:
        image = picture_of(frame, robot_id, tracks)
        film = films.get((frame.camera_id, name))
        if film is None:
            film = films[frame.camera_id, name] = _FILMS[name](folder / f"{frame.camera_id}.{name}")
        film.add(image, frame.stamp_ns)
        return
    if name == "jpg" and tracks is None and not frame.jpeg.startswith(_PNG):
        data = frame.jpeg  # as it came
    elif name == "jpg":
        data = encode_jpeg(picture_of(frame, robot_id, tracks))
    else:
        done, encoded = cv2.imencode(".png", picture_of(frame, robot_id, tracks))
        if not done:
            raise FrameError(f"frame {frame.number} of camera {frame.camera_id} cannot be encoded as PNG")
        data = encoded.tobytes()
    path = folder / frame.camera_id / f"{frame.stamp_ns}.{name}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)


def _shown(latest: dict[str, tuple[int, tuple[Track, ...]]], frame: Frame) -> tuple[Track, ...]:
    # Cameras may be faster than the detector: boxes stay for a moment, or they would flicker.
    stamp_ns, tracks = latest.get(frame.camera_id, (frame.stamp_ns, ()))
    return tracks if frame.stamp_ns - stamp_ns <= _BOXES_STAY_NS else ()


def _frame_line(frame: Frame, tracks: tuple[Track, ...]) -> dict:
    return {
        "camera_id": frame.camera_id,
        "stamp_ns": frame.stamp_ns,
        "frame_number": frame.number,
        "sha256": hashlib.sha256(frame.jpeg).hexdigest(),
        "people": [
            {
                "track_id": track.track_id,
                "person_id": track.person_id,
                "bbox": _box(track.bbox),
                "face_bbox": _box(track.face.bbox) if track.face is not None else None,
            }
            for track in tracks
        ],
    }


def _sighting_line(one) -> dict:
    return {
        "camera_id": one.camera_id,
        "track_id": one.track_id,
        "person_id": one.person_id,
        "stamp_ns": one.stamp_ns,
        "first_ns": one.first_ns,
        "last_ns": one.last_ns,
        "frame_number": one.frame_number,
        "quality": round(one.quality, 4),
        "model_id": one.model_id,
    }


def _box(box) -> list[float]:
    return [round(float(value), 2) for value in box]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return (
            hashlib.file_digest(file, "sha256").hexdigest()
            if hasattr(hashlib, "file_digest")
            else hashlib.sha256(file.read()).hexdigest()
        )
