"""How a robot keeps frames."""

from dataclasses import dataclass, field
from pathlib import Path

from facetrack_ros.config import Config
from facetrack_ros.history.frames.retention import Limits

OFF, ALERT, CONTINUOUS = "off", "alert", "continuous"
JPG, PNG, H264 = "jpg", "png", "h264"
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True)
class FrameSettings:
    """Which frames are kept in memory and on disk.

    :param ring_frames: frames of each camera in memory.
    :param mode: of storing: ``off``; ``alert``, around alerts; ``continuous``, all frames.
    :param on_alert: whether a recognised face or an alert message is an alert; a service call always is one.
    :param visits: whether in mode ``alert`` the frame with the best face of each visit is stored, too.
    :param before_ns: how long before an alert the stored frames begin, as far as the memory reaches.
    :param after_ns: how long after it they end.
    :param directory: holds one folder a robot; None: frames are stored in the robot's own folder.
    :param format: of stored frames: ``jpg``, as received; ``png``; ``h264``.
    :param wait: whether adding a frame waits for a slow disk instead of dropping the frame; for recordings.
    """

    ring_frames: int = 300
    mode: str = OFF
    on_alert: bool = True
    visits: bool = False
    before_ns: int = 5 * _SECOND_NS
    after_ns: int = 5 * _SECOND_NS
    directory: Path | None = None
    limits: Limits = field(default_factory=Limits)
    format: str = JPG
    wait: bool = False

    @classmethod
    def of_config(cls, config: Config, wait: bool = False) -> "FrameSettings":
        """The configuration's ``frame_history``."""
        history = config.frame_history
        age_ns = round(history.max_disk_age_h * 3600 * _SECOND_NS)
        limits = Limits(history.max_disk_frames, history.max_disk_mb * 10**6, age_ns, history.min_free_mb * 10**6)
        return cls(
            ring_frames=history.memory_buffer_size,
            mode=history.mode,
            on_alert=history.save_on_alert,
            visits=history.visit_frames,
            before_ns=round(history.pre_roll_s * _SECOND_NS),
            after_ns=round(history.post_roll_s * _SECOND_NS),
            directory=Path(history.disk_cache_dir).expanduser() if history.disk_cache_dir else None,
            limits=limits,
            format=history.compression,
            wait=wait,
        )

    def folder(self, robot_folder: Path) -> Path:
        """The folder of a robot's segments."""
        return self.directory / robot_folder.name if self.directory else robot_folder / "frames"
