"""Frames, tracks and events of a person in a recording: a segment of the history, or the recording of a clip."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.sealed_files.record_file import StoredFile
from facetrack_ros.errors import FrameError
from facetrack_ros.history.forget.order import ForgetOrder
from facetrack_ros.history.forget.presence import Presence
from facetrack_ros.history.forget.region import destroy_regions
from facetrack_ros.history.frames.video_decoder import VideoDecoder
from facetrack_ros.history.frames.video_encoder import VideoEncoder
from facetrack_ros.history.mcap.message_table import MessageTable
from facetrack_ros.history.mcap.reader import read_message
from facetrack_ros.history.mcap.writer import SegmentWriter
from facetrack_ros.history.messages import cdr
from facetrack_ros.history.messages.channel import Channel
from facetrack_ros.history.messages.image import image_channel, image_parts, read_image
from facetrack_ros.history.messages.schemas import EVENT, IMAGE, TRACKS, VIDEO
from facetrack_ros.history.messages.video import video_channel, video_parts

#: Of people in a frame who have no id.
UNKNOWN = "unknown"


@dataclass
class RecordingChange:
    """What forgetting changes in recordings.

    :param deleted: frames by camera.
    :param blurred: frames by camera in which the person's region is destroyed.
    :param encoded_again: other frames that are encoded again because H.264 pictures build on each other.
    :param tracks: tracks of the person, one a frame.
    :param events: messages of events.
    :param others: frames lost, by the other persons in them.
    """

    deleted: Counter = field(default_factory=Counter)
    blurred: Counter = field(default_factory=Counter)
    encoded_again: int = 0
    tracks: int = 0
    events: int = 0
    others: Counter = field(default_factory=Counter)

    def add(self, other: "RecordingChange") -> None:
        """Add another's counts."""
        for name in ("deleted", "blurred", "others"):
            getattr(self, name).update(getattr(other, name))
        self.encoded_again += other.encoded_again
        self.tracks += other.tracks
        self.events += other.events

    def __bool__(self) -> bool:
        return bool(self.deleted or self.blurred or self.tracks or self.events)


