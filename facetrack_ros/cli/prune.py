"""``facetrack prune``: delete the stored frames and sightings that the limits no longer allow.

A robot prunes by itself, but never more than half at once: that is what a wrong clock or a wrong limit asks for. Here somebody
has looked, and says so.
"""

import argparse
from contextlib import closing
from pathlib import Path

from facetrack_ros.config import Config
from facetrack_ros.errors import ConfigError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommand's arguments."""
    parser.add_argument("--data", required=True, metavar="DIR", help="folder of histories, one folder a robot")
    parser.add_argument("--robot", required=True, metavar="NAME", help="whose memory; it must not be running")
    parser.add_argument("--config", metavar="FILE", help="where the limits are (frame_history, sightings), a YAML file")
    parser.add_argument("--yes", action="store_true", help="delete; without it, only say what there is")


def run(arguments: argparse.Namespace) -> int:
    """Say what is kept, and delete what is beyond the limits."""
    from facetrack_ros.history.frames.archive import FrameArchive
    from facetrack_ros.history.frames.settings import FrameSettings
    from facetrack_ros.history.layout import history_folders
    from facetrack_ros.history.sightings.database import stored_models
    from facetrack_ros.history.sightings.model_contract import load_contract
    from facetrack_ros.history.sightings.retention import SightingLimits
    from facetrack_ros.history.sightings.store import SightingStore

    folder = {one.robot_id: one for one in history_folders(arguments.data)}.get(arguments.robot)
    if folder is None or folder.error:
        raise ConfigError(folder.error if folder else f"there is no robot {arguments.robot} below {arguments.data}")
    config = Config.load(arguments.config) if arguments.config else Config()
    settings, limits = FrameSettings.of_config(config), SightingLimits.of_config(config)
    place = settings.folder(Path(folder.path))
    if not arguments.yes:
        stats = FrameArchive.open_readonly(place, arguments.robot).stats()
        faces = 0
        for model in stored_models(folder.path):
            with closing(SightingStore.open_readonly(folder.path, load_contract(folder.path, model))) as store:
                faces += store.count
        print(
            f"{stats.frames} frames, {stats.bytes / 1e6:.0f} MB in {place}; {faces} sightings in {folder.path}; --yes deletes those "
            "beyond the limits"
        )
        return 0
    # Whoever writes the sightings holds the robot: nothing is deleted below a robot that runs.
    stores = [
        SightingStore(folder.path, load_contract(folder.path, model), arguments.robot)
        for model in stored_models(folder.path)
    ]
    try:
        archive = FrameArchive(place, arguments.robot, settings.limits)
        before = archive.stats()
        archive.prune(brake=False)
        after = archive.stats()
        newest_ns = max((span[1] for store in stores if (span := store.span)), default=0)
        gone = sum(store.prune(limits, max(newest_ns, after.newest_ns or 0), brake=False) for store in stores)
        left = sum(store.count for store in stores)
    finally:
        for store in stores:
            store.close()
    print(
        f"{before.frames - after.frames} frames deleted, {after.frames} left ({after.bytes / 1e6:.0f} MB) in {place}; "
        f"{gone} sightings deleted, {left} left"
    )
    return 0
