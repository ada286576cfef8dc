"""The sightings of another model, made from stored frames."""

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
    """What a model's sightings have no frames for any more.

    :param sightings: how many of the model's sightings are of frames that are not kept.
    :param of: how many sightings it has.
    """

    model_id: str
    sightings: int
    of: int


def gone(frames: StoredFramesWithTracks, others: Sequence[SightingStore]) -> list[MissingFrames]:
    """For each other model, the sightings whose frames cannot be looked at again."""
    lines = []
    for store in others:
        missing = 0
        for camera in store.per_camera():
            stamps = store.sighting_stamps(camera)
            missing += int((~np.isin(stamps, np.array(frames.stamps(camera, *_ALWAYS), np.int64))).sum())
        lines.append(MissingFrames(store.contract.id, missing, store.count))
    return lines


def to_look_at(frames: StoredFramesWithTracks, store: SightingStore) -> list[tuple[int, str]]:
    """Stamp and camera of the frames that a model has not looked at, newest first."""
    return frames_without_face(frames, [store], *_ALWAYS)


def reindex(
    frames: StoredFramesWithTracks,
    wanted: Sequence[tuple[int, str]],
    store: SightingStore,
    pipelines: Sequence[VisionPipeline],
    over: Callable[[], bool],
) -> int:
    """Look at stored frames by another model and keep what is found as sightings of the persons and tracks of then.

    What is done is noted frame by frame together with what it gave, so it can be broken off at any moment, killed too, and
    gone on with.

    :param wanted: as :func:`to_look_at` gives them.
    :param store: of the pipelines' embedder.
    :param pipelines: a set of models for each thread.
    :param over: whether to stop; asked before each frame.
    :returns: how many frames were looked at.
    """
    done = rescan(frames, wanted, store, pipelines, over)
    spans = {camera: store.coverage(camera) for camera in frames.cameras()}
    for stamp, camera in reversed(wanted[: done.looked]):
        if not any(start <= stamp <= end for start, end in spans[camera]):
            store.note_frame(camera, stamp)  # else nobody could tell that somebody looked then
    store.flush()
    return done.looked
