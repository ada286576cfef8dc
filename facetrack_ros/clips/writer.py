"""Writer of clips: every format asked for, and a manifest with the hash of each file."""

import hashlib
import heapq
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.clips.clip import Clip
from facetrack_ros.clips.gif_writer import GifWriter
from facetrack_ros.clips.mp4_writer import Mp4Writer
from facetrack_ros.clips.other_people import NEAR_NS, OtherPeople
from facetrack_ros.clips.overlay import draw_overlay
from facetrack_ros.clips.sources import ClipSource
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.jpeg import is_png
from facetrack_ros.core.sealed_files.record_file import open_stored
from facetrack_ros.core.sealed_files.whole_file import FileInMemory, is_sealed, write_stored
from facetrack_ros.core.track import Track
from facetrack_ros.errors import FrameError, StoreError, store_errors
from facetrack_ros.history.mcap.writer import SegmentWriter
from facetrack_ros.history.messages.event import event_message, event_stamp_ns, events_channel
from facetrack_ros.history.messages.image import image_channel, image_parts
from facetrack_ros.history.messages.tracks import tracks_channel, tracks_message
from facetrack_ros.history.sightings.sighting import Sighting

FORMATS = ("mcap", "jpg", "png", "gif", "mp4")
MANIFEST = "manifest.json"
#: Suffix of a clip's folder until it is whole.
UNFINISHED = ".unfinished"
FORMAT_VERSION = 1
#: How long boxes are shown on, chosen by hand: a camera may be faster than the detector, and boxes would flicker.
_BOXES_SHOWN_NS = 500_000_000
_VIDEO_WRITERS: dict[str, type[GifWriter] | type[Mp4Writer]] = {"gif": GifWriter, "mp4": Mp4Writer}


@dataclass(frozen=True)
class SavedClip:
    """A clip on disk.

    :param files: paths relative to ``folder``, the manifest last.
    :param frames: number of frames of all cameras.
    :param skipped: number of frames that could not be decoded for images and videos.
    :param empty: cameras of the clip without any frame in its time.
    :param unknown: number of frames that were erased as a whole, because they were not analysed.
    """

    folder: Path
    files: tuple[str, ...]
    frames: int
    skipped: int
    empty: tuple[str, ...] = ()
    unknown: int = 0


def save_clip(
    source: ClipSource, clip: Clip, folder: Path, check: Callable[[int], None] = lambda size: None
) -> SavedClip:
    """Write a clip into a new folder, completely or not at all.

    :param check: called while it is written, with its bytes so far; raises where that is too much.
    :raises StoreError: the folder exists, there are no frames, a format is unknown, or the disk refuses.
    """
    unknown = [name for name in clip.formats if name not in FORMATS]
    if unknown:
        raise StoreError(f"there is no clip format {unknown[0]}: choose from {', '.join(FORMATS)}")
    if folder.exists():
        raise StoreError(f"{folder} is there already; give the clip another name")
    unfinished = folder.with_name(folder.name + UNFINISHED)
    with store_errors(f"cannot write the clip {folder}", "make room or check the permissions"):
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        try:
            writer = _ClipWriter(source, clip, unfinished, check)
            manifest = writer.write()
            if not manifest["frames"]:
                problem = f"{source.robot_id} holds no frame of {', '.join(clip.cameras) or 'any camera'} in that time"
                raise StoreError(f"{problem}; `facetrack status` says from when to when there are any")
            write_stored(unfinished / MANIFEST, json.dumps(manifest, indent=1).encode() + b"\n")
            unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    files = (*(line["file"] for line in manifest["files"]), MANIFEST)
    seen = {line["camera_id"] for line in manifest["frames"]}
    empty = tuple(camera for camera in clip.cameras if camera not in seen)
    return SavedClip(folder, files, len(manifest["frames"]), writer.skipped, empty, writer.unknown)


