"""Search regions for the faces of persons, and faces matched to persons."""

import math

import numpy as np

from facetrack_ros.core.boxes import clip

#: Least width of a face, in heights or widths of its person; see :func:`smallest_faces`.
FACE_IN_PERSON = 0.07
#: The whole image is searched once where the regions cost more than this share of it. Chosen by hand.
WHOLE_IMAGE_COST = 0.8


def head_regions(persons: np.ndarray, width: int, height: int) -> np.ndarray:
    """Regions of ``(n, 4)`` person boxes that can contain their faces, in an image of ``width`` by ``height`` pixels.

    The upper half of a standing person, all of a bust, with a margin since detectors cut through hair.

    :return: ``(n, 4)`` float32 boxes within the image.
    """
    w, h = persons[:, 2] - persons[:, 0], persons[:, 3] - persons[:, 1]
    down = np.maximum(0.5 * h, np.minimum(h, w))
    margin = 0.15 * np.minimum(w, h)
    x1, y1, x2, _ = persons.T
    regions = np.stack([x1 - margin, y1 - margin, x2 + margin, y1 + down + margin], axis=1)
    return clip(regions, width, height).astype(np.float32)


def smallest_faces(persons: np.ndarray, least_px: float) -> np.ndarray:
    """The narrowest face that each of ``(n, 4)`` persons can have, pixels, at least ``least_px``.

    A face is at least a fourteenth as wide as its person is high or, where the person sits or is cut off, wide: in the
    clips and pictures of the data folder between 0.077 and 0.33 of the height and between 0.19 and 0.37 of the width.

    :return: ``(n,)``.
    """
    longest = np.maximum(persons[:, 2] - persons[:, 0], persons[:, 3] - persons[:, 1])
    return np.maximum(FACE_IN_PERSON * longest, least_px)


def merge_search_regions(
    regions: np.ndarray, smallest: np.ndarray, width: int, height: int
) -> tuple[np.ndarray, np.ndarray]:
    """Fewest boxes that cover all regions at no higher cost.

    A region costs its area at the scale that its smallest face needs. Two become one, with the smaller of their faces,
    where that costs no more than the two; all become the whole image where it costs hardly more.

    :param regions: ``(n, 4)`` boxes; ``smallest``: ``(n,)`` width of the smallest face in each, pixels.
    :return: ``(m, 4)`` int boxes and ``(m,)`` smallest faces.
    """
    # Python numbers: each step needs a single pair of boxes.
    boxes = [(math.floor(x1), math.floor(y1), math.ceil(x2), math.ceil(y2)) for x1, y1, x2, y2 in regions.tolist()]
    sizes = smallest.tolist()
    merged = True
    while merged:
        merged = False
        for i in range(len(boxes)):
            for j in range(len(boxes) - 1, i, -1):
                both = (*map(min, boxes[i][:2], boxes[j][:2]), *map(max, boxes[i][2:], boxes[j][2:]))
                size = min(sizes[i], sizes[j])
                if _cost(both, size) <= _cost(boxes[i], sizes[i]) + _cost(boxes[j], sizes[j]):
                    boxes[i], sizes[i] = both, size
                    del boxes[j], sizes[j]
                    merged = True
    whole = (0, 0, width, height)
    if boxes and sum(map(_cost, boxes, sizes)) > WHOLE_IMAGE_COST * _cost(whole, min(sizes)):
        boxes, sizes = [whole], [min(sizes)]
    return np.array(boxes, np.intp).reshape(-1, 4), np.array(sizes)


def _cost(box: tuple[int, ...], smallest: float) -> float:
    x1, y1, x2, y2 = box
    return max(x2 - x1, 0) * max(y2 - y1, 0) / smallest**2


def match_faces_to_persons(faces: np.ndarray, persons: np.ndarray) -> np.ndarray:
    """Match each face to at most one person and each person to at most one face, the best placed first.

    A face matches where a head is: near the top and the middle of the person's box.

    :param faces: ``(n, 4)``; ``persons``: ``(m, 4)``.
    :return: ``(n,)`` row of the person, -1 where the face matches none.
    """
    owner = np.full(len(faces), -1, np.intp)
    if not len(faces) or not len(persons):
        return owner
    w, h = persons[:, 2] - persons[:, 0], persons[:, 3] - persons[:, 1]
    x = (faces[:, None, 0] + faces[:, None, 2]) / 2
    y = (faces[:, None, 1] + faces[:, None, 3]) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        sideways = np.abs(x - (persons[:, 0] + persons[:, 2]) / 2) / w
        down = (y - persons[:, 1]) / np.maximum(0.5 * h, np.minimum(h, w))
        # A face as wide as the person's box belongs to another person, nearer to the camera.
        fits = (sideways < 0.55) & (down > -0.1) & (down < 1.0) & (faces[:, None, 2] - faces[:, None, 0] < 1.1 * w)
        cost = np.where(fits, sideways + np.abs(down - 0.3), np.inf)
    for flat in np.argsort(cost, axis=None, kind="stable"):
        face, person = np.unravel_index(flat, cost.shape)
        if not np.isfinite(cost[face, person]):
            break
        if owner[face] < 0 and person not in owner:
            owner[face] = person
    return owner
