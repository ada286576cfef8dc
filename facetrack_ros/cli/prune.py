"""``facetrack prune``: deletes stored frames, sightings, thumbnails, events and clips beyond the limits.

A robot prunes by itself, but never more than half of its history at once, in case a clock or a limit is wrong. This
command has no such brake.
"""

import argparse
import time
from contextlib import ExitStack, closing

from facetrack_ros.cli.audit.operator import add_operator_arguments, record_stored, said
from facetrack_ros.cli.robot_folders import robot_folders, usable
from facetrack_ros.config import Config, optional_path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the subcommand."""
    add = parser.add_argument
    add("--data", required=True, metavar="DIR", help="folder of histories, one folder per robot")
    add("--robot", required=True, metavar="NAME", help="the robot; it must not be running")
    add("--config", metavar="FILE", help="settings with the limits (frame_history, sightings), YAML")
    add_operator_arguments(parser)
    add("--yes", action="store_true", help="delete; without it, only print what is stored")


def run(arguments: argparse.Namespace) -> int:
    """Print what is stored, or delete what is beyond the limits."""
    from facetrack_ros.clips.folder import ClipFolder, ClipLimits
    from facetrack_ros.history.audit.audit_log import PRUNE
    from facetrack_ros.history.events.retention import prune_event_logs
    from facetrack_ros.history.frames.archive import FrameArchive
    from facetrack_ros.history.frames.settings import FrameSettings
    from facetrack_ros.history.sightings.database import stored_models
    from facetrack_ros.history.sightings.model_contract import load_contract
    from facetrack_ros.history.sightings.retention import SightingLimits
    from facetrack_ros.history.sightings.store import SightingStore
    from facetrack_ros.search.offline.stores import stores_below

    folder = usable(robot_folders(arguments.data, arguments.robot)[0])
    path, robot, config = folder.path, folder.robot_id, Config.load(arguments.config)
    settings, limits = FrameSettings.of_config(config), SightingLimits.of_config(config)
    frames_path = settings.folder(path)
    if not arguments.yes:
        stats = FrameArchive.open_readonly(frames_path, robot).stats()
        print(
            f"{stats.frames} frames, {stats.bytes / 1e6:.0f} MB in {frames_path}; "
            f"{sum(store.count for store in stores_below(path))} sightings in {path}; "
            "--yes deletes those beyond the limits"
        )
        return 0
    who = said(arguments, config)
    with ExitStack() as stack:
        # An open store locks the robot: a running robot's history is refused.
        stores = [
            stack.enter_context(closing(SightingStore(path, load_contract(path, model), robot)))
            for model in stored_models(path)
        ]
        archive = FrameArchive(frames_path, robot, settings.limits)
        before = archive.stats()
        archive.prune(brake=False)
        after = archive.stats()
        newest_ns = max((span[1] for store in stores if (span := store.span)), default=0)
        deleted = sum(store.prune(limits, max(newest_ns, after.newest_ns or 0), brake=False) for store in stores)
        left = sum(store.count for store in stores)
    logs = optional_path(config.event_logging.dir)
    age_ns, now_ns = round(config.event_logging.max_age_h * 3.6e12), max(newest_ns, after.newest_ns or 0)
    days = prune_event_logs(logs / robot if logs else path, age_ns, now_ns, brake=False)
    clips = len(ClipFolder(path / "clips", ClipLimits.of_config(config)).delete_older(time.time_ns()))
    counts = {"frames": before.frames - after.frames, "sightings": deleted, "event_days": days, "clips": clips}
    record_stored(folder, PRUNE, {**who, **counts})
    print(
        f"{before.frames - after.frames} frames deleted, {after.frames} left ({after.bytes / 1e6:.0f} MB) in "
        f"{frames_path}; {deleted} sightings deleted, {left} left; {days} days of events and {clips} clips deleted"
    )
    return 0
