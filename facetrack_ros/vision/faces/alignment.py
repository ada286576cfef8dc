"""Five-point alignment: turn, scale and shift a face onto the template its embedder was trained on."""

import functools
import math

import cv2
import numpy as np

#: Where right eye, left eye, nose tip, right and left mouth corner lie in a 112x112 ArcFace crop, pixels.
#: From Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition" (CVPR 2019) and its
#: published code; SphereFace's 96x112 template (Liu et al., CVPR 2017) moved right by 8 px.
ARCFACE_TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)
ARCFACE_SIZE = 112


def similarity_transform(points: np.ndarray, template: np.ndarray) -> np.ndarray | None:
    """The rotation, scale and shift that bring ``points`` closest to ``template`` in the least squares sense.

    Written in complex numbers, where such a map is ``a * z + b`` and the best ``a`` has a closed form.

    :param points: ``(n, 2)`` pixels; rows with NaN are left out.
    :param template: ``(n, 2)`` pixels.
    :return: ``(2, 3)`` float64 for ``cv2.warpAffine``, None where fewer than two distinct points are known.
    """
    known = np.isfinite(points).all(axis=1)
    if known.sum() < 2:
        return None
    source = points[known].astype(np.float64) @ (1.0, 1.0j)
    target = template[known].astype(np.float64) @ (1.0, 1.0j)
    centred = source - source.mean()
    spread = np.vdot(centred, centred).real
    if spread < 1e-6:
        return None
    a = np.vdot(centred, target - target.mean()) / spread
    b = target.mean() - a * source.mean()
    return np.array([[a.real, -a.imag, b.real], [a.imag, a.real, b.imag]])


@functools.cache
def template_for(size: tuple[int, int]) -> np.ndarray:
    """Where the five points lie in a crop of another size: scaled with its height, in the middle of its width.

    That is how SphereFace's 96x112 and ArcFace's 112x112 belong together.

    :param size: ``(width, height)`` in pixels.
    :return: ``(5, 2)`` float32 pixels.
    """
    width, height = size
    scale = height / ARCFACE_SIZE
    points = (ARCFACE_TEMPLATE * scale + ((width - ARCFACE_SIZE * scale) / 2, 0)).astype(np.float32)
    points.setflags(write=False)  # shared by all who ask
    return points


def align(
    image: np.ndarray, landmarks: np.ndarray, size: tuple[int, int] = (ARCFACE_SIZE, ARCFACE_SIZE)
) -> np.ndarray | None:
    """Cut the face out of the picture, upright, at the place and size of :data:`ARCFACE_TEMPLATE`.

    :param image: ``(height, width, 3)`` uint8.
    :param landmarks: ``(5, 2)`` pixels; mouth corners may be NaN.
    :param size: ``(width, height)`` of the crop, pixels.
    :return: ``(height, width, 3)`` uint8, black where the picture ends; None where the landmarks do not suffice.
    """
    matrix = similarity_transform(np.asarray(landmarks), template_for(size))
    if matrix is None:
        return None
    shrink = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if shrink < 0.5:
        # Bilinear sampling looks at four pixels only; averaging first keeps a large face from aliasing.
        left, top, right, bottom = _source_of(matrix, size, image.shape[1], image.shape[0])
        if right <= left or bottom <= top:
            return np.zeros((size[1], size[0], 3), np.uint8)
        image = image[top:bottom, left:right]
        ratio = np.ones(2)
        # Halves, which OpenCV averages many times as fast as other shares; what remains to shrink is at most half.
        while shrink * ratio.max() < 0.5:
            height, width = image.shape[:2]
            small = (max(1, width // 2), max(1, height // 2))
            even = image[: min(height, small[1] * 2), : min(width, small[0] * 2)]
            image = cv2.resize(even, small, interpolation=cv2.INTER_AREA)
            ratio *= (even.shape[1] / small[0], even.shape[0] / small[1])
            if max(small) == 1:
                break
        # Pixel centres: what lay at x in the small picture lay at ratio * (x + 0.5) - 0.5 in the large one.
        grow = np.array(
            [[ratio[0], 0, 0.5 * ratio[0] - 0.5 + left], [0, ratio[1], 0.5 * ratio[1] - 0.5 + top], [0, 0, 1]]
        )
        matrix = matrix @ grow
    return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR)


def _source_of(matrix: np.ndarray, size: tuple[int, int], width: int, height: int) -> tuple[int, int, int, int]:
    """The part of a ``width`` by ``height`` picture that a crop is made from, with two pixels of the crop around it:
    averaging a whole frame for one face takes longer than the embedder."""
    # In plain numbers: a dozen of small numpy calls would take longer than the crop.
    (a, _, x), (b, _, y) = matrix.tolist()
    square = a * a + b * b
    from_x, from_y = size[0] / 2 - x, size[1] / 2 - y
    middle_x, middle_y = (a * from_x + b * from_y) / square, (a * from_y - b * from_x) / square
    half_x = (abs(a) * (size[0] / 2 + 2) + abs(b) * (size[1] / 2 + 2)) / square
    half_y = (abs(b) * (size[0] / 2 + 2) + abs(a) * (size[1] / 2 + 2)) / square
    return (
        _within(math.floor(middle_x - half_x), width),
        _within(math.floor(middle_y - half_y), height),
        _within(math.ceil(middle_x + half_x), width),
        _within(math.ceil(middle_y + half_y), height),
    )


def _within(position: int, side: int) -> int:
    return min(max(position, 0), side)
