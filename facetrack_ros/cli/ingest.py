"""``facetrack ingest``: files or bags through the same pipeline into a history, offline, dropping nothing."""

import argparse
import hashlib
import heapq
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from facetrack_ros.cli.time_format import parse_iso, show_utc
from facetrack_ros.concurrency.ordered_map import ordered_map
from facetrack_ros.concurrency.process_pool import ProcessWorkerPool, ThreadWorkerPool, WorkerPool
from facetrack_ros.config import Config, optional_path
from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import FrameError, StoreError
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.people.recall import load_people_tracker
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.history.sightings.retention import SightingLimits
from facetrack_ros.history.sightings.thumbnail import Thumbnails
from facetrack_ros.models.summary import description_lines
from facetrack_ros.sources.camera_spec import check_name, parse_cameras
from facetrack_ros.sources.factory import bag_path_and_topic, open_source
from facetrack_ros.sources.source import FrameSource
from facetrack_ros.sources.stamped_frames import frames
from facetrack_ros.sources.start_time import start_times
from facetrack_ros.tracking.factory import make_face_scheduler
from facetrack_ros.vision.frame_analysis import AnalysisTask, FrameAnalysis, FrameAnalyzer
from facetrack_ros.vision.frame_sampling import FrameDecision, FrameSampler
from facetrack_ros.vision.inference.threads import ThreadBudget

