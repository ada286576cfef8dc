"""Which frames go to disk, and how long they stay."""

from dataclasses import dataclass, field
from pathlib import Path

from facetrack_ros.config import Config
from facetrack_ros.history.frames.retention import Limits

OFF, ALERT, CONTINUOUS = "off", "alert", "continuous"
JPG, PNG, H264 = "jpg", "png", "h264"
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class FrameSettings:
    """How a robot keeps frames.

    :param ring_frames: in memory, of each camera.
    :param mode: ``off``; ``alert``: what surrounds an alert; ``continuous``: everything.
    :param on_alert: whether a recognised face and an alert message are alerts; a call always is one.
    :param before_ns: how long before an alert the frames kept begin, as far as the memory reaches.
    :param after_ns: how long after it they end.
    :param directory: below it one folder a robot; None: in the robot's folder.
    :param format: of frames on disk: ``jpg``, the bytes that came; ``png``; ``h264``.
    :param wait: whether whoever hands in frames waits for a slow disk, rather than frames being lost: for recordings.
    """

    ring_frames: int = 300
    mode: str = OFF
    on_alert: bool = True
    before_ns: int = 5 * _SECOND_NS
    after_ns: int = 5 * _SECOND_NS
    directory: Path | None = None
    limits: Limits = field(default_factory=Limits)
    format: str = JPG
    wait: bool = False

    @classmethod
    def of_config(cls, config: Config, wait: bool = False) -> "FrameSettings":
        """What the configuration says under ``frame_history``."""
        given = config.frame_history.disk_cache_dir
        return cls(
            ring_frames=config.frame_history.memory_buffer_size,
            mode=config.frame_history.mode,
            on_alert=config.frame_history.save_on_alert,
            before_ns=round(config.frame_history.pre_roll_s * _SECOND_NS),
            after_ns=round(config.frame_history.post_roll_s * _SECOND_NS),
            directory=Path(given).expanduser() if given else None,
            limits=Limits(
                config.frame_history.max_disk_frames,
                config.frame_history.max_disk_mb * 1_000_000,
                round(config.frame_history.max_disk_age_h * 3600 * _SECOND_NS),
                config.frame_history.min_free_mb * 1_000_000,
            ),
            format=config.frame_history.compression,
            wait=wait,
        )

    def folder(self, robot_folder: Path) -> Path:
        """Where a robot's segments lie."""
        return self.directory / robot_folder.name if self.directory else robot_folder / "frames"
