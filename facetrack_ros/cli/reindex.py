"""``facetrack reindex``: embeds the faces of stored frames with another model.

Each model has its own store of sightings. This command makes the store of the configured model from the stored frames,
with the tracks and persons of the other models' sightings.
"""

import argparse
import signal
import sys
import time
from contextlib import ExitStack, closing

from facetrack_ros.cli.console.progress import ProgressLine, bar
from facetrack_ros.cli.exit_codes import PARTIAL
from facetrack_ros.cli.robot_folders import robot_folders, usable
from facetrack_ros.config import Config
from facetrack_ros.errors import ConfigError, StoreError
from facetrack_ros.history.layout import RobotFolder

STOPPED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    add = parser.add_argument
    add("--data", required=True, metavar="DIR", help="folder of histories, one folder per robot")
    add("--robot", metavar="NAME", help="only this robot; default: all")
    add("--config", metavar="FILE", help="settings with the model, a YAML file")


class Progress:
    """Progress of one robot on the terminal, and the request to stop.

    :param total: number of frames to analyse.
    """

    def __init__(self, robot_id: str, total: int) -> None:
        self._robot_id, self._total = robot_id, total
        self._started, self.line = time.monotonic(), ProgressLine()
        self._analysed = 0
        self.stopped = False

    def next_frame(self) -> bool:
        """Count a frame; whether to stop before it."""
        if not self.stopped:
            self._analysed += 1
            share = min(self._analysed / self._total, 1.0)
            left_s = (time.monotonic() - self._started) * (1 / share - 1)
            frames = f"{self._analysed} of {self._total} frames"
            self.line.show(f"{self._robot_id} {bar(share)} {frames}, {left_s:.0f} s left ")
        return self.stopped

    def stop(self, *_) -> None:
        """Finish the frames under way, then stop."""
        self.stopped = True


def run(arguments: argparse.Namespace) -> int:
    """Reindex the histories of the robots."""
    from facetrack_ros.models.summary import description_lines
    from facetrack_ros.vision.factory import build_pipeline
    from facetrack_ros.vision.settings import vision_settings

    config = Config.load(arguments.config)
    folders = robot_folders(arguments.data, arguments.robot)
    pipeline = build_pipeline(vision_settings(config))
    for line in description_lines(pipeline.describe()):
        print(line, file=sys.stderr)
    code = 0
    for folder in folders:
        try:
            if _reindex(usable(folder), pipeline, config):
                return STOPPED
        except (ConfigError, StoreError) as error:  # the other robots are reindexed all the same
            if len(folders) == 1:
                raise
            print(f"not reindexed: {folder.robot_id}: {error}", file=sys.stderr)
            code = PARTIAL
    return code


def _reindex(folder: RobotFolder, pipeline, config: Config) -> bool:
    """Reindex one robot; whether it was stopped."""
    from facetrack_ros.history.frames.archive import FrameArchive
    from facetrack_ros.history.frames.settings import FrameSettings
    from facetrack_ros.history.sightings.database import stored_models
    from facetrack_ros.history.sightings.deduplication import DeduplicationRule
    from facetrack_ros.history.sightings.model_contract import load_contract, save_contract
    from facetrack_ros.history.sightings.store import SightingStore
    from facetrack_ros.search.rescan.reindex import frames_to_scan, missing_frames, reindex
    from facetrack_ros.search.rescan.stored_frames import StoredFramesWithTracks

    path, robot, contract = folder.path, folder.robot_id, pipeline.contract
    with ExitStack() as stack:
        others = [
            stack.enter_context(closing(SightingStore.open_readonly(path, load_contract(path, model))))
            for model in stored_models(path)
            if model != contract.id
        ]
        store = SightingStore(path, contract, robot, DeduplicationRule.of_model(contract))
        stack.enter_context(closing(store))
        save_contract(path, contract)
        archive = FrameArchive.open_readonly(FrameSettings.of_config(config).folder(path), robot)
        frames = StoredFramesWithTracks(archive, robot, others)
        wanted = frames_to_scan(frames, store)
        progress, before = Progress(robot, len(wanted)), store.count
        handler = signal.signal(signal.SIGINT, progress.stop)
        try:
            analysed = reindex(frames, wanted, store, [pipeline], progress.next_frame) if wanted else 0
        finally:
            signal.signal(signal.SIGINT, handler)
        progress.line.end()
        made = store.count - before
        print(f"{robot}: {made} sightings of {contract.id} from {analysed} frames, {store.count} in all")
        for missing in missing_frames(frames, others):
            if missing.sightings:
                print(
                    f"{robot}: {missing.sightings} of {missing.of} sightings of {missing.model_id} are of frames that "
                    "are not stored any more; they stay with that model only"
                )
        if progress.stopped:
            print(f"{robot}: stopped with {len(wanted) - analysed} frames left; the same command continues")
        return progress.stopped