class _ClipWriter:
    """Writes the files of one clip but the manifest.

    :ivar skipped: number of frames that could not be decoded.
    """

    def __init__(self, source: ClipSource, clip: Clip, folder: Path, check: Callable[[int], None]) -> None:
        self._source, self._clip, self._folder, self._check = source, clip, folder, check
        self._image_bytes = 0
        self._image_formats = [name for name in clip.formats if name != "mcap"]
        self._videos: dict[tuple[str, str], GifWriter | Mp4Writer] = {}
        # Films of an encrypted folder, until they are whole.
        self._in_memory: dict[tuple[str, str], FileInMemory] = {}
        self._latest: dict[str, tuple[int, tuple[Track, ...]]] = {}
        self._others: dict[str, OtherPeople] = {}
        self.skipped = 0

    @property
    def unknown(self) -> int:
        """Number of frames that were erased as a whole."""
        return sum(others.unknown for others in self._others.values())

    def write(self) -> dict:
        """Write the files and return the manifest."""
        source, clip = self._source, self._clip
        span = clip.start_ns, clip.end_ns
        recording = SegmentWriter(self._folder / "clip.mcap") if "mcap" in clip.formats else None
        events = [event for event in source.events(*span) if self._is_shown(event["person_id"])]
        tracks = self._read_tracks()
        by_camera = (source.frames(camera, *span) for camera in clip.cameras)
        lines = []
        try:
            for frame, followed in self._shown(heapq.merge(*by_camera, key=lambda frame: frame.stamp_ns), tracks):
                lines.append(_frame_line(frame, followed))
                if recording is not None:
                    _record(recording, source.robot_id, frame, followed)
                if followed:
                    self._latest[frame.camera_id] = frame.stamp_ns, followed
                self._write_images(frame)
                self._check_size(recording)
            if recording is not None:
                channel = events_channel(source.robot_id)
                for event in events:
                    recording.append(channel, event["frame_number"], event_stamp_ns(event), (event_message(event),))
                recording.seal()
            self._finish_videos()
        finally:
            if recording is not None:
                recording.abandon()
            self._release_videos()
        sightings = (
            sighting
            for camera in clip.cameras
            for sighting in source.sightings(camera, *span)
            if self._is_shown(sighting.person_id, sighting.track_id)
        )
        files = sorted(path for path in self._folder.rglob("*") if path.is_file())
        return {
            "format": FORMAT_VERSION,
            "robot_id": source.robot_id,
            "cameras": list(clip.cameras),
            "start_ns": clip.start_ns,
            "end_ns": clip.end_ns,
            "boxes": clip.boxes,
            "purpose": source.rules.purpose if source.rules is not None else "",
            "legal_basis": source.rules.legal_basis if source.rules is not None else "",
            "others_erased": clip.only is not None,
            "frames_erased": self.unknown,
            "frames": lines,
            "events": events,
            "sightings": [_sighting_line(sighting) for sighting in sightings],
            "files": [_file_line(path, self._folder) for path in files],
        }

    def _finish_videos(self) -> None:
        while self._videos:
            (camera_id, name), video = self._videos.popitem()
            video.close()
            memory = self._in_memory.pop((camera_id, name), None)
            if memory is not None:
                memory.store(self._folder / f"{camera_id}.{name}")

    def _release_videos(self) -> None:
        """After an error: release the unfinished files."""
        for video in self._videos.values():
            with suppress(StoreError):
                video.close()
        for memory in self._in_memory.values():
            memory.close()

    def _read_tracks(self) -> dict[str, dict[int, tuple[Track, ...]]]:
        """The tracks by camera and stamp; where people are erased, also those just before and after the clip."""
        source, clip = self._source, self._clip
        span = clip.start_ns, clip.end_ns
        if clip.only is None:
            return {camera: source.tracks(camera, *span) for camera in clip.cameras}
        wider = clip.start_ns - NEAR_NS, clip.end_ns + NEAR_NS
        tracks = {camera: source.tracks(camera, *wider) for camera in clip.cameras}
        for camera, known in tracks.items():
            self._others[camera] = OtherPeople(source, camera, *span, clip.only, known)
        return tracks

    def _shown(
        self, frames: Iterable[Frame], tracks: dict[str, dict[int, tuple[Track, ...]]]
    ) -> Iterator[tuple[Frame, tuple[Track, ...]]]:
        """Each frame with its tracks, both as the clip shows them."""
        for frame in frames:
            followed, others = tracks[frame.camera_id].get(frame.stamp_ns, ()), self._others.get(frame.camera_id)
            if others is None:
                yield frame, followed
                continue
            try:
                yield others.without(frame), others.own(followed)
            except FrameError:
                self.skipped += 1  # who is in it cannot be erased

    def _is_shown(self, *ids: str) -> bool:
        """Whether a person or track is part of the clip."""
        return self._clip.only is None or any(each in self._clip.only for each in ids)

    def _write_images(self, frame: Frame) -> None:
        try:
            for name in self._image_formats:
                if name in _VIDEO_WRITERS:
                    image = self._image(frame)
                    self._video(frame.camera_id, name).add(image, frame.stamp_ns)
                    continue
                path = self._folder / frame.camera_id / f"{frame.stamp_ns}.{name}"
                data = self._encoded(frame, name)
                path.parent.mkdir(exist_ok=True)
                write_stored(path, data)
                self._image_bytes += len(data)
        except FrameError:
            self.skipped += 1

    def _check_size(self, recording: SegmentWriter | None) -> None:
        videos = sum(path.stat().st_size for path in self._folder.iterdir() if path.suffix[1:] in _VIDEO_WRITERS)
        videos += sum(each.size for each in self._in_memory.values())
        self._check(self._image_bytes + videos + (recording.bytes if recording is not None else 0))

    def _video(self, camera_id: str, name: str) -> GifWriter | Mp4Writer:
        video = self._videos.get((camera_id, name))
        if video is None:
            path = self._folder / f"{camera_id}.{name}"
            if is_sealed(path):
                memory = self._in_memory[camera_id, name] = FileInMemory(path.name)
                path = memory.path
            video = self._videos[camera_id, name] = _VIDEO_WRITERS[name](path)
        return video

    def _encoded(self, frame: Frame, name: str) -> bytes:
        if name == "jpg":
            unchanged = not self._clip.boxes and not is_png(frame.jpeg)
            return frame.jpeg if unchanged else encode_jpeg(self._image(frame))
        done, data = cv2.imencode(".png", self._image(frame))
        if not done:
            raise FrameError(f"frame {frame.number} of camera {frame.camera_id} cannot be encoded as PNG")
        return data.tobytes()

    def _image(self, frame: Frame) -> np.ndarray:
        """The frame's image, with the tracks drawn on it if the clip is to have boxes."""
        if not self._clip.boxes:
            return frame.image
        stamp_ns, tracks = self._latest.get(frame.camera_id, (frame.stamp_ns, ()))
        if frame.stamp_ns - stamp_ns > _BOXES_SHOWN_NS:
            tracks = ()
        title = f"{self._source.robot_id}/{frame.camera_id}"
        return draw_overlay(frame.image, tracks, frame.stamp_ns, title)


