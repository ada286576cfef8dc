"""Where somebody stands before a camera, from the box alone: a bearing, a distance, and how far off they may be.

The distance rests on an assumed height. A box says how large the person looks; how large the person is, it does not.
"""

from dataclasses import dataclass

import cv2
import numpy as np

#: How far a detector's edge lies from where the person ends, as a share of the box's height; two edges make a height.
#: Measured by benchmarks/box_height.py on YOLOX-nano and NanoDet, the worse of the two; and no edge is known better than a pixel.
EDGE_SHARE = 0.025
#: A box that comes so near to the picture's edge goes on beyond it, for all anybody can tell; share of the picture's height.
CUT_SHARE = 0.01
#: Of somebody whose feet are out of the picture, between a head (about a fifth) and nearly all may be seen. As if every
#: share were equally likely: mean and standard deviation of an even spread from 0.2 to 1.
CUT_MEAN, CUT_SD = 0.6, 0.231
#: Height of a person where nobody says otherwise, metres: between the means of women and men in Europe, and a spread that
#: covers both (NCD Risk Factor Collaboration, eLife 2016, gives 1.50 to 1.83 for the means of all countries).
HEIGHT_M, HEIGHT_SD_M = 1.7, 0.1


@dataclass(frozen=True, eq=False)
class CameraModel:
    """What ``sensor_msgs/CameraInfo`` says of a camera.

    :param matrix: ``(3, 3)`` float64, focal lengths and centre in pixels (``k``).
    :param distortion: ``(n,)`` float64 (``d``); empty: none.
    :param width: of the picture it was measured with, pixels.
    :param model: ``plumb_bob``, ``rational_polynomial`` or ``equidistant``.
    """

    matrix: np.ndarray
    distortion: np.ndarray
    width: int
    height: int
    model: str = "plumb_bob"

    @property
    def known(self) -> bool:
        """Whether it was calibrated: drivers send zeros where it was not."""
        focal = self.matrix[[0, 1], [0, 1]]
        return bool(np.isfinite(self.matrix).all() and (focal > 0).all() and self.width > 0 and self.height > 0)

    def rays(self, points: np.ndarray) -> np.ndarray:
        """Where pixels ``(n, 2)`` lie in the plane one metre ahead, ``(n, 2)`` float64: right and down."""
        matrix, points = self.matrix.astype(np.float64), np.asarray(points, np.float64).reshape(-1, 1, 2)
        if self.model == "equidistant":
            found = cv2.fisheye.undistortPoints(points, matrix, np.append(self.distortion, np.zeros(4))[:4])
        else:
            found = cv2.undistortPoints(points, matrix, self.distortion if len(self.distortion) else None)
        return found.reshape(-1, 2)


@dataclass(frozen=True, eq=False)
class PersonPosition:
    """The middle of somebody's body in the camera's optical frame: x right, y down, z ahead, metres.

    :param mean: ``(3,)`` float64.
    :param covariance: ``(3, 3)`` float64, square metres.
    :param cut: whether the picture's edge cuts the person, so that the distance is little more than a guess.
    """

    mean: np.ndarray
    covariance: np.ndarray
    cut: bool

    @property
    def distance_m(self) -> float:
        """From the camera."""
        return float(np.linalg.norm(self.mean))

    @property
    def distance_sd_m(self) -> float:
        """Standard deviation of the distance, along the line of sight."""
        sight = self.mean / np.linalg.norm(self.mean)
        return float(np.sqrt(sight @ self.covariance @ sight))

    @property
    def bearing(self) -> tuple[float, float]:
        """Radians to the right of and below the optical axis."""
        x, y, z = self.mean
        return float(np.arctan2(x, z)), float(np.arctan2(y, np.hypot(x, z)))


def locate_person(
    box: np.ndarray, lens: CameraModel, height_m: float = HEIGHT_M, height_sd_m: float = HEIGHT_SD_M
) -> PersonPosition | None:
    """Where a person stands who is so tall and fills this box, upright before a camera that looks about level.

    :param box: ``(4,)``, ``x1, y1, x2, y2`` in pixels.
    :param height_m: how tall people are taken to be, and ``height_sd_m`` how much they differ.
    :return: None where the lens is not calibrated or the box is empty.
    """
    x1, y1, x2, y2 = (float(value) for value in box)
    if not lens.known or not np.isfinite((x1, y1, x2, y2)).all() or y2 <= y1 or x2 <= x1:
        return None
    margin = CUT_SHARE * lens.height
    cut_above, cut_below = y1 <= margin, y2 >= lens.height - margin
    cut_aside = x1 <= CUT_SHARE * lens.width or x2 >= lens.width * (1 - CUT_SHARE)
    middle = (x1 + x2) / 2
    (right, top), (_, bottom), (left_edge, _), (right_edge, _) = lens.rays(
        [(middle, y1), (middle, y2), (x1, (y1 + y2) / 2), (x2, (y1 + y2) / 2)]
    )
    if not np.isfinite((right, top, bottom)).all() or bottom - top < 1e-6:
        return None
    cut = cut_above or cut_below
    edge = np.hypot(EDGE_SHARE, 1 / (y2 - y1))
    share, share_sd = (CUT_MEAN, CUT_SD) if cut else (1.0, edge * np.sqrt(2))
    depth = share * height_m / (bottom - top)
    depth_sd = depth * np.hypot(height_sd_m / height_m, share_sd / share)
    if cut_below and not cut_above:
        down = top * depth + height_m / 2  # the head is seen; the rest hangs from it
    elif cut_above and not cut_below:
        down = bottom * depth - height_m / 2
    else:
        down = (top + bottom) / 2 * depth
    mean = np.array([right * depth, down, depth])
    # Off the line of sight: as far as the box may be off, and, cut, as far as where the body's middle is unknown.
    width = (right_edge - left_edge) * depth
    aside_sd = width / 2 if cut_aside else height_m * edge
    down_sd = height_m / 4 if cut else height_m * edge
    sight = mean / np.linalg.norm(mean)
    # The error of the depth shifts the person along the line of sight, stretched by how far that is from straight ahead.
    along = depth_sd * np.linalg.norm(mean) / depth
    across = np.diag([aside_sd**2, down_sd**2, (0.1 * height_m) ** 2])
    flat = np.eye(3) - np.outer(sight, sight)
    covariance = flat @ across @ flat + along**2 * np.outer(sight, sight)
    return PersonPosition(mean, (covariance + covariance.T) / 2, cut)
