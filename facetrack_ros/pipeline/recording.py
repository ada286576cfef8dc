"""A camera's recording, to be ingested once."""

import hashlib
import os
from array import array
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from facetrack_ros.core.frame import Frame
from facetrack_ros.core.names import nfc
from facetrack_ros.errors import SourceError
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.sources.factory import bag_path_and_topic
from facetrack_ros.sources.source import FrameSource
from facetrack_ros.sources.stamped_frames import stamped_frames
from facetrack_ros.sources.unused_frames import UnusedFrames


@dataclass
class Recording:
    """One camera's recording, opened.

    :param text: the source as the user wrote it.
    :param start_ns: stamp of its first frame; None: the recording's own stamps.
    :param known: stamps of its camera's frames that are in the history already, from recordings that were used in part.
    :param start_note: a sentence on what was assumed about its start; empty: nothing.
    :ivar count: number of frames used now.
    :ivar repeated: number of frames that are in the history already.
    :ivar stamps: of both.
    :ivar ended: whether it was read to its end.
    """

    camera_id: str
    text: str
    source: FrameSource
    start_ns: int | None
    known: Collection[int] = frozenset()
    start_note: str = ""
    count: int = 0
    repeated: int = 0
    stamps: "array[int]" = field(default_factory=lambda: array("q"))
    ended: bool = False

    def frames(self, jpeg_quality: int) -> Iterator[Frame]:
        """Read its frames that are not in the history; a recording without any frame counts as not used."""
        is_empty = True
        for frame in stamped_frames(self.source, self.camera_id, self.start_ns, jpeg_quality):
            is_empty = False
            if frame.stamp_ns in self.known:
                self.repeated += 1
                self.stamps.append(frame.stamp_ns)
            else:
                yield frame
        if is_empty and not self.unused:
            self.unused.add_unknown("the source gave none, and nothing says why")
        self.ended = True

    @property
    def unused(self) -> UnusedFrames:
        """Its frames that were not used, by reason."""
        return self.source.unused

    def used(self, stamp_ns: int) -> None:
        """Count a frame that was used."""
        self.count += 1
        self.stamps.append(stamp_ns)

    def mark(self, history: RobotHistory, over: bool = True) -> None:
        """Note in the history what was used of it, so that a second time only the rest is tried.

        :param over: whether no more frames of it will be used.
        """
        if not self.stamps:
            return
        key = self.key(history.contract.id)
        if self.unused or not self.ended or not over:
            history.sightings.mark_partly_ingested(key, self.camera_id, self.stamps)
        else:
            history.sightings.mark_ingested(key, self.camera_id, min(self.stamps), max(self.stamps))

    def key(self, contract_id: str) -> str:
        """The same for the same camera, files, start and model.

        :raises SourceError: a file cannot be read.
        """
        return f"{self.camera_id} {self.start_ns} {contract_id} {self._content}"

    @cached_property
    def _content(self) -> str:
        """Topic and hash of its files."""
        is_bag = self.text.startswith("bag:")
        path, topic = bag_path_and_topic(self.text) if is_bag else (Path(self.text).expanduser(), "")
        content = hashlib.sha256()
        try:
            files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
            for file in files:
                content.update(os.fsencode(nfc(file.name)))
                with file.open("rb") as stream:
                    for block in iter(lambda: stream.read(1 << 20), b""):
                        content.update(block)
        except OSError as error:
            raise SourceError(f"{error.filename or path} cannot be read ({error.strerror or error})") from error
        return f"{topic} {content.hexdigest()}"
