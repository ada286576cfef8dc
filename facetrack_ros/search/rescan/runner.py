"""Search for faces in stored frames without one: frames that were dropped or skipped, or older than the model."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Protocol

import numpy as np

from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.search.rescan.track_linking import TrackLinker
from facetrack_ros.search.rescan.window import WINDOW_NS, ScannedFrame, scan_window
from facetrack_ros.vision.frame_analysis import FrameAnalyzer
from facetrack_ros.vision.pipeline import VisionPipeline

# A window is in memory as a whole, also that of a camera of 1000 frames a second.
_MOST_IN_WINDOW = 32

#: Stamp and camera of a frame.
FrameKey = tuple[int, str]


class StoredFrames(Protocol):
    """A robot's frames in memory and on disk with their stored tracks; see :mod:`facetrack_ros.clips.sources`."""

    robot_id: str

    def cameras(self) -> tuple[str, ...]:
        """Cameras with frames."""

    def stamps(self, camera_id: str, start_ns: int, end_ns: int) -> list[int]:
        """Stamps of the frames between two stamps."""

    def frames(self, camera_id: str, start_ns: int, end_ns: int) -> Iterator[Frame]:
        """Frames between two stamps."""

    def tracks(self, camera_id: str, start_ns: int, end_ns: int) -> dict[int, tuple[Track, ...]]:
        """Stored tracks by stamp."""


@dataclass(frozen=True)
class RescanResult:
    """Extent of a rescan.

    :param scanned: frames searched.
    :param remaining: frames without a face that were not searched.
    :param faces: faces found and embedded.
    :param unreadable: frames that were deleted since they were listed, or are damaged.
    """

    scanned: int
    remaining: int
    faces: int
    unreadable: int = 0


def frames_without_face(
    frames: StoredFrames, stores: Sequence[SightingStore], start_ns: int, end_ns: int, cameras: Sequence[str] = ()
) -> list[FrameKey]:
    """Stamp and camera of the frames without a face, newest first.

    A frame has a face if its stamp lies within a sighting of its camera. Frames that the same model has scanned before
    are left out, whatever that found.

    :param stores: sightings of the model to scan with.
    :param cameras: only these; empty: all.
    """
    found: list[FrameKey] = []
    for camera in frames.cameras():
        if cameras and camera not in cameras:
            continue
        stamps = np.array(frames.stamps(camera, start_ns, end_ns), np.int64)
        wanted = np.ones(len(stamps), bool)
        for store in stores:
            wanted &= ~_within(stamps, *store.sighting_spans(camera))
            scanned = store.rescanned_stamps(camera, start_ns, end_ns)
            wanted &= np.array([stamp not in scanned for stamp in stamps.tolist()], bool)
        found += [(stamp, camera) for stamp in stamps[wanted].tolist()]
    return sorted(found, reverse=True)


def rescan(
    frames: StoredFrames,
    wanted: Sequence[FrameKey],
    store: SightingStore,
    pipelines: Sequence[VisionPipeline],
    stopped: Callable[[], bool],
    start_thread: Callable[[], None] = lambda: None,
) -> RescanResult:
    """Search frames for faces, the newest half second of each camera first, and store them as sightings.

    A face within a stored track belongs to it; other similar faces are linked to new tracks, see :class:`TrackLinker`.
    Unless it is stopped, the result does not depend on the number of threads.

    :param wanted: from :func:`frames_without_face`.
    :param store: receives the sightings, and a note of each frame scanned; of the pipelines' embedder.
    :param pipelines: one per thread.
    :param stopped: whether to stop; called before each frame.
    :param start_thread: called in each thread at its start.
    :raises StoreError: the store does not take a sighting, or frames cannot be read.
    """
    idle: SimpleQueue[FrameAnalyzer] = SimpleQueue()
    for pipeline in pipelines:
        idle.put(FrameAnalyzer(pipeline))
    writer = _SightingWriter(store)
    missing = 0
    in_flight: deque[Future[list[ScannedFrame]]] = deque()
    with ThreadPoolExecutor(len(pipelines), "rescan", start_thread) as pool:
        for window in _windows(wanted):
            if len(in_flight) > len(pipelines):
                writer.write(in_flight.popleft().result())
            if stopped():
                break
            read = _read(frames, window)
            missing += len(window) - len(read)  # pruned, or damaged, since they were listed
            in_flight.append(pool.submit(_scan, read, idle, stopped))
        for future in in_flight:
            writer.write(future.result())
    store.flush()
    return RescanResult(writer.scanned, len(wanted) - writer.scanned - missing, writer.faces, missing)


class _SightingWriter:
    """Stores the faces of scanned frames, newest frames first."""

    def __init__(self, store: SightingStore) -> None:
        self._store = store
        self._linker = TrackLinker(store.contract.threshold)
        self.scanned = 0
        self.faces = 0

    def write(self, scanned: list[ScannedFrame]) -> None:
        for each in scanned:
            frame = each.frame
            source = (frame.camera_id, frame.stamp_ns)
            for found in each.faces:
                face = found.face
                assert face.embedding is not None  # as FoundFace says
                ids = self._linker.assign(*source, face, each.tracks)
                boxes, thumbnail = (found.bbox, face.bbox), partial(bytes, found.thumbnail)
                self._store.add(*source, frame.number, *ids, *boxes, face.quality, face.embedding, thumbnail)
            self._store.note_rescanned(*source, len(each.faces))
            self.scanned += 1
            self.faces += len(each.faces)


def _windows(wanted: Sequence[FrameKey]) -> list[list[FrameKey]]:
    """Each camera's frames in windows, the one with the newest frame first."""
    open_windows: dict[str, list[FrameKey]] = {}
    windows = []
    for key in wanted:
        window = open_windows.get(key[1])
        if window is None or window[0][0] - key[0] >= WINDOW_NS or len(window) >= _MOST_IN_WINDOW:
            window = open_windows[key[1]] = []
            windows.append(window)
        window.append(key)
    return windows


def _read(frames: StoredFrames, window: Sequence[FrameKey]) -> list[tuple[Frame, tuple[Track, ...]]]:
    """The frames of a window that are still stored, newest first, with their tracks."""
    camera, newest, oldest = window[0][1], window[0][0], window[-1][0]
    stamps = {stamp for stamp, _ in window}
    tracks = frames.tracks(camera, oldest, newest)
    read = [
        (frame, tracks.get(frame.stamp_ns, ()))
        for frame in frames.frames(camera, oldest, newest)
        if frame.stamp_ns in stamps
    ]
    return read[::-1]


def _scan(read: list, idle: SimpleQueue[FrameAnalyzer], stopped: Callable[[], bool]) -> list[ScannedFrame]:
    analyzer = idle.get()
    try:
        return scan_window(read, analyzer, stopped)
    finally:
        idle.put(analyzer)


def _within(stamps: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """``(n,)`` bool: whether each stamp lies within one of the spans, ends included."""
    begun = np.searchsorted(np.sort(first), stamps, side="right")
    ended = np.searchsorted(np.sort(last), stamps, side="left")
    return begun > ended
