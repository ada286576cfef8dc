"""Writer of frames into a rosbag2 recording, without ROS."""

from pathlib import Path
from typing import Any

import numpy as np

from facetrack_ros.core.frame import Frame
from facetrack_ros.core.jpeg import is_png
from facetrack_ros.errors import SourceError

_IMAGE = "sensor_msgs/msg/CompressedImage"
STORAGES = ("mcap", "sqlite3")


class BagWriter:
    """A new bag that ``ros2 bag play``, Foxglove and ``bag:PATH:TOPIC`` read. A context manager; closing completes
    the bag.

    :param path: the bag's folder, which must not exist.
    :param storage: one of :data:`STORAGES`.
    :raises SourceError: the folder exists, or cannot be created.
    """

    def __init__(self, path: Path, storage: str = "mcap"):
        from rosbags.rosbag2 import StoragePlugin, Writer
        from rosbags.rosbag2.errors import WriterError
        from rosbags.typesys import Stores, get_typestore

        self._store = get_typestore(Stores.ROS2_JAZZY)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = Writer(path, version=9, storage_plugin=StoragePlugin[storage.upper()])
            self._writer.open()
        except WriterError as error:
            raise SourceError(f"{path} is there already: a bag is made new, so name another folder") from error
        except OSError as error:
            raise SourceError(f"{path} cannot be written: {error}") from error
        self._connections: dict[str, Any] = {}

    def __enter__(self) -> "BagWriter":
        return self

    def __exit__(self, *error) -> None:
        self._writer.close()

    def write(self, topic: str, frame: Frame, received_ns: int | None = None) -> None:
        """Append a frame.

        :param received_ns: when it was received; None: at its stamp.
        """
        if topic not in self._connections:
            self._connections[topic] = self._writer.add_connection(topic, _IMAGE, typestore=self._store)
        received_ns = frame.stamp_ns if received_ns is None else received_ns
        types = self._store.types
        stamp = types["builtin_interfaces/msg/Time"](*divmod(frame.stamp_ns, 10**9))
        header = types["std_msgs/msg/Header"](stamp, frame.frame_id or frame.camera_id)
        data = np.frombuffer(frame.jpeg, np.uint8)
        message = types[_IMAGE](header, "png" if is_png(frame.jpeg) else "jpeg", data)
        self._writer.write(self._connections[topic], received_ns, self._store.serialize_cdr(message, _IMAGE))
