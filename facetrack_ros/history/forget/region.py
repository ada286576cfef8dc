"""Destruction of a person's region in a picture."""

from collections.abc import Iterable

import numpy as np

#: Colour of what is destroyed, BGR.
COLOUR = (96, 96, 96)


def destroy_regions(image: np.ndarray, boxes: Iterable[np.ndarray]) -> np.ndarray:
    """A copy of a picture with one colour in place of some boxes: no filter is strong enough to trust it with a face.

    :param image: ``(height, width, 3)`` uint8 BGR.
    :param boxes: ``(4,)`` each, x1, y1, x2, y2 in pixels.
    """
    image = image.copy()
    height, width = image.shape[:2]
    for box in boxes:
        x1, y1 = np.floor(np.clip(box[:2], 0, (width, height))).astype(int)
        x2, y2 = np.ceil(np.clip(box[2:], 0, (width, height))).astype(int)
        image[y1:y2, x1:x2] = COLOUR
    return image
