"""Frames into a rosbag2 recording, without ROS."""

from pathlib import Path

import numpy as np

from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import SourceError

STORAGES = ("mcap", "sqlite3")
_KIND = "sensor_msgs/msg/CompressedImage"


class BagWriter:
    """A new bag that ``ros2 bag play``, Foxglove and ``bag:PATH:TOPIC`` read. A context manager: the bag is whole when it
    has closed.

    :param path: the bag's folder, made new.
    :param storage: ``mcap`` or ``sqlite3``.
    :raises SourceError: the folder is there already, or cannot be made.
    """

    def __init__(self, path: Path, storage: str = "mcap"):
        from rosbags.rosbag2 import StoragePlugin, Writer
        from rosbags.rosbag2.errors import WriterError
        from rosbags.typesys import Stores, get_typestore

        self._store = get_typestore(Stores.ROS2_JAZZY)
        plugin = {"mcap": StoragePlugin.MCAP, "sqlite3": StoragePlugin.SQLITE3}[storage]
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = Writer(path, version=9, storage_plugin=plugin)
            self._writer.open()
        except WriterError as error:
            raise SourceError(f"{path} is there already: a bag is made new, so name another folder") from error
        except OSError as error:
            raise SourceError(f"{path} cannot be written: {error}") from error
        self._connections: dict = {}

    def __enter__(self) -> "BagWriter":
        return self

    def __exit__(self, *error) -> None:
        self._writer.close()

    def write(self, topic: str, frame: Frame, received_ns: int | None = None) -> None:
        """Append a frame.

        :param received_ns: when it was received; None: at its stamp.
        """
        if topic not in self._connections:
            self._connections[topic] = self._writer.add_connection(topic, _KIND, typestore=self._store)
        types = self._store.types
        header = types["std_msgs/msg/Header"](
            types["builtin_interfaces/msg/Time"](*divmod(frame.stamp_ns, 1_000_000_000)),
            frame.frame_id or frame.camera_id,
        )
        message = types[_KIND](header, "jpeg", np.frombuffer(frame.jpeg, np.uint8))
        self._writer.write(
            self._connections[topic],
            frame.stamp_ns if received_ns is None else received_ns,
            self._store.serialize_cdr(message, _KIND),
        )
