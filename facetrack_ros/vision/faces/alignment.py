"""Five-point alignment: rotate, scale and shift a face onto the template that its embedder was trained on."""

import functools
import math

import cv2
import numpy as np

#: Right eye, left eye, nose tip, right and left mouth corner in a 112x112 ArcFace crop, pixels. From Deng et al.,
#: "ArcFace: Additive Angular Margin Loss for Deep Face Recognition" (CVPR 2019) and its published code; it is
#: SphereFace's 96x112 template (Liu et al., CVPR 2017) shifted right by 8 px.
ARCFACE_TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], np.float32
)
ARCFACE_SIZE = 112


def similarity_transform(points: np.ndarray, template: np.ndarray) -> np.ndarray | None:
    """The rotation, scale and shift that bring ``points`` closest to ``template`` in the least squares sense.

    In complex numbers such a map is ``a * z + b``, and the best ``a`` has a closed form.

    :param points: ``(n, 2)`` pixels; rows with NaN are left out.
    :param template: ``(n, 2)`` pixels.
    :return: ``(2, 3)`` float64 for ``cv2.warpAffine``; None where fewer than two distinct points are known.
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
    """:data:`ARCFACE_TEMPLATE` for another crop size: scaled with its height, centred in its width.

    SphereFace's 96x112 and ArcFace's 112x112 templates are related in this way.

    :param size: ``(width, height)`` in pixels.
    :return: ``(5, 2)`` float32 pixels, read-only.
    """
    width, height = size
    scale = height / ARCFACE_SIZE
    points = (ARCFACE_TEMPLATE * scale + ((width - ARCFACE_SIZE * scale) / 2, 0)).astype(np.float32)
    points.setflags(write=False)  # the cached array is shared
    return points


def align(
    image: np.ndarray,
    landmarks: np.ndarray,
    size: tuple[int, int] = (ARCFACE_SIZE, ARCFACE_SIZE),
    template: np.ndarray | None = None,
) -> np.ndarray | None:
    """Cut a face out of an image, upright, at the place and size of a template.

    :param image: ``(height, width, 3)`` uint8.
    :param landmarks: ``(5, 2)`` pixels; mouth corners may be NaN.
    :param size: ``(width, height)`` of the crop, pixels.
    :param template: ``(5, 2)`` pixels of the crop where the landmarks shall lie; None: :func:`template_for` that size.
    :return: ``(height, width, 3)`` uint8, black beyond the image; None where the landmarks do not suffice.
    """
    matrix = similarity_transform(np.asarray(landmarks), template_for(size) if template is None else template)
    if matrix is None:
        return None
    shrink = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if shrink < 0.5:
        # Bilinear sampling reads four pixels only; averaging first keeps a large face from aliasing. The whole frame
        # is not averaged: that would take longer than the embedder.
        left, top, right, bottom = _source_region(matrix, size, image.shape[1], image.shape[0])
        if right <= left or bottom <= top:
            return np.zeros((size[1], size[0], 3), np.uint8)
        image = image[top:bottom, left:right]
        ratio = np.ones(2)
        # OpenCV averages by two many times as fast as by other factors; what remains is at most a factor of two.
        while shrink * ratio.max() < 0.5:
            height, width = image.shape[:2]
            half = (max(1, width // 2), max(1, height // 2))
            even = image[: min(height, half[1] * 2), : min(width, half[0] * 2)]
            image = cv2.resize(even, half, interpolation=cv2.INTER_AREA)
            ratio *= (even.shape[1] / half[0], even.shape[0] / half[1])
            if max(half) == 1:
                break
        # Pixel centres: x in the small image is ratio * (x + 0.5) - 0.5 in the large one.
        shift = 0.5 * ratio - 0.5 + (left, top)
        matrix = matrix @ np.array([[ratio[0], 0, shift[0]], [0, ratio[1], shift[1]], [0, 0, 1]])
    return cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR)


def _source_region(matrix: np.ndarray, size: tuple[int, int], width: int, height: int) -> tuple[int, int, int, int]:
    """Box of the part of an image that a crop reads, plus two pixels of the crop on each side, within the image."""
    # Python floats: a dozen numpy calls on such small arrays would take longer than the crop.
    (a, _, x), (b, _, y) = matrix.tolist()
    square = a * a + b * b
    from_x, from_y = size[0] / 2 - x, size[1] / 2 - y
    middle_x, middle_y = (a * from_x + b * from_y) / square, (a * from_y - b * from_x) / square
    half_x = (abs(a) * (size[0] / 2 + 2) + abs(b) * (size[1] / 2 + 2)) / square
    half_y = (abs(b) * (size[0] / 2 + 2) + abs(a) * (size[1] / 2 + 2)) / square
    left, right = (min(max(x, 0), width) for x in (math.floor(middle_x - half_x), math.ceil(middle_x + half_x)))
    top, bottom = (min(max(y, 0), height) for y in (math.floor(middle_y - half_y), math.ceil(middle_y + half_y)))
    return left, top, right, bottom
