"""Recordings through the frame loop into a history, offline: nothing is dropped, the result is the same each time."""

import heapq
import logging
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from facetrack_ros.concurrency.ordered_map import ordered_map
from facetrack_ros.concurrency.process_pool import ProcessWorkerPool, ThreadWorkerPool, WorkerPool
from facetrack_ros.config import Config
from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import FrameError
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.people.recall import load_people_tracker
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.history.sightings.thumbnail import Thumbnails
from facetrack_ros.pipeline.analysis_stage import AnalysisStage
from facetrack_ros.pipeline.face_stage import FaceStage
from facetrack_ros.pipeline.history_writer import HistoryWriter
from facetrack_ros.pipeline.recording import Recording
from facetrack_ros.pipeline.robot_pipeline import RobotPipeline
from facetrack_ros.pipeline.rotation_lookahead import looked_ahead
from facetrack_ros.pipeline.tracking_stage import TrackingStage
from facetrack_ros.vision.frame_analysis import AnalysisTask, FrameAnalysis, FrameAnalyzer
from facetrack_ros.vision.frame_sampling import FrameDecision
from facetrack_ros.vision.inference.threads import ThreadBudget

logger = logging.getLogger(__name__)

#: What was used is noted after each event, and after so many frames: a run that is killed is continued from there.
MARK_FRAMES = 100

Task = AnalysisTask | FrameDecision
#: A frame's result, and what thumbnails of its faces are made from.
Result = tuple[FrameAnalysis | FrameDecision, Frame | Thumbnails | None]


def ingest_recordings(
    recordings: Sequence[Recording],
    workers: WorkerPool[Task, Result],
    history: RobotHistory,
    config: Config,
    format_time: Callable[[int], str] = str,
    on_frame: Callable[[int], None] = lambda count: None,
    search_upright: Callable[[np.ndarray], int | None] = lambda image: None,
) -> int:
    """Run all frames through the frame loop, in order of their stamps over all cameras; returns the number of events.

    :param workers: from :func:`open_workers`; the caller closes them.
    :param format_time: formats a stamp for messages.
    :param search_upright: :meth:`.VisionPipeline.degrees_to_upright`, to learn before a camera's first frame which way
        up it is; by default that is learned on the way.
    :param on_frame: called after each frame with the number of frames so far.
    :raises StoreError: the disk does not take something, or the history already covers a recording's time.
    :raises ModelError: a worker process failed.
    """
    by_camera = {recording.camera_id: recording for recording in recordings}
    folder, cameras = history.path, list(by_camera)
    for recording in recordings:
        recording.known = history.sightings.partly_ingested_stamps(recording.camera_id)
    writer = HistoryWriter(
        history, config.event_logging.enabled, format_time, lambda camera_id: bool(by_camera[camera_id].repeated)
    )
    tracking = TrackingStage(cameras, config)
    people = load_people_tracker(folder.parent, history.robot_id, config, history.contract, others=True)
    tracking.people, merges = people, MergeLog(folder)
    tracking.event_listeners.append(lambda _: merges.append(people.take_new_decisions()))
    faces = FaceStage(cameras, config, lambda: config.face_tracking.enabled)
    analysis = AnalysisStage(cameras, config, faces)
    if config.event_logging.enabled:
        history.close_left_open()  # of a run that was killed
    RobotPipeline(writer, analysis, tracking, extrapolate=False)
    streams = (recording.frames(config.camera.jpeg_quality) for recording in recordings)
    if config.face_tracking.enabled:
        streams = (looked_ahead(stream, analysis.rotations, search_upright) for stream in streams)
    merged = map(analysis.rotations.turned, heapq.merge(*streams, key=lambda frame: frame.stamp_ns))
    events = 0
    try:
        for count, (frame, result) in enumerate(ordered_map(merged, analysis.begin, workers), 1):
            if isinstance(result, FrameError):
                logger.warning("%s", result)
                by_camera[frame.camera_id].unused.add("images that cannot be decoded")
            elif isinstance(result, Exception):
                raise result
            else:
                outcome, writer.images = result
                analysis.deliver(frame, outcome)
                by_camera[frame.camera_id].used(frame.stamp_ns)
                on_frame(count)
            if writer.events > events or count % MARK_FRAMES == 0:
                for recording in recordings:
                    recording.mark(history, over=False)
                events = writer.events
        tracking.close()
    finally:  # also where it is interrupted: a second run continues
        for recording in recordings:
            recording.mark(history)
    return writer.events


def open_workers(analyzer: FrameAnalyzer, config: Config) -> WorkerPool[Task, Result]:
    """Open a process a core; one thread beside the caller if the models run on a graphics card or one core is used.

    :param analyzer: models of this process; worker processes open their own.
    """
    workers = ThreadBudget.of_config(config).workers
    if workers == 1 or analyzer.pipeline.batches:
        return ThreadWorkerPool(analyzer, _run)
    open_models = partial(FrameAnalyzer.of_config, config)
    return ProcessWorkerPool(analyzer, _run, open_models, _run_in_process, workers - 1)


def _run(analyzer: FrameAnalyzer, task: Task) -> Result:
    return (task.run(analyzer), task.frame) if isinstance(task, AnalysisTask) else (task, None)


def _run_in_process(analyzer: FrameAnalyzer, task: Task) -> Result:
    """Run a task in a worker process, which sends back thumbnails in place of the decoded image."""
    if not isinstance(task, AnalysisTask):
        return task, None
    analysis = task.run(analyzer)
    return analysis, Thumbnails.of(task.frame.image, analysis.faces)
