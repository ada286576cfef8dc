"""Saves frames and clips of the matches of a response."""

import re
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from facetrack_ros.clips.mp4_writer import Mp4Writer
from facetrack_ros.clips.sources import StoredSource
from facetrack_ros.core.frame import Frame
from facetrack_ros.core.validation import LONGEST_NAME
from facetrack_ros.errors import FacetrackError, FrameError, RequestError, StoreError
from facetrack_ros.history.layout import history_folders
from facetrack_ros.search.response import Match

#: Longest clip of a visit, and how long before its first match and after its last one it extends. Chosen by hand.
LONGEST_CLIP_NS = 30_000_000_000
BEFORE_NS = 1_000_000_000
_MOST_FRAMES = 1000
_NO_FILE_NAME = re.compile(r"[^\w .()-]")

#: Frames of a match's robot and camera between two stamps, in order; a :class:`FacetrackError` where it does not give
#: them.
FramesOf = Callable[[Match, int, int], Iterator[Frame]]


class SavedEvidence(NamedTuple):
    """The files saved of matches.

    :param missing: one sentence per frame or clip that could not be saved.
    :param frames: by number of the match, from 1 on.
    :param clips: likewise.
    """

    missing: list[str]
    frames: dict[int, Path]
    clips: dict[int, Path]


def frames_stored(data_dir: Path, disk_cache_dir: Path | None = None) -> FramesOf:
    """Reads frames from the stored histories below ``data_dir``.

    :param disk_cache_dir: folder of the frames, one folder per robot; None: each robot's own folder.
    """
    folders = {folder.robot_id: folder for folder in history_folders(data_dir)}

    def frames_of(match: Match, start_ns: int, end_ns: int) -> Iterator[Frame]:
        frames = disk_cache_dir / match.robot_id if disk_cache_dir else None
        try:
            with StoredSource(folders[match.robot_id], frames) as source:
                yield from source.frames(match.camera_id, start_ns, end_ns)
        except StoreError as error:
            raise RequestError(str(error)) from error

    return frames_of


def match_name(number: int, match: Match) -> str:
    """First part of the file names of a match; ``number`` counts from 1. Names lead to no other folder."""
    robot, camera = (_NO_FILE_NAME.sub("_", name)[:LONGEST_NAME] for name in (match.robot_id, match.camera_id))
    return f"match_{number:02}_{robot}_{camera}"


def save_evidence(
    matches: tuple[Match, ...], frames_of: FramesOf, folder: Path, frames: bool = True, clips: bool = False
) -> SavedEvidence:
    """Save each match's frame as stored, and a clip of the visit.

    :param frames: whether to save frames: ``match_01_robot1_front_frame.jpg``.
    :param clips: whether to save clips: ``match_01_robot1_front.mp4``, from one second before the first match of the
        visit to one second after the last, at most 30 s around the best one.
    :raises StoreError: the folder cannot be written.
    """
    missing: list[str] = []
    saved = SavedEvidence(missing, {}, {})
    for number, match in enumerate(matches, 1):
        for wanted, save, files in ((frames, _save_frame, saved.frames), (clips, _save_clip, saved.clips)):
            if not wanted:
                continue
            try:
                path = save(match, frames_of, folder / match_name(number, match))
                if path is not None:
                    files[number] = path
                else:
                    missing.append(
                        f"{match.robot_id}/{match.camera_id} no longer has the "
                        f"{'frame' if save is _save_frame else 'frames'} of match {number}"
                    )
            except StoreError:
                raise
            except FacetrackError as error:
                missing.append(f"match {number}: {error}")
    return saved


def _save_frame(match: Match, frames_of: FramesOf, path: Path) -> Path | None:
    """The file; None: the frame is not kept any more."""
    frame = next(frames_of(match, match.stamp_ns, match.stamp_ns), None)
    if frame is None:
        return None
    ending = "png" if frame.jpeg.startswith(b"\x89PNG") else "jpg"
    file = path.with_name(f"{path.name}_frame.{ending}")
    try:
        file.write_bytes(frame.jpeg)
    except OSError as error:
        raise StoreError(f"cannot write in {path.parent}: {error.strerror}; choose another folder") from error
    return file


def _save_clip(match: Match, frames_of: FramesOf, path: Path) -> Path | None:
    """The file; None: no frames of the visit are kept any more."""
    half = LONGEST_CLIP_NS // 2
    start = max(match.first_ns - BEFORE_NS, match.stamp_ns - half)
    end = min(match.last_ns + BEFORE_NS, match.stamp_ns + half)
    found = islice(frames_of(match, start, end), _MOST_FRAMES)
    first = next(found, None)
    if first is None:
        return None
    file = path.with_name(f"{path.name}.mp4")
    film = Mp4Writer(file)
    try:
        for frame in chain((first,), found):
            try:
                film.add(frame.image, frame.stamp_ns)
            except FrameError:
                continue  # the other frames make the clip
    finally:
        film.close()
    return file
