"""Frames found by stamp in sealed segments and in the one being written."""

import os
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby

import numpy as np

from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.history.frames.video_decoder import StoredVideo
from facetrack_ros.history.mcap.catalog import SegmentCatalog
from facetrack_ros.history.mcap.message_table import SegmentTable
from facetrack_ros.history.mcap.open_file import OpenSegment
from facetrack_ros.history.mcap.pending_warnings import Complaints
from facetrack_ros.history.mcap.reader import read_message
from facetrack_ros.history.messages import image as image_message
from facetrack_ros.history.messages import video as video_message
from facetrack_ros.history.messages.channel import Channel


class FrameReader:
    """Reads what is stored. What is damaged is left out and complained about.

    :param written: the segment being written, None while there is none.
    :param lock: held while the catalog and that segment are looked at, not while files are read one by one.
    """

    def __init__(
        self,
        catalog: SegmentCatalog,
        written: Callable[[], OpenSegment | None],
        complaints: Complaints,
        lock: threading.RLock,
    ) -> None:
        self._catalog, self._written, self._complaints, self._lock = catalog, written, complaints, lock

    def near(self, camera_id: str, stamp_ns: int, tolerance_ns: int) -> Frame | None:
        """See :meth:`FrameArchive.near`."""
        with self._lock:
            found = []
            for name, table in self._around(camera_id, stamp_ns - tolerance_ns, stamp_ns + tolerance_ns):
                rows = table.cameras[camera_id]
                stamps = table.stamps[rows]
                at = bisect_left(stamps, stamp_ns)
                found += [
                    (abs(int(stamps[i]) - stamp_ns), int(stamps[i]), name, rows[i])
                    for i in (at - 1, at)
                    if 0 <= i < len(rows)
                ]
            for away, _, name, row in sorted(found, key=lambda one: one[:2]):
                if away > tolerance_ns:
                    return None
                frame = next(self._frames(name, [row]), None)
                if frame is not None:
                    return frame
        return None

    def between(self, camera_id: str, start_ns: int, end_ns: int) -> Iterator[Frame]:
        """See :meth:`FrameArchive.between`."""
        with self._lock:
            places = [
                (int(table.stamps[row]), name, row)
                for name, table in self._around(camera_id, start_ns, end_ns)
                for row in table.frames_between(camera_id, start_ns, end_ns)
            ]
        places.sort(key=lambda place: place[0])
        for name, group in groupby(places, key=lambda place: place[1]):
            yield from self._frames(name, [row for _, _, row in group])

    def messages(self, type: str, camera_id: str, start_ns: int, end_ns: int) -> Iterator[tuple[Channel, int, bytes]]:
        """See :meth:`FrameArchive.messages`."""
        with self._lock:
            written = self._written()
            tables = [
                *self._catalog.telling(start_ns, end_ns),
                *([(written.path.name, written.table())] if written else []),
            ]
            places = [
                (name, table.rows_between(type, camera_id, start_ns, end_ns))
                for name, table in tables
                if type in {channel.type for channel in table.channels.values()}
            ]
        for name, rows in places:
            for channel, _, stamp, content in self._read(name, rows):
                yield channel, stamp, bytes(content)

    def stamps(self, camera_id: str, start_ns: int, end_ns: int) -> list[int]:
        """See :meth:`FrameArchive.stamps`."""
        with self._lock:
            return sorted(
                int(table.stamps[row])
                for _, table in self._around(camera_id, start_ns, end_ns)
                for row in table.frames_between(camera_id, start_ns, end_ns)
            )

    def _around(self, camera_id: str, start_ns: int, end_ns: int) -> Iterator[tuple[str, SegmentTable]]:
        yield from self._catalog.around(camera_id, start_ns, end_ns)
        written = self._written()
        if written is not None and camera_id in written.stamps:
            yield written.path.name, written.table()

    def _frames(self, name: str, rows: list[int] | np.ndarray) -> Iterator[Frame]:
        with self._opened(name) as (file, table):
            video = StoredVideo(file, table)
            for row in rows if table else ():
                channel = table.channels[int(table.channels_of[row])]
                try:
                    if channel.type == video_message.TYPE:
                        number, frame_id, image = video.picture(row)
                        jpeg = encode_jpeg(image)
                    else:
                        _, number, _, content = read_message(file, table, row)
                        _, frame_id, _, jpeg = image_message.read_image(content)
                except (ValueError, OSError) as error:
                    self._complaints.add(
                        f"a frame of {channel.camera_id} in {self._catalog.path / name} is damaged ({error}) and "
                        "left out"
                    )
                    continue
                yield Frame(
                    channel.camera_id,
                    int(table.stamps[row]),
                    number,
                    jpeg,
                    "" if frame_id == channel.camera_id else frame_id,
                )

    def _read(self, name: str, rows: list[int] | np.ndarray) -> Iterator[tuple[Channel, int, int, memoryview]]:
        with self._opened(name) as (file, table):
            for row in rows if table else ():
                try:
                    yield read_message(file, table, row)
                except (ValueError, OSError) as error:
                    self._complaints.add(f"a message in {self._catalog.path / name} is damaged ({error}) and left out")

    @contextmanager
    def _opened(self, name: str) -> Iterator[tuple[int, SegmentTable | None]]:
        """Descriptor and table of a segment; the table is None where it cannot be read."""
        path = self._catalog.path / name
        with self._lock:
            written = self._written()
            if written is not None and written.path.name == name:
                table = written.table()
            else:
                table = self._catalog.table(name) if name in self._catalog else None
        file = -1
        if table is not None:
            try:
                file = os.open(path, os.O_RDONLY)
            except OSError as error:
                table = None
                with self._lock:
                    self._catalog.lost(name, f"cannot read {path}: {error.strerror}; its frames are left out")
        try:
            yield file, table
        finally:
            if file >= 0:
                os.close(file)
