"""A camera's recording, to be ingested once."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from facetrack_ros.core.frame import Frame
from facetrack_ros.sources.factory import bag_path_and_topic
from facetrack_ros.sources.source import FrameSource
from facetrack_ros.sources.stamped_frames import stamped_frames
from facetrack_ros.sources.unused_frames import UnusedFrames


@dataclass
class Recording:
    """One camera's recording, opened.

    :param text: the source as the user wrote it.
    :param start_ns: stamp of its first frame; None: the recording's own stamps.
    :ivar first_ns: stamp of the first frame used; ``last_ns``: of the last; ``count``: number of frames used.
    """

    camera_id: str
    text: str
    source: FrameSource
    start_ns: int | None
    first_ns: int = 0
    last_ns: int = 0
    count: int = 0

    def frames(self, jpeg_quality: int) -> Iterator[Frame]:
        """Read and count its frames; a recording without any frame counts as not used."""
        for frame in stamped_frames(self.source, self.camera_id, self.start_ns, jpeg_quality):
            self.first_ns = self.first_ns or frame.stamp_ns
            self.last_ns, self.count = frame.stamp_ns, self.count + 1
            yield frame
        if not self.count and not self.unused:
            self.unused.add_unknown("it holds none that was found")

    @property
    def unused(self) -> UnusedFrames:
        """Its frames that were not used, by reason."""
        return self.source.unused

    def refuse(self, reason: str) -> None:
        """Count a frame that was read and then could not be used."""
        self.count -= 1
        self.unused.add(reason)

    def key(self, contract_id: str) -> str:
        """The same for the same camera, files, start and model."""
        return f"{self.camera_id} {self.start_ns} {contract_id} {self._content}"

    @cached_property
    def _content(self) -> str:
        """Topic and hash of its files."""
        is_bag = self.text.startswith("bag:")
        path, topic = bag_path_and_topic(self.text) if is_bag else (Path(self.text).expanduser(), "")
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        content = hashlib.sha256()
        for file in files:
            content.update(file.name.encode())
            with file.open("rb") as stream:
                for block in iter(lambda: stream.read(1 << 20), b""):
                    content.update(block)
        return f"{topic} {content.hexdigest()}"
