"""Looking again at stored frames that gave no face: skipped ones, or of a time before this model."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Protocol

import numpy as np

from facetrack_ros.errors import FrameError
from facetrack_ros.history.sightings import SightingStore
from facetrack_ros.history.thumbnail import face_thumbnail
from facetrack_ros.search.rescan_tracks import RescanTracks
from facetrack_ros.tracking.track import Track
from facetrack_ros.vision.face import Face
from facetrack_ros.vision.frame import Frame
from facetrack_ros.vision.pipeline import VisionPipeline

# Frames read at once. Those of a camera are neighbours in time, which is how films and segments are read best.
_BATCH = 16


class StoredFrames(Protocol):
    """A robot's frames, in memory and on disk, with who was followed in them; as in :mod:`facetrack_ros.clips.sources`."""

    robot_id: str

    def cameras(self) -> "tuple[str, ...]": ...

    def stamps(self, camera_id: str, start_ns: int, end_ns: int) -> "list[int]": ...

    def frames(self, camera_id: str, start_ns: int, end_ns: int) -> "Iterator[Frame]": ...

    def tracks(self, camera_id: str, start_ns: int, end_ns: int) -> "dict[int, tuple[Track, ...]]": ...


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


def frames_without_face(frames: StoredFrames, known: "Sequence[SightingStore]", start_ns: int, end_ns: int,
                        cameras: "Sequence[str]" = ()) -> "list[tuple[int, str]]":
    """Stamp and camera of the frames that gave no face, newest first.

    A frame gave one where its stamp lies within a sighting of its camera. One that was looked at again by the same
    model is done with, whatever that found.

    :param known: the stores of sightings of the model to look with.
    :param cameras: only these; empty: all.
    """
    found = []
    for camera in frames.cameras():
        if cameras and camera not in cameras:
            continue
        stamps = np.array(frames.stamps(camera, start_ns, end_ns), np.int64)
        wanted = np.ones(len(stamps), bool)
        for store in known:
            wanted &= ~_within(stamps, *store.spans_of_faces(camera))
            done = store.looked_again(camera, start_ns, end_ns)
            wanted &= np.array([stamp not in done for stamp in stamps.tolist()], bool)
        found += [(stamp, camera) for stamp in stamps[wanted].tolist()]
    return sorted(found, reverse=True)


def rescan(frames: StoredFrames, wanted: "Sequence[tuple[int, str]]", store: SightingStore,
           pipelines: "Sequence[VisionPipeline]", over: "Callable[[], bool]",
           start_thread: "Callable[[], None]" = lambda: None) -> Rescanned:
    """Look at frames for faces and keep them as sightings, in the order given, until time is over.

    A face of somebody who was followed then is that person's; else faces that follow each other and are alike are of one
    track, ``r_CAMERA_STAMP``, of nobody known.

    :param wanted: as :func:`frames_without_face` gives them.
    :param store: takes the sightings, and a note of each frame looked at; of the pipelines' embedder.
    :param pipelines: a set of models for each thread; the answer does not depend on how many.
    :param over: whether the time is up; asked before each frame.
    :param start_thread: called in each thread at its start.
    :raises StoreError: the store does not take a sighting, or frames cannot be read.
    """
    idle: "SimpleQueue[VisionPipeline]" = SimpleQueue()
    for pipeline in pipelines:
        idle.put(pipeline)
    following = RescanTracks(frames, store.contract.threshold)
    looked = faces = gone = 0
    under_way: "deque[tuple[Frame, Future]]" = deque()
    stopped = False
    with ThreadPoolExecutor(len(pipelines), "rescan", start_thread) as pool:
        def finish_first() -> None:
            nonlocal looked, faces
            frame, future = under_way.popleft()
            found = future.result()
            for face, bbox, thumbnail in found:
                track_id, person_id = following.whose(frame.camera_id, frame.stamp_ns, face)
                store.add(frame.camera_id, frame.stamp_ns, frame.number, track_id, person_id, bbox, face.bbox, face.quality,
                          face.embedding, lambda thumbnail=thumbnail: thumbnail)
            store.note_looked_again(frame.camera_id, frame.stamp_ns, len(found))
            looked += 1
            faces += len(found)

        for at in range(0, len(wanted), _BATCH):
            batch = wanted[at:at + _BATCH]
            read = _read(frames, batch)
            for place in batch:
                if len(under_way) >= 2 * len(pipelines):
                    finish_first()
                stopped = stopped or over()
                if stopped:
                    break
                if place in read:
                    under_way.append((read[place], pool.submit(_faces, read[place], idle)))
                else:
                    gone += 1  # pruned, or damaged, since the list was made
            if stopped:
                break
        while under_way:
            finish_first()
    store.flush()
    return Rescanned(looked, len(wanted) - looked - gone, faces)


def _read(frames: StoredFrames, batch: "Sequence[tuple[int, str]]") -> "dict[tuple[int, str], Frame]":
    read = {}
    for camera in {camera for _, camera in batch}:
        stamps = {stamp for stamp, other in batch if other == camera}
        read.update(((frame.stamp_ns, camera), frame) for frame in frames.frames(camera, min(stamps), max(stamps))
                    if frame.stamp_ns in stamps)
    return read


def _faces(frame: Frame, idle: "SimpleQueue[VisionPipeline]") -> "list[tuple[Face, np.ndarray, bytes]]":
    """Faces with an embedding, the box of the person of each, and a thumbnail. One that does not decode has none."""
    pipeline = idle.get()
    try:
        image = frame.image
        persons, = pipeline.detect([image])
        found = [face for face in pipeline.faces(image, persons) if face.embedding is not None]
        return [(face, persons.boxes[face.person] if face.person >= 0 else face.bbox, face_thumbnail(image, face.bbox))
                for face in found]
    except FrameError:
        return []
    finally:
        idle.put(pipeline)


def _within(stamps: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """``(n,)`` bool: whether each stamp lies within one of the spans, ends included."""
    begun = np.searchsorted(np.sort(first), stamps, side="right")
    ended = np.searchsorted(np.sort(last), stamps, side="left")
    return begun > ended
