"""``facetrack reindex``: the faces of stored frames by another model.

Each model has a store of sightings of its own. This makes the one of the configured model from the frames that are kept, with the
persons and tracks that they had.
"""

import argparse
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from facetrack_ros.config import Config
from facetrack_ros.errors import ConfigError

STOPPED = 130
_TELL_S = 0.5
_BAR = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommand's arguments."""
    parser.add_argument("--data", required=True, metavar="DIR", help="folder of histories, one folder a robot")
    parser.add_argument("--robot", metavar="NAME", help="only this robot; default: all")
    parser.add_argument("--config", metavar="FILE", help="names the model, a YAML file")


class Progress:
    """A bar on a terminal; says when to stop.

    :param total: frames to look at.
    """

    def __init__(self, robot_id: str, total: int) -> None:
        self._robot_id, self._total = robot_id, total
        self._started, self._told = time.monotonic(), 0.0
        self.looked = 0
        self.stopping = False

    def over(self) -> bool:
        """Asked before each frame."""
        self.looked += not self.stopping
        now = time.monotonic()
        if sys.stderr.isatty() and now - self._told > _TELL_S:
            self._told = now
            part = min(self.looked / self._total, 1.0)
            left = (now - self._started) * (1 / part - 1)
            print(
                f"\r{self._robot_id} [{'#' * round(_BAR * part):{_BAR}}] {self.looked} of {self._total} frames, "
                f"{left:.0f} s left ",
                end="",
                file=sys.stderr,
                flush=True,
            )
        return self.stopping

    def stop(self, *_) -> None:
        """Finish the frames that are being looked at, then stop."""
        self.stopping = True


def run(arguments: argparse.Namespace) -> int:
    """Reindex the robots' histories."""
    from facetrack_ros.history.layout import history_folders
    from facetrack_ros.models.summary import description_lines
    from facetrack_ros.vision.factory import build_pipeline
    from facetrack_ros.vision.settings import vision_settings

    config = Config.load(arguments.config) if arguments.config else Config()
    folders = [folder for folder in history_folders(arguments.data) if arguments.robot in (None, folder.robot_id)]
    if not folders:
        raise ConfigError(f"there is no robot {arguments.robot or ''} below {arguments.data}".replace("  ", " "))
    pipeline = build_pipeline(vision_settings(config))
    for line in description_lines(pipeline.describe()):
        print(line, file=sys.stderr)
    for folder in folders:
        if folder.error:
            raise ConfigError(folder.error)
        if _reindex(folder.path, folder.robot_id, pipeline, config):
            return STOPPED
    return 0


def _reindex(path: Path, robot_id: str, pipeline, config: Config) -> bool:
    """Returns whether it was stopped."""
    from facetrack_ros.history.frames.archive import FrameArchive
    from facetrack_ros.history.frames.settings import FrameSettings
    from facetrack_ros.history.sightings.database import stored_models
    from facetrack_ros.history.sightings.deduplication import DeduplicationRule
    from facetrack_ros.history.sightings.model_contract import load_contract, save_contract
    from facetrack_ros.history.sightings.store import SightingStore
    from facetrack_ros.search.rescan.reindex import frames_to_scan, missing_frames, reindex
    from facetrack_ros.search.rescan.stored_frames import StoredFramesWithTracks

    contract = pipeline.contract
    with ExitStack() as after:
        others = []
        for model in stored_models(path):
            if model != contract.id:
                others.append(SightingStore.open_readonly(path, load_contract(path, model)))
                after.callback(others[-1].close)
        store = SightingStore(path, contract, robot_id, DeduplicationRule.of_model(contract))
        after.callback(store.close)
        save_contract(path, contract)
        frames = StoredFramesWithTracks(
            FrameArchive.open_readonly(FrameSettings.of_config(config).folder(path), robot_id), robot_id, others
        )
        wanted = frames_to_scan(frames, store)
        progress, before = Progress(robot_id, len(wanted)), store.count
        usual = signal.signal(signal.SIGINT, progress.stop)
        try:
            looked = reindex(frames, wanted, store, [pipeline], progress.over) if wanted else 0
        finally:
            signal.signal(signal.SIGINT, usual)
        if sys.stderr.isatty() and wanted:
            print(file=sys.stderr)
        print(
            f"{robot_id}: {store.count - before} sightings of {contract.id} from {looked} frames, {store.count} in all"
        )
        for line in missing_frames(frames, others):
            if line.sightings:
                print(
                    f"{robot_id}: {line.sightings} of {line.of} sightings of {line.model_id} are of frames that are not kept "
                    "any more; they stay with that model only"
                )
        if progress.stopping:
            print(f"{robot_id}: stopped with {len(wanted) - looked} frames left; the same command goes on from here")
        return progress.stopping
