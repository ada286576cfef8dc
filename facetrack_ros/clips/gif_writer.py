"""Writer of animated GIFs with the true time of each frame."""

from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.errors import store_errors

#: Largest width, pixels, chosen by hand.
_MAX_WIDTH = 640
#: Many players show frames of a shorter duration for a tenth of a second.
_MIN_DURATION_CS = 2


class GifWriter:
    """An animated GIF, at most 640 pixels wide.

    Stamps must rise; images less than 20 ms after the one before are left out.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._images: list = []
        self._starts_cs: list[int] = []
        self._first_ns: int | None = None

    def add(self, image: np.ndarray, stamp_ns: int) -> None:
        """Add an image, ``(height, width, 3)`` uint8 BGR."""
        from PIL import Image

        if self._first_ns is None:
            self._first_ns = stamp_ns
        start = round((stamp_ns - self._first_ns) / 1e7)
        if self._starts_cs and start - self._starts_cs[-1] < _MIN_DURATION_CS:
            return
        height, width = image.shape[:2]
        if width > _MAX_WIDTH:
            size = (_MAX_WIDTH, max(round(height * _MAX_WIDTH / width), 1))
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        self._images.append(Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).quantize(256))
        self._starts_cs.append(start)

    def close(self) -> None:
        """Write the file; without images there is none.

        :raises StoreError: it cannot be written.
        """
        if not self._images:
            return
        durations_ms = [10 * (after - start) for start, after in zip(self._starts_cs, self._starts_cs[1:])]
        durations_ms.append(durations_ms[-1] if durations_ms else 100)
        first, *others = self._images
        with store_errors(f"cannot write {self._path}", "make room or check the permissions"):
            first.save(
                self._path, "GIF", save_all=True, append_images=others, duration=durations_ms, loop=0, optimize=False
            )