def _record(recording: SegmentWriter, robot_id: str, frame: Frame, tracks: tuple[Track, ...]) -> None:
    camera_id, stamp_ns, number = frame.camera_id, frame.stamp_ns, frame.number
    recording.append(image_channel(robot_id, camera_id), number, stamp_ns, image_parts(frame))
    if tracks:
        message = tracks_message(camera_id, stamp_ns, number, "", tracks)
        recording.append(tracks_channel(robot_id, camera_id), number, stamp_ns, (message,))


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
                "bbox": _rounded(track.bbox),
                "face_bbox": _rounded(track.face.bbox) if track.face is not None else None,
            }
            for track in tracks
        ],
    }


def _sighting_line(sighting: Sighting) -> dict:
    names = ("camera_id", "track_id", "person_id", "stamp_ns", "first_ns", "last_ns", "frame_number")
    return {
        **{name: getattr(sighting, name) for name in names},
        "quality": round(sighting.quality, 4),
        "model_id": sighting.model_id,
    }


def _rounded(box: np.ndarray) -> list[float]:
    return [round(float(value), 2) for value in box]


def _file_line(path: Path, folder: Path) -> dict:
    with open_stored(path) as file:
        return {"file": str(path.relative_to(folder)), "bytes": file.size, "sha256": file.sha256()}
