"""Reader of stored frames and messages, in sealed segments and in the open one."""

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby

from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.sealed_files.record_file import StoredFile, open_stored
from facetrack_ros.history.frames.video_decoder import VideoDecoder
from facetrack_ros.history.mcap.catalog import SegmentCatalog
from facetrack_ros.history.mcap.message_table import MessageTable
from facetrack_ros.history.mcap.open_file import OpenSegment
from facetrack_ros.history.mcap.reader import read_message
from facetrack_ros.history.messages.channel import Channel
from facetrack_ros.history.messages.image import read_image
from facetrack_ros.history.messages.schemas import VIDEO


class FrameReader:
    """Finds frames by stamp. Damaged frames and messages are left out and logged, once a segment.

    :param catalog: of the sealed segments.
    :param written: returns the open segment, None if there is none.
    :param lock: held while the catalog and the open segment are used, not while files are read.
    """

    def __init__(
        self, catalog: SegmentCatalog, written: Callable[[], OpenSegment | None], lock: threading.RLock
    ) -> None:
        self._catalog, self._written, self._lock = catalog, written, lock

    def near(self, camera_id: str, stamp_ns: int, tolerance_ns: int) -> Frame | None:
        """The frame closest to a stamp, the earlier of two equally close ones.

        :param tolerance_ns: greatest distance from ``stamp_ns``; 0: exactly that stamp.
        """
        with self._lock:
            found = []
            for name, table in self._with_frames(camera_id, stamp_ns - tolerance_ns, stamp_ns + tolerance_ns):
                rows = table.frame_rows[camera_id]
                stamps = table.stamps[rows]
                at = bisect_left(stamps, stamp_ns)
                close = [(int(stamps[i]), rows[i]) for i in (at - 1, at) if 0 <= i < len(rows)]
                found += [(abs(stamp - stamp_ns), stamp, name, row) for stamp, row in close]
            for distance, _, name, row in sorted(found, key=lambda candidate: candidate[:2]):
                if distance > tolerance_ns:
                    return None
                frame = next(self._frames(name, [row]), None)
                if frame is not None:
                    return frame
        return None

    def between(self, camera_id: str, start_ns: int, end_ns: int) -> Iterator[Frame]:
        """Frames with ``start_ns <= stamp <= end_ns``, sorted by stamp, read one by one."""
        places = self._places(camera_id, start_ns, end_ns)
        for name, group in groupby(places, key=lambda place: place[1]):
            yield from self._frames(name, [row for _, _, row in group])

    def stamps(self, camera_id: str, start_ns: int, end_ns: int) -> list[int]:
        """Stamps of a camera's frames between two stamps, both included, sorted; no frame is read."""
        return [stamp for stamp, _, _ in self._places(camera_id, start_ns, end_ns)]

    def messages(self, type: str, camera_id: str, start_ns: int, end_ns: int) -> Iterator[tuple[Channel, int, bytes]]:
        """Channel, stamp and CDR bytes of a camera's messages of a type other than frames, sorted by stamp within each
        segment."""
        with self._lock:
            written = self._written()
            tables = [*self._catalog.with_messages(start_ns, end_ns)]
            if written is not None:
                tables.append((written.path.name, written.table()))
            places = [
                (name, table.messages_between(type, camera_id, start_ns, end_ns))
                for name, table in tables
                if type in {channel.type for channel in table.channels.values()}
            ]
        for name, rows in places:
            with self._opened(name) as (file, table):
                if table is None:
                    continue
                for row in rows:
                    try:
                        channel, _, stamp, content = read_message(file, table, row)
                    except (ValueError, OSError) as error:
                        self._report_damage(name, f"a message in {self._catalog.path / name}", error)
                        continue
                    yield channel, stamp, bytes(content)

    def _places(self, camera_id: str, start_ns: int, end_ns: int) -> list[tuple[int, str, int]]:
        """Stamp, segment and row of a camera's frames, sorted by stamp."""
        with self._lock:
            places = [
                (int(table.stamps[row]), name, row)
                for name, table in self._with_frames(camera_id, start_ns, end_ns)
                for row in table.frames_between(camera_id, start_ns, end_ns)
            ]
        return sorted(places, key=lambda place: place[0])

    def _with_frames(self, camera_id: str, start_ns: int, end_ns: int) -> Iterator[tuple[str, MessageTable]]:
        yield from self._catalog.with_frames(camera_id, start_ns, end_ns)
        written = self._written()
        if written is not None and camera_id in written.stamps:
            yield written.path.name, written.table()

    def _frames(self, name: str, rows: Iterable[int]) -> Iterator[Frame]:
        with self._opened(name) as (file, table):
            if table is None:
                return
            video = VideoDecoder(file, table)
            for row in rows:
                channel = table.channels[int(table.channel_numbers[row])]
                try:
                    if channel.type == VIDEO:
                        number, frame_id, image = video.picture(row)
                        jpeg = encode_jpeg(image)
                    else:
                        _, number, _, content = read_message(file, table, row)
                        frame_id, jpeg = read_image(content)
                except (ValueError, OSError) as error:
                    self._report_damage(name, f"a frame of {channel.camera_id} in {self._catalog.path / name}", error)
                    continue
                frame_id = "" if frame_id == channel.camera_id else frame_id
                yield Frame(channel.camera_id, int(table.stamps[row]), number, jpeg, frame_id)

    def _report_damage(self, name: str, subject: str, error: Exception) -> None:
        with self._lock:
            self._catalog.report_damage(name, f"{subject} is damaged ({error}) and left out")

    @contextmanager
    def _opened(self, name: str) -> Iterator[tuple[StoredFile, MessageTable | None]]:
        """File and table of a segment; the table is None if it cannot be read, and then the file is of no use."""
        path = self._catalog.path / name
        with self._lock:
            written = self._written()
            if written is not None and written.path.name == name:
                table: MessageTable | None = written.table()
            else:
                table = self._catalog.table(name) if name in self._catalog else None
            file = StoredFile(-1)
            if table is not None:
                try:  # with the lock: a segment that is written anew has another table
                    file = open_stored(path)
                except (OSError, ValueError) as error:
                    table, why = None, error.strerror if isinstance(error, OSError) else error
                    self._catalog.report_damage(name, f"cannot read {path}: {why}; its frames are left out")
        try:
            yield file, table
        finally:
            file.close()
