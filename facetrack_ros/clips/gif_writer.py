"""Pictures with stamps as a GIF that shows each for as long as it lasted."""

from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.errors import StoreError

_WIDEST = 640
# Many players take anything shorter for a mistake and show it for a tenth of a second.
_SHORTEST_CS = 2


class GifWriter:
    """An animated GIF, scaled down to 640 pixels. Stamps must rise; a picture that would last less than 20 ms is left out."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pictures: list = []
        self._starts_cs: list[int] = []
        self._first_ns: int | None = None

    def add(self, image: np.ndarray, stamp_ns: int) -> None:
        """One picture, ``(height, width, 3)`` uint8 BGR."""
        from PIL import Image

        self._first_ns = stamp_ns if self._first_ns is None else self._first_ns
        start = round((stamp_ns - self._first_ns) / 1e7)
        if self._starts_cs and start - self._starts_cs[-1] < _SHORTEST_CS:
            return
        if image.shape[1] > _WIDEST:
            image = cv2.resize(
                image, (_WIDEST, max(round(image.shape[0] * _WIDEST / image.shape[1]), 1)), interpolation=cv2.INTER_AREA
            )
        self._pictures.append(Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).quantize(256))
        self._starts_cs.append(start)

    def close(self) -> None:
        """Write the file.

        :raises StoreError: it cannot be written.
        """
        if not self._pictures:
            return
        lasts = [10 * (after - start) for start, after in zip(self._starts_cs, self._starts_cs[1:])]
        lasts.append(lasts[-1] if lasts else 100)
        try:
            self._pictures[0].save(
                self._path, save_all=True, append_images=self._pictures[1:], duration=lasts, loop=0, optimize=False
            )
        except OSError as error:
            raise StoreError(
                f"cannot write {self._path}: {error.strerror or error}; make room or check the permissions"
            ) from error
