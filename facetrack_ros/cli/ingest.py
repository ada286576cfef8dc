"""``facetrack ingest``: recordings into a history, offline, dropping nothing."""

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import closing

from facetrack_ros.cli.arguments import add_rotation_argument, with_rotation
from facetrack_ros.cli.console.progress import ProgressLine
from facetrack_ros.cli.exit_codes import DONE, PARTLY_TAKEN
from facetrack_ros.cli.recording_times import add_time_arguments, given_times
from facetrack_ros.concurrency.process_pool import WorkerPool
from facetrack_ros.config import Config
from facetrack_ros.core.utc import show_utc
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.summary import description_lines
from facetrack_ros.pipeline.ingestion import ingest_recordings, open_workers
from facetrack_ros.pipeline.recording import Recording
from facetrack_ros.sources.camera_spec import check_name, parse_cameras
from facetrack_ros.sources.factory import open_source
from facetrack_ros.sources.source_reference import resolve_source
from facetrack_ros.sources.start_time import start_times
from facetrack_ros.vision.frame_analysis import FrameAnalyzer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    add = parser.add_argument
    add("--robot", required=True, metavar="NAME", help="robot of the history")
    add(
        "--camera",
        action="append",
        required=True,
        metavar="NAME=FILE",
        help="a video file, a folder of pictures, or bag:PATH:TOPIC",
    )
    add_time_arguments(parser)
    add("--data", required=True, metavar="DIR", help="folder of histories, one folder per robot")
    add_rotation_argument(parser)
    add("--config", metavar="FILE", help="settings, a YAML file")


def run(arguments: argparse.Namespace) -> int:
    """Ingest the recordings, frame by frame in the order of their stamps over all cameras.

    :returns: 0 if every frame of every recording was used, else 5.
    """
    robot = check_name("robot", arguments.robot)
    config = with_rotation(Config.load(arguments.config) if arguments.config else Config(), arguments)
    cameras = {camera: resolve_source(text) for camera, text in parse_cameras(arguments.camera).items()}
    sources = {camera: open_source(text) for camera, text in cameras.items()}
    starts = start_times(cameras, sources, given_times(arguments))
    recordings = [
        Recording(camera, text, sources[camera], starts[camera].stamp_ns, start_note=starts[camera].note)
        for camera, text in cameras.items()
    ]
    analyzer = FrameAnalyzer.of_config(config)
    for line in description_lines(analyzer.pipeline.describe()):
        print(line, file=sys.stderr)
    history = RobotHistory.of_config(config, arguments.data, robot, analyzer.pipeline.contract, wait=True)
    try:
        known = [each for each in recordings if history.sightings.was_ingested(each.key(history.contract.id))]
        for each in known:
            print(f"{robot}/{each.camera_id}: {each.text} is already in this history")
        fresh = [each for each in recordings if each not in known]
        if fresh:
            with closing(open_workers(analyzer, config)) as workers:
                _ingest(fresh, workers, analyzer, history, config)
    finally:
        history.close()
        for each in recordings:
            each.source.close()
    return PARTLY_TAKEN if any(each.unused for each in recordings) else DONE


def _ingest(
    recordings: list[Recording], workers: WorkerPool, analyzer: FrameAnalyzer, history: RobotHistory, config: Config
) -> None:
    before, began_s, line = history.status().sightings, time.monotonic(), ProgressLine()

    def show_progress(count: int) -> None:
        line.show(f"{count} frames, {count / (time.monotonic() - began_s):.1f} a second ")

    search_upright = analyzer.pipeline.degrees_to_upright
    events = ingest_recordings(recordings, workers, history, config, show_utc, show_progress, search_upright)
    line.end()
    for each in recordings:
        for sentence in _report(each):
            print(f"{history.robot_id}/{each.camera_id}: {sentence}")
    sightings = history.status().sightings - before
    print(f"{sightings} sightings and {events} events in {time.monotonic() - began_s:.1f} s")


def _report(recording: Recording) -> Iterator[str]:
    """Sentences: how many frames were used, of which time, what was assumed, and what was not used and why."""
    if recording.stamps:
        span = f"{show_utc(min(recording.stamps))} to {show_utc(max(recording.stamps))} UTC"
        before = f", {recording.repeated} more are already in this history" if recording.repeated else ""
        yield f"{recording.count} frames of {recording.text}, {span}{before}"
    else:
        yield f"no frame of {recording.text} was used"
    if recording.start_note:
        yield recording.start_note
    yield from recording.source.notes
    yield from (f"not used, {line}" for line in recording.unused.lines())