#: What a look gives: what was seen, or why nobody looked; and what thumbnails come from.
Looked = tuple[FrameAnalysis | FrameDecision, Frame | Thumbnails | None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommand's arguments."""
    parser.add_argument("--robot", required=True, metavar="NAME", help="whose history it becomes")
    parser.add_argument(
        "--camera",
        action="append",
        required=True,
        metavar="NAME=FILE",
        help="a video file, a folder of pictures, or bag:PATH:TOPIC",
    )
    parser.add_argument("--start", metavar="ISO8601", help="time of the first frame; default: the recording's own")
    parser.add_argument("--data", required=True, metavar="DIR", help="where the history goes, one folder a robot")
    parser.add_argument("--config", metavar="FILE", help="settings, a YAML file")


@dataclass
class Recording:
    """One camera's recording, opened.

    :param start_ns: stamp of its first frame; None: the recording's own stamps.
    """

    camera_id: str
    text: str
    source: FrameSource
    start_ns: int | None
    first_ns: int = 0
    last_ns: int = 0
    count: int = 0

    def frames(self, jpeg_quality: int) -> Iterator[Frame]:
        """Its frames; keeps count."""
        for frame in frames(self.source, self.camera_id, self.start_ns, jpeg_quality):
            self.first_ns = self.first_ns or frame.stamp_ns
            self.last_ns, self.count = frame.stamp_ns, self.count + 1
            yield frame

    def key(self, contract_id: str) -> str:
        """The same file at the same time through the same model has the same key."""
        return f"{self.camera_id} {self.start_ns} {contract_id} {self._content}"

    @cached_property
    def _content(self) -> str:
        """What lies in its files; read once, before the first frame."""
        path, topic = (
            bag_path_and_topic(self.text) if self.text.startswith("bag:") else (Path(self.text).expanduser(), "")
        )
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        content = hashlib.sha256()
        for file in files:
            content.update(file.name.encode())
            with file.open("rb") as stream:
                for block in iter(lambda: stream.read(1 << 20), b""):
                    content.update(block)
        return f"{topic} {content.hexdigest()}"


def run(arguments: argparse.Namespace) -> int:
    """Ingest the recordings, frame by frame in the order of their stamps over all cameras."""
    check_name("robot", arguments.robot)
    config = Config.load(arguments.config) if arguments.config else Config()
    start_ns = parse_iso(arguments.start) if arguments.start else None
    cameras = parse_cameras(arguments.camera)
    sources = {camera: open_source(text) for camera, text in cameras.items()}
    starts = start_times(cameras, sources, start_ns)
    recordings = [Recording(camera, text, sources[camera], starts[camera]) for camera, text in cameras.items()]
    eyes = FrameAnalyzer.of_config(config)
    pipeline = eyes.pipeline
    for line in description_lines(pipeline.describe()):
        print(line, file=sys.stderr)
    history = RobotHistory(
        arguments.data,
        arguments.robot,
        pipeline.contract,
        FrameSettings.of_config(config, wait=True),
        event_format=config.event_logging.format,
        event_fsync=config.event_logging.fsync == "each",
        event_dir=optional_path(config.event_logging.dir),
        sightings=SightingLimits.of_config(config),
    )
    try:
        fresh = [
            recording
            for recording in recordings
            if not history.sightings.was_ingested(recording.key(pipeline.contract.id))
        ]
        for recording in recordings:
            if recording not in fresh:
                print(f"{arguments.robot}/{recording.camera_id}: {recording.text} is already in this history")
        if fresh:
            with closing(_crew(eyes, config)) as crew:
                _ingest(fresh, crew, history, config, Path(arguments.data) / arguments.robot)
    finally:
        history.close()
        for recording in recordings:
            recording.source.close()
    return 0


def _crew(eyes: FrameAnalyzer, config: Config) -> WorkerPool[AnalysisTask | FrameDecision, Looked]:
    """A process a core; one thread beside this one where the models are on a graphics card, or one core is to work."""
    workers = ThreadBudget.of_config(config).workers
    if workers == 1 or eyes.pipeline.batches:
        return ThreadWorkerPool(eyes, _look)
    return ProcessWorkerPool(eyes, _look, partial(FrameAnalyzer.of_config, config), _look_there, workers - 1)


def _look(eyes: FrameAnalyzer, task: AnalysisTask | FrameDecision) -> Looked:
    if isinstance(task, FrameDecision):
        return task, None
    return task.run(eyes), task.frame


def _look_there(eyes: FrameAnalyzer, task: AnalysisTask | FrameDecision) -> Looked:
    """In another process, which the decoded picture does not leave."""
    seen, frame = _look(eyes, task)
    return seen, Thumbnails.of(frame.image, seen.faces) if frame is not None else None


def _ingest(
    recordings: list[Recording],
    crew: WorkerPool[AnalysisTask | FrameDecision, Looked],
    history: RobotHistory,
    config: Config,
    folder: Path,
) -> None:
    people = load_people_tracker(folder.parent, history.robot_id, config, history.contract, others=True)
    verdicts, moves = MergeLog(folder), config.tracking.camera_motion != "off"
    sightings, events, started, told = history.status().sightings, 0, time.monotonic(), 0.0
    streams = [recording.frames(config.camera.jpeg_quality) for recording in recordings]
    improving = {}
    if config.faces.embed == "improving":
        improving = {recording.camera_id: make_face_scheduler(config) for recording in recordings}

    attention = {recording.camera_id: FrameSampler.of_config(config) for recording in recordings}
    last_seen: dict[str, FrameAnalysis] = {}

    def begin(frame: Frame) -> AnalysisTask | FrameDecision:
        worth = attention[frame.camera_id].decide(frame)
        if worth is not FrameDecision.ANALYZE:
            return worth
        plan = improving[frame.camera_id].plan(frame.stamp_ns) if frame.camera_id in improving else None
        return AnalysisTask(frame, config.face_tracking.enabled, plan)

    merged = _kept(heapq.merge(*streams, key=lambda frame: frame.stamp_ns), history)
    for number, (frame, looked) in enumerate(ordered_map(merged, begin, crew), 1):
        if isinstance(looked, FrameError):
            print(looked, file=sys.stderr)
            continue
        if isinstance(looked, Exception):
            raise looked
        seen, pictures = looked
        if seen is FrameDecision.UNCHANGED and frame.camera_id in last_seen:
            seen = last_seen[frame.camera_id].for_unchanged_frame()
        if isinstance(seen, FrameDecision):
            continue
        last_seen[frame.camera_id] = seen
        tracks, new_events = people.update(
            frame.camera_id, frame.stamp_ns, frame.number, seen.detections, seen.faces, frame.image if moves else None
        )
        if frame.camera_id in improving:
            improving[frame.camera_id].update(frame.stamp_ns, tracks)
        history.add_tracks(frame.camera_id, frame.stamp_ns, frame.number, tracks, pictures)
        verdicts.append(people.take_new_decisions())
        events += _log(history, new_events, config)
        if sys.stderr.isatty() and time.monotonic() - told > 0.5:
            told = time.monotonic()
            print(f"\r{number} frames, {number / (told - started):.1f} a second ", end="", file=sys.stderr, flush=True)
    events += _log(history, people.close(None), config)
    verdicts.append(people.take_new_decisions())
    for recording in recordings:
        history.sightings.mark_ingested(
            recording.key(history.contract.id), recording.camera_id, recording.first_ns, recording.last_ns
        )
        print(
            f"{history.robot_id}/{recording.camera_id}: {recording.count} frames of {recording.text}, "
            f"{show_utc(recording.first_ns)} to {show_utc(recording.last_ns)} UTC"
            + (f", {recording.source.skipped} skipped" if recording.source.skipped else "")
        )
    spent = time.monotonic() - started
    print(f"{history.status().sightings - sightings} sightings and {events} events in {spent:.1f} s")


def _kept(merged: Iterator[Frame], history: RobotHistory) -> Iterator[Frame]:
    """The frames, each kept before anybody looks at it.

    :raises StoreError: a camera's time is taken.
    """
    checked = set()
    for frame in merged:
        if frame.camera_id not in checked:
            checked.add(frame.camera_id)
            if history.sightings.has_data(frame.camera_id, frame.stamp_ns, frame.stamp_ns + 1):
                raise StoreError(
                    f"{history.robot_id}/{frame.camera_id} already has a history at "
                    f"{show_utc(frame.stamp_ns)} UTC: choose another --start or another --data"
                )
        history.add_frame(frame)
        yield frame


def _log(history: RobotHistory, events: tuple, config: Config) -> int:
    for event in events if config.event_logging.enabled else ():
        history.add_event(event)
    return len(events)