class RecordingFilter:
    """Decides on the messages of recordings.

    :param presence: when and where the person was in view; not used for an order on a stretch of time.
    """

    def __init__(self, order: ForgetOrder, presence: Presence) -> None:
        self._order, self._presence = order, presence
        self._needles = order.needles

    def shows(self, camera_id: str, stamp_ns: int) -> bool:
        """Whether a frame is to go or to be blurred."""
        if self._order.of_time:
            return self._order.within(stamp_ns)
        return self._presence.shows(camera_id, stamp_ns)

    def region(self, camera_id: str, stamp_ns: int) -> list[np.ndarray]:
        """Where a frame that is kept is blurred; empty: it is not kept."""
        return self._presence.region(camera_id, stamp_ns) if self._order.blur else []

    def is_person(self, person_id: str, track_id: str = "") -> bool:
        """Whether an id or track is the person's."""
        return person_id in self._order.person_ids or track_id in self._order.track_ids

    def change(self, file: StoredFile, table: MessageTable) -> RecordingChange:
        """What :meth:`write` would change.

        :param file: the recording, open.
        """
        found, again, doomed = RecordingChange(), set(), set()
        for camera, rows in table.frame_rows.items():
            shown = [row for row in rows.tolist() if self.shows(camera, int(table.stamps[row]))]
            for row in shown:
                stamp = int(table.stamps[row])
                blurred = bool(self.region(camera, stamp))
                (found.blurred if blurred else found.deleted)[camera] += 1
                if not blurred:
                    doomed.add((camera, stamp))
                again |= {number for number in (int(table.channel_numbers[row]),) if _is_video(table, number)}
        found.encoded_again = int(np.isin(table.channel_numbers, list(again)).sum()) - sum(
            int(table.channel_numbers[row]) in again
            for camera, rows in table.frame_rows.items()
            for row in rows.tolist()
            if self.shows(camera, int(table.stamps[row]))
        )
        for row, channel in _rows_of(table, TRACKS, EVENT):
            try:
                content = bytes(read_message(file, table, row)[3])
            except (ValueError, OSError):
                continue
            stamp = int(table.stamps[row])
            if channel.type == EVENT:
                found.events += self._event(content, stamp) is None
                continue
            _, tracks = self._tracks(content, channel.camera_id, stamp)
            found.tracks += tracks
            if (channel.camera_id, stamp) in doomed:
                found.others.update(self._others(content))
        return found

    def write(self, file: StoredFile, table: MessageTable, writer: SegmentWriter) -> None:
        """Write what is kept of a recording. Messages that cannot be read are left out.

        :param file: the recording, open.
        :raises OSError: the disk refuses.
        """
        again = {
            int(table.channel_numbers[row])
            for camera, rows in table.frame_rows.items()
            for row in rows.tolist()
            if self.shows(camera, int(table.stamps[row])) and _is_video(table, int(table.channel_numbers[row]))
        }
        decoder, encoder = VideoDecoder(file, table), VideoEncoder() if again else None
        for row in range(len(table)):
            channel, stamp = table.channels[int(table.channel_numbers[row])], int(table.stamps[row])
            try:
                if int(table.channel_numbers[row]) in again and encoder is not None:
                    self._write_video(writer, decoder, encoder, row, channel, stamp)
                    continue
                _, sequence, _, content = read_message(file, table, row)
                kept = self._kept(channel, stamp, sequence, content)
            except (ValueError, FrameError):
                continue
            if kept is not None:
                writer.append(channel, sequence, stamp, kept)

    def _kept(self, channel: Channel, stamp: int, sequence: int, content: memoryview) -> tuple[bytes, ...] | None:
        """The parts of a message as it is kept; None: it is not."""
        if channel.type == TRACKS:
            message, _ = self._tracks(bytes(content), channel.camera_id, stamp)
            return None if message is None else (message,)
        if channel.type == EVENT:
            message = self._event(bytes(content), stamp)
            return None if message is None else (message,)
        if channel.type == IMAGE and self.shows(channel.camera_id, stamp):
            frame_id, data = read_image(content)
            frame = self._blurred(Frame(channel.camera_id, stamp, sequence, data, frame_id))
            return None if frame is None else image_parts(frame)
        return (bytes(content),)

    def _blurred(self, frame: Frame) -> Frame | None:
        boxes = self.region(frame.camera_id, frame.stamp_ns)
        return replace(frame, jpeg=encode_jpeg(destroy_regions(frame.image, boxes))) if boxes else None

    def _write_video(
        self,
        writer: SegmentWriter,
        decoder: VideoDecoder,
        encoder: VideoEncoder,
        row: int,
        channel: Channel,
        stamp: int,
    ) -> None:
        sequence, frame_id, image = decoder.picture(row)
        robot_id = channel.topic.split("/")[1]
        if self.shows(channel.camera_id, stamp):
            boxes = self.region(channel.camera_id, stamp)
            if not boxes:
                return
            image = destroy_regions(image, boxes)
        frame = Frame(channel.camera_id, stamp, sequence, encode_jpeg(image), frame_id)
        video = encoder.encode(frame, False)
        if video is None:
            writer.append(image_channel(robot_id, channel.camera_id), sequence, stamp, image_parts(frame))
        else:
            writer.append(video_channel(robot_id, channel.camera_id), sequence, stamp, video_parts(frame, video[0]))

    def _tracks(self, content: bytes, camera_id: str, stamp: int) -> tuple[bytes | None, int]:
        """A message of tracks without those of the person, None where nothing is left; and how many there were."""
        if self._order.of_time:
            return (None, 1) if self._order.within(stamp) else (content, 0)
        if not any(needle in content for needle in self._needles):
            return content, 0
        message = read_tracks_message(content)
        kept = [track for track in message.tracks if not self.is_person(track.person_id, track.track_id)]
        gone = len(message.tracks) - len(kept)
        message.tracks = kept
        return (cdr.serialize(message, TRACKS) if kept else None), gone

    def _event(self, content: bytes, stamp: int) -> bytes | None:
        """A message of an event; None where it is of the person."""
        if self._order.of_time:
            return None if self._order.within(stamp) else content
        if not any(needle in content for needle in self._needles):
            return content
        message = cdr.deserialize(content, EVENT)
        words = self._order.words
        named = {message.person_id, message.reference_face_id, message.reference_name}
        return None if named & words else content

    def _others(self, content: bytes) -> set[str]:
        """The other persons in a frame."""
        try:
            message = read_tracks_message(content)
        except ValueError:
            return set()
        return {
            track.person_id or UNKNOWN
            for track in message.tracks
            if not self.is_person(track.person_id, track.track_id)
        }


def read_tracks_message(content: bytes) -> Any:
    """The message of a frame's tracks, as the type store has it.

    :raises ValueError: it is none.
    """
    return cdr.deserialize(content, TRACKS)


def tracks_messages(file: StoredFile, table: MessageTable) -> Iterator[tuple[str, int, bytes]]:
    """Camera, stamp and content of each message of tracks in a recording; those that cannot be read are left out."""
    for row, channel in _rows_of(table, TRACKS):
        try:
            yield channel.camera_id, int(table.stamps[row]), bytes(read_message(file, table, row)[3])
        except (ValueError, OSError):
            continue


def _rows_of(table: MessageTable, *types: str) -> Iterator[tuple[int, Channel]]:
    numbers = [number for number, channel in table.channels.items() if channel.type in types]
    for row in np.flatnonzero(np.isin(table.channel_numbers, numbers)).tolist():
        yield row, table.channels[int(table.channel_numbers[row])]


def _is_video(table: MessageTable, number: int) -> bool:
    return table.channels[number].type == VIDEO
