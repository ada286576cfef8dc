"""A video message is read as it was written, or refused."""

import pytest
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from facetrack_ros.core.frame import Frame
from facetrack_ros.history.messages.schemas import VIDEO, definition
from facetrack_ros.history.messages.video import read_video, video_parts

START = 1_700_000_000_000_000_000


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 1001])
def test_a_message_of_any_length_is_read_as_written(size):
    packet = (bytes(range(256)) * 4)[:size]
    message = b"".join(video_parts(Frame("front", START + 7, 0, b"", "a lens"), packet))
    assert read_video(message) == ("a lens", packet)
    store = get_typestore(Stores.ROS2_HUMBLE)
    store.register({VIDEO: get_types_from_msg(definition(VIDEO), VIDEO)[VIDEO]})
    time = store.deserialize_cdr(message, VIDEO).timestamp
    assert time.sec * 10**9 + time.nanosec == START + 7
    for cut in (3, 8, len(message) - 1 - size % 4):
        with pytest.raises(ValueError, match=r"message|video"):
            read_video(message[:cut])
