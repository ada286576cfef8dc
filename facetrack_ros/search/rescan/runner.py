"""Looking again at stored frames that gave no face: skipped ones, or of a time before this model."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Protocol

import numpy as np

from facetrack_ros.core.frame import Frame
from facetrack_ros.core.track import Track
from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.search.rescan.track_linking import RescanTracks
from facetrack_ros.search.rescan.window import STRETCH_NS, ScannedFrame, look_through
from facetrack_ros.vision.pipeline import VisionPipeline

# A stretch is in memory as a whole, also of a camera of 1000 frames a second.
_MOST_IN_STRETCH = 32

Place = tuple[int, str]


class StoredFrames(Protocol):
    """A robot's frames, in memory and on disk, with who was followed in them; as in :mod:`facetrack_ros.clips.sources`."""

    robot_id: str

    def cameras(self) -> tuple[str, ...]:
        """Those that have frames."""

    def stamps(self, camera_id: str, start_ns: int, end_ns: int) -> list[int]:
        """Stamps of the frames between two stamps."""

    def frames(self, camera_id: str, start_ns: int, end_ns: int) -> Iterator[Frame]:
        """The frames between two stamps."""

    def tracks(self, camera_id: str, start_ns: int, end_ns: int) -> dict[int, tuple[Track, ...]]:
        """By stamp, who was followed."""


@dataclass(frozen=True)
class Rescanned:
    """How far a rescan came.

    :param looked: frames it looked at.
    :param remaining: frames that gave no face and that it did not get to.
    :param faces: faces it found and embedded.
    """

    looked: int
    remaining: int
    faces: int


def frames_without_face(
    frames: StoredFrames, known: Sequence[SightingStore], start_ns: int, end_ns: int, cameras: Sequence[str] = ()
) -> list[Place]:
    """Stamp and camera of the frames that gave no face, newest first.

    A frame gave one where its stamp lies within a sighting of its camera. One that was looked at again by the same
    model is done with, whatever that found.

    :param known: the stores of sightings of the model to look with.
    :param cameras: only these; empty: all.
    """
    found: list[Place] = []
    for camera in frames.cameras():
        if cameras and camera not in cameras:
            continue
        stamps = np.array(frames.stamps(camera, start_ns, end_ns), np.int64)
        wanted = np.ones(len(stamps), bool)
        for store in known:
            wanted &= ~_within(stamps, *store.sighting_spans(camera))
            done = store.rescanned_stamps(camera, start_ns, end_ns)
            wanted &= np.array([stamp not in done for stamp in stamps.tolist()], bool)
        found += [(stamp, camera) for stamp in stamps[wanted].tolist()]
    return sorted(found, reverse=True)


def rescan(
    frames: StoredFrames,
    wanted: Sequence[Place],
    store: SightingStore,
    pipelines: Sequence[VisionPipeline],
    over: Callable[[], bool],
    start_thread: Callable[[], None] = lambda: None,
) -> Rescanned:
    """Look at frames for faces, the newest half second of each camera first, and keep what is found as sightings.

    A face of somebody who was followed then is that person's; else faces that follow each other and are alike are of one
    track, ``r_CAMERA_STAMP``, of nobody known. Without a time limit the result does not depend on how many threads look.

    :param wanted: as :func:`frames_without_face` gives them.
    :param store: takes the sightings, and a note of each frame looked at; of the pipelines' embedder.
    :param pipelines: a set of models for each thread.
    :param over: whether the time is up; asked before each frame.
    :param start_thread: called in each thread at its start.
    :raises StoreError: the store does not take a sighting, or frames cannot be read.
    """
    idle: SimpleQueue[VisionPipeline] = SimpleQueue()
    for pipeline in pipelines:
        idle.put(pipeline)
    keeping = _Keeping(store)
    gone = 0
    under_way: deque[Future] = deque()
    with ThreadPoolExecutor(len(pipelines), "rescan", start_thread) as pool:
        for stretch in _stretches(wanted):
            if len(under_way) > len(pipelines):
                keeping.keep(under_way.popleft().result())
            if over():
                break
            read = _read(frames, stretch)
            gone += len(stretch) - len(read)  # pruned, or damaged, since they were listed
            under_way.append(pool.submit(_look, read, idle, over))
        for future in under_way:
            keeping.keep(future.result())
    store.flush()
    return Rescanned(keeping.looked, len(wanted) - keeping.looked - gone, keeping.faces)


class _Keeping:
    """Puts what was found into the store."""

    def __init__(self, store: SightingStore) -> None:
        self._store = store
        self._tracks = RescanTracks(store.contract.threshold)
        self.looked = 0
        self.faces = 0

    def keep(self, looked: list[ScannedFrame]) -> None:
        for one in looked:
            frame = one.frame
            for found in one.found:
                face = found.face
                track_id, person_id = self._tracks.whose(frame.camera_id, frame.stamp_ns, face, one.followed)
                self._store.add(
                    frame.camera_id,
                    frame.stamp_ns,
                    frame.number,
                    track_id,
                    person_id,
                    found.bbox,
                    face.bbox,
                    face.quality,
                    face.embedding,
                    lambda found=found: found.thumbnail,
                )
            self._store.note_rescanned(frame.camera_id, frame.stamp_ns, len(one.found))
            self.looked += 1
            self.faces += len(one.found)


def _stretches(wanted: Sequence[Place]) -> list[list[Place]]:
    """Each camera's frames in short stretches, the one with the newest frame first."""
    open_ones: dict[str, list[Place]] = {}
    done = []
    for place in wanted:
        stretch = open_ones.get(place[1])
        if stretch is None or stretch[0][0] - place[0] >= STRETCH_NS or len(stretch) >= _MOST_IN_STRETCH:
            stretch = open_ones[place[1]] = []
            done.append(stretch)
        stretch.append(place)
    return done


def _read(frames: StoredFrames, stretch: Sequence[Place]) -> list[tuple[Frame, tuple[Track, ...]]]:
    """The frames of a stretch that are still there, newest first, with who was followed in each."""
    camera, newest, oldest = stretch[0][1], stretch[0][0], stretch[-1][0]
    stamps = {stamp for stamp, _ in stretch}
    tracks = frames.tracks(camera, oldest, newest)
    read = [
        (frame, tracks.get(frame.stamp_ns, ()))
        for frame in frames.frames(camera, oldest, newest)
        if frame.stamp_ns in stamps
    ]
    return read[::-1]


def _look(read: list, idle: SimpleQueue[VisionPipeline], over: Callable[[], bool]) -> list[ScannedFrame]:
    pipeline = idle.get()
    try:
        return look_through(read, pipeline, over)
    finally:
        idle.put(pipeline)


def _within(stamps: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """``(n,)`` bool: whether each stamp lies within one of the spans, ends included."""
    begun = np.searchsorted(np.sort(first), stamps, side="right")
    ended = np.searchsorted(np.sort(last), stamps, side="left")
    return begun > ended
