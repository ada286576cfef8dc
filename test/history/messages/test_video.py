"""A video message is what it was when it comes back, or refused."""

import pytest

from facetrack_ros.history.messages.video import read_video, video_parts

START = 1_700_000_000_000_000_000


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 1001])
def test_a_message_of_any_length_comes_back(size):
    packet = bytes(range(256)) * 4
    message = b"".join(video_parts(START + 7, "a lens", packet[:size]))
    assert read_video(message) == (START + 7, "a lens", packet[:size])
    for cut in (3, 8, len(message) - 1 - size % 4):
        with pytest.raises(ValueError):
            read_video(message[:cut])
