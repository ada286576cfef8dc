"""The clip of the pipeline's benchmark: three people before one camera, scaled to any size, as JPEG."""

from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.sources.source import FrameSource, Picture

CLIP, FIRST = "face-demographics-walking-and-pause.gif", 12  # from here on all three are in view
SEED = 1
#: Sensor noise, grey levels: a scaled picture without noise makes a smaller JPEG than a camera's.
GRAIN = 2.0


def jpegs(data: Path, size: tuple[int, int]) -> list[bytes]:
    """The clip's frames forwards and backwards, so that it can be repeated without a jump."""
    random = np.random.default_rng(SEED)
    grain = random.normal(0, GRAIN, (size[1], 2 * size[0], 1)).astype(np.float32)
    video, pictures = cv2.VideoCapture(str(data / "clips" / CLIP)), []
    while video.grab():
        pictures.append(video.retrieve()[1])
    encoded = []
    for number, frame in enumerate(pictures[FIRST:]):
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC)
        frame = np.clip(frame + grain[:, 61 * number % size[0] :][:, : size[0]], 0, 255).astype(np.uint8)
        encoded.append(cv2.imencode(".jpg", frame, (cv2.IMWRITE_JPEG_QUALITY, 90))[1].tobytes())
    return encoded + encoded[-2:0:-1]


class MemorySource(FrameSource):
    """A camera with its pictures in memory.

    :param fps: pictures a second, evenly spaced.
    :param count: number of pictures; the clip repeats.
    :param lead_s: delay of the first picture, so that cameras are out of step.
    """

    def __init__(self, pictures: list[bytes], fps: float, count: int, lead_s: float = 0.0):
        super().__init__("memory")
        self._pictures, self._fps, self._count, self._lead_s = pictures, fps, count, lead_s

    def _read_pictures(self):
        for number in range(self._count):
            if self._closed:
                return
            yield Picture(
                round((self._lead_s + number / self._fps) * 1e9), jpeg=self._pictures[number % len(self._pictures)]
            )
