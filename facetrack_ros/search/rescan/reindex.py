"""Makes the sightings of another model from stored frames."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from facetrack_ros.history.sightings.store import SightingStore
from facetrack_ros.search.rescan.runner import frames_without_face, rescan
from facetrack_ros.search.rescan.stored_frames import StoredFramesWithTracks
from facetrack_ros.vision.pipeline import VisionPipeline

_ALWAYS = (-(2**62), 2**62)


@dataclass(frozen=True)
class MissingFrames:
    """Sightings of one model whose frames are not stored any more.

    :param sightings: their number.
    :param of: number of all sightings of the model.
    """

    model_id: str
    sightings: int
    of: int


def missing_frames(frames: StoredFramesWithTracks, others: Sequence[SightingStore]) -> list[MissingFrames]:
    """For each other model, the sightings that cannot be made again."""
    lines = []
    for store in others:
        missing = 0
        for camera in store.per_camera():
            stamps = store.sighting_stamps(camera)
            missing += int((~np.isin(stamps, np.array(frames.stamps(camera, *_ALWAYS), np.int64))).sum())
        lines.append(MissingFrames(store.contract.id, missing, store.count))
    return lines


def frames_to_scan(frames: StoredFramesWithTracks, store: SightingStore) -> list[tuple[int, str]]:
    """Stamp and camera of the frames that a store's model has not analysed, newest first."""
    return frames_without_face(frames, [store], *_ALWAYS)


def reindex(
    frames: StoredFramesWithTracks,
    wanted: Sequence[tuple[int, str]],
    store: SightingStore,
    pipelines: Sequence[VisionPipeline],
    stopped: Callable[[], bool],
) -> int:
    """Analyse stored frames with another model and store its sightings under the known tracks and persons.

    Progress is stored frame by frame with the sightings: it may be stopped or killed at any time, and continued.

    :param wanted: from :func:`frames_to_scan`.
    :param store: of the pipelines' embedder.
    :param pipelines: one per thread.
    :param stopped: whether to stop; called before each frame.
    :returns: number of frames analysed.
    """
    done = rescan(frames, wanted, store, pipelines, stopped)
    spans = {camera: store.coverage(camera) for camera in frames.cameras()}
    for stamp, camera in reversed(wanted[: done.scanned]):
        if not any(start <= stamp <= end for start, end in spans[camera]):
            store.note_frame(camera, stamp)  # part of the coverage now, with or without a face
    store.flush()
    return done.scanned
