"""The clips of a running robot: bounded in number, bytes and age, the oldest go first."""

import logging
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from facetrack_ros.clips.clip import Clip
from facetrack_ros.clips.sources import ClipSource
from facetrack_ros.clips.writer import MANIFEST, UNFINISHED, SavedClip, save_clip
from facetrack_ros.config import Config
from facetrack_ros.errors import StoreError, store_errors
from facetrack_ros.history.disk_room import DiskRoom

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ClipLimits:
    """How many clips are kept. Zero: no such limit.

    :param count: most clips.
    :param bytes: most bytes of all together, and of one.
    :param age_ns: greatest age, nanoseconds since a clip was saved.
    """

    count: int = 0
    bytes: int = 0
    age_ns: int = 0

    @classmethod
    def of_config(cls, config: Config) -> "ClipLimits":
        """The configuration's ``clips``."""
        return cls(config.clips.max_count, config.clips.max_mb * 10**6, round(config.clips.max_age_h * 3.6e12))


class ClipFolder:
    """A folder of clips, one folder each. Not thread-safe.

    :param path: created with the first clip; what a killed process left unfinished is deleted.
    """

    def __init__(self, path: Path, limits: ClipLimits) -> None:
        self.path, self._limits = path, limits
        for unfinished in path.glob(f"*{UNFINISHED}"):
            logger.warning("%s was not finished when the robot ended, and is deleted", unfinished)
            shutil.rmtree(unfinished, ignore_errors=True)

    def save(self, source: ClipSource, clip: Clip, name: str, room: DiskRoom) -> tuple[SavedClip, list[str]]:
        """Save a clip, then delete the oldest ones beyond the limits.

        :param room: the space that stays free.
        :returns: the clip, and the names of those deleted.
        :raises StoreError: there is no room, one clip alone is beyond the limit, or see :func:`save_clip`.
        """

        def check(size: int) -> None:
            if self._limits.bytes and size > self._limits.bytes:
                most = f"{self._limits.bytes / 1e6:.0f} MB (clips.max_mb)"
                raise StoreError(
                    f"the clip {name} would be larger than {most}; ask for less time, or for other formats"
                )
            with store_errors(f"there is no room for the clip {name}", "make room on that disk"):
                room.check(self.path if self.path.exists() else self.path.parent)

        check(0)
        saved = save_clip(source, clip, self.path / name, check)
        return saved, self._prune(name)

    def delete_older(self, now_ns: int) -> list[str]:
        """Delete the clips that were saved longer ago than the limit; their names.

        :param now_ns: the time, as the disk's clock has it.
        """
        if not self._limits.age_ns:
            return []
        old = [folder for saved_ns, _, folder in self._clips() if saved_ns < now_ns - self._limits.age_ns]
        deleted = [folder.name for folder in sorted(old) if _delete(folder)]
        if deleted:
            logger.warning("%d older clips are deleted (clips.max_age_h): %s", len(deleted), ", ".join(deleted))
        return deleted

    def _prune(self, newest: str) -> list[str]:
        """Delete the oldest clips beyond the limits, but never the newest; their names."""
        kept = sorted(self._clips(), key=lambda each: each[0])
        count, size, deleted = len(kept), sum(size for _, size, _ in kept), []
        for _, clip_bytes, folder in kept:
            over = (self._limits.count and count > self._limits.count) or (
                self._limits.bytes and size > self._limits.bytes
            )
            if not over:
                break
            if folder.name == newest:
                continue
            if _delete(folder):
                deleted.append(folder.name)
                count, size = count - 1, size - clip_bytes
        if deleted:
            limits = "clips.max_count, clips.max_mb"
            logger.warning("%d older clips are deleted (%s): %s", len(deleted), limits, ", ".join(deleted))
        return deleted

    def _clips(self) -> list[tuple[int, int, Path]]:
        """When each clip was saved, its bytes, and its folder."""
        found = []
        for manifest in self.path.glob(f"*/{MANIFEST}"):
            with suppress(OSError):
                files = [file.stat().st_size for file in manifest.parent.rglob("*") if file.is_file()]
                found.append((manifest.stat().st_mtime_ns, sum(files), manifest.parent))
        return found


def _delete(folder: Path) -> bool:
    """Delete a clip, which is whole or absent at each moment; whether the disk lets it."""
    gone = folder.with_name(folder.name + UNFINISHED)
    try:
        folder.rename(gone)
    except OSError:
        return False
    shutil.rmtree(gone, ignore_errors=True)
    return True
