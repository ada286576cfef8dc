"""An image topic of a rosbag2 recording, mcap or sqlite3."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from facetrack_ros.core.h264 import H264Decoder
from facetrack_ros.core.jpeg import decode, is_jpeg, is_whole_jpeg
from facetrack_ros.errors import FrameError, SourceError
from facetrack_ros.sources.raw_image import ENCODINGS, bgr_of_raw
from facetrack_ros.sources.source import FrameSource, Picture

_IMAGE, _RAW, _VIDEO = "sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/Image", "foxglove_msgs/msg/CompressedVideo"
_TYPES = (_IMAGE, _RAW, _VIDEO)


class BagSource(FrameSource):
    """The pictures of one topic, in the order they were recorded, with the stamps of their headers.

    JPEG is passed on unchanged; H.264 is decoded from its first key picture on. A header with a zero stamp counts as
    stamped when it was received. Damaged pictures are skipped and counted.

    :param path: the bag's folder, or an ``.mcap`` or ``.db3`` file.
    :param topic: of CompressedImage, Image or CompressedVideo; empty: the only one of the bag.
    :raises SourceError: there is no bag or no such topic, or there are several to choose from; the message names them.
    """

    def __init__(self, path: Path, topic: str = ""):
        super().__init__(f"bag {path}")
        self._path = path
        with self._open() as reader:
            topics = sorted({one.topic for one in reader.connections if one.msgtype in _TYPES})
        named = ", ".join(topics)
        if not topics:
            raise SourceError(f"{self.name} has no topic of {_IMAGE}, {_RAW} or {_VIDEO}: record one of a camera's")
        if topic and topic not in topics:
            raise SourceError(f"{self.name} has no image topic {topic}: choose from {named}")
        if not topic and len(topics) > 1:
            raise SourceError(f"{self.name} has several image topics: name one of {named} as bag:{path}:TOPIC")
        self.topic = topic or topics[0]

    @contextmanager
    def _open(self) -> Iterator[Any]:
        try:
            from rosbags.rosbag2 import Reader
        except ImportError as error:
            raise SourceError(f"{self.name} needs the Python package rosbags: install it") from error
        path = self._path
        if not path.exists():
            raise SourceError(f"{path} does not exist: check the path of the bag")
        if path.is_file() and (path.parent / "metadata.yaml").exists() and path.suffix in (".db3", ".mcap"):
            path = path.parent
        try:
            reader = Reader(path)
            reader.open()
        except Exception as error:  # rosbags lets errors of zstd, sqlite and struct through
            advice = f"repair it with `ros2 bag reindex {path}`, or record it again"
            raise SourceError(f"{self.name} is no bag that can be read, or it is damaged: {advice}") from error
        try:
            yield reader
        finally:
            reader.close()

    def _read_pictures(self) -> Iterator[Picture]:
        """The readable pictures, up to the end or to where the recording is cut short."""
        from rosbags.typesys import Stores, get_typestore

        store = get_typestore(Stores.ROS2_HUMBLE)
        first_ns = None
        with self._open() as reader:
            connections = [connection for connection in reader.connections if connection.topic == self.topic]
            self._register_video(store, connections)
            decoder = H264Decoder()
            messages = reader.messages(connections=connections)
            while not self._closed:
                try:
                    connection, received_ns, data = next(messages)
                except StopIteration:
                    return
                except Exception:  # as above; the recording is cut short here
                    self.unused.add_unknown("messages after the place where the bag is cut short or damaged")
                    return
                try:
                    message: Any = store.deserialize_cdr(data, connection.msgtype)
                except Exception:
                    self.unused.add("messages that are damaged")
                    continue
                if connection.msgtype == _VIDEO:
                    jpeg, image = None, self._decoded(message, decoder)
                    stamp, frame_id = message.timestamp, message.frame_id
                else:
                    jpeg, image = self._picture(message, connection.msgtype)
                    stamp, frame_id = message.header.stamp, message.header.frame_id
                if jpeg is None and image is None:
                    self.unused.add("images that are damaged or cannot be read")
                    continue
                stamp_ns = stamp.sec * 1_000_000_000 + stamp.nanosec or received_ns
                first_ns = stamp_ns if first_ns is None else first_ns
                yield Picture(stamp_ns - first_ns, stamp_ns, jpeg, image, frame_id)

    def _register_video(self, store: Any, connections: list) -> None:
        """Add the video message, which is not one of ROS, from the recording's own definition."""
        from rosbags.typesys import get_types_from_msg

        for connection in connections:
            if connection.msgtype == _VIDEO and _VIDEO not in store.types:
                try:
                    store.register({_VIDEO: get_types_from_msg(connection.msgdef.data, _VIDEO)[_VIDEO]})
                except Exception as error:  # the parser of rosbags lets its own errors through
                    problem = f"{self.name} does not say what its {_VIDEO} messages hold"
                    raise SourceError(f"{problem}: record it again as MCAP") from error

    def _decoded(self, message: Any, decoder: H264Decoder) -> np.ndarray | None:
        if message.format != "h264":
            raise SourceError(f"{self.name} holds {message.format} video on {self.topic}: only h264 can be read")
        return decoder.decode(message.data.tobytes())

    def _picture(self, message: Any, type: str) -> tuple[bytes | None, np.ndarray | None]:
        if type == _IMAGE:
            data = message.data.tobytes()
            if is_jpeg(data):
                return (data, None) if is_whole_jpeg(data) else (None, None)
            return None, decode(data)
        if message.encoding not in ENCODINGS:
            advice = f"only {', '.join(ENCODINGS)} can be read, so record those or the compressed topic"
            raise SourceError(f"{self.name} holds {message.encoding} images on {self.topic}: {advice}")
        size = message.height, message.width, message.step
        try:
            return None, bgr_of_raw(message.data, *size, message.encoding, bool(message.is_bigendian))
        except FrameError:
            return None, None
