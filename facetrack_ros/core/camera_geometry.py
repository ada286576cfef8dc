"""Position of a person before a calibrated camera, from the box and an assumed height of the person."""

from dataclasses import dataclass

import cv2
import numpy as np

#: Standard deviation of each of a box's edges, as a share of its height; at least a pixel. The worse of YOLOX-nano and
#: NanoDet by benchmarks/box_height.py.
EDGE_SHARE = 0.025
#: A box this close to the image's border, as a share of its height or width, is taken to continue beyond; chosen by
#: hand.
CUT_SHARE = 0.01
#: Visible share of a person cut by the upper or lower border: mean and standard deviation of a uniform distribution
#: from 0.2 (a head) to 1.
CUT_MEAN, CUT_SD = 0.6, 0.231
#: Assumed height of a person and its standard deviation, metres: between the means of women and men in Europe, covering
#: both (NCD Risk Factor Collaboration, eLife 2016, gives means of 1.50 to 1.83 for all countries).
HEIGHT_M, HEIGHT_SD_M = 1.7, 0.1


@dataclass(frozen=True, eq=False)
class CameraModel:
    """Intrinsics of a camera, as in ``sensor_msgs/CameraInfo``.

    :param matrix: ``(3, 3)`` float64 ``k``: focal lengths and centre in pixels.
    :param distortion: ``(n,)`` float64 ``d``; empty: none.
    :param width: of the images it was calibrated with, pixels; ``height`` likewise.
    :param model: ``plumb_bob``, ``rational_polynomial`` or ``equidistant``.
    """

    matrix: np.ndarray
    distortion: np.ndarray
    width: int
    height: int
    model: str = "plumb_bob"

    @property
    def known(self) -> bool:
        """Whether the camera is calibrated; drivers of others send zeros."""
        focal = self.matrix[[0, 1], [0, 1]]
        return bool(np.isfinite(self.matrix).all() and (focal > 0).all() and self.width > 0 and self.height > 0)

    def rays(self, points: np.ndarray) -> np.ndarray:
        """``(n, 2)`` float64, right and down: where the rays of ``(n, 2)`` pixels meet the plane one metre ahead."""
        matrix, points = self.matrix.astype(np.float64), np.asarray(points, np.float64).reshape(-1, 1, 2)
        if self.model == "equidistant":
            found = cv2.fisheye.undistortPoints(points, matrix, np.append(self.distortion, np.zeros(4))[:4])
        else:
            found = cv2.undistortPoints(points, matrix, self.distortion if len(self.distortion) else None)
        return found.reshape(-1, 2)


@dataclass(frozen=True, eq=False)
class PersonPosition:
    """The middle of a person's body in the camera's optical frame: x right, y down, z ahead, metres.

    :param mean: ``(3,)`` float64.
    :param covariance: ``(3, 3)`` float64, square metres.
    :param cut: whether the image's border cuts the person, so that the distance is little more than a guess.
    """

    mean: np.ndarray
    covariance: np.ndarray
    cut: bool

    @property
    def distance_m(self) -> float:
        """Distance from the camera."""
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
    box: np.ndarray, camera: CameraModel, height_m: float = HEIGHT_M, height_sd_m: float = HEIGHT_SD_M
) -> PersonPosition | None:
    """Position of a person who stands upright before a roughly level camera.

    :param box: ``(4,)``, ``x1, y1, x2, y2`` in pixels.
    :param height_m: assumed height of the person, and ``height_sd_m`` its standard deviation.
    :return: None where the camera is not calibrated or the box is empty.
    """
    x1, y1, x2, y2 = (float(value) for value in box)
    if not camera.known or not np.isfinite((x1, y1, x2, y2)).all() or y2 <= y1 or x2 <= x1:
        return None
    margin = CUT_SHARE * camera.height
    cut_above, cut_below = y1 <= margin, y2 >= camera.height - margin
    cut_aside = x1 <= CUT_SHARE * camera.width or x2 >= camera.width * (1 - CUT_SHARE)
    x, y = (x1 + x2) / 2, (y1 + y2) / 2
    ends = np.array([(x, y1), (x, y2), (x1, y), (x2, y)])
    (right, top), (_, bottom), (left_edge, _), (right_edge, _) = camera.rays(ends)
    if not np.isfinite((right, top, bottom)).all() or bottom - top < 1e-6:
        return None
    cut = cut_above or cut_below
    edge = np.hypot(EDGE_SHARE, 1 / (y2 - y1))
    share, share_sd = (CUT_MEAN, CUT_SD) if cut else (1.0, edge * np.sqrt(2))
    depth = share * height_m / (bottom - top)
    depth_sd = depth * np.hypot(height_sd_m / height_m, share_sd / share)
    if cut_below and not cut_above:
        down = top * depth + height_m / 2  # measured from the visible head
    elif cut_above and not cut_below:
        down = bottom * depth - height_m / 2
    else:
        down = (top + bottom) / 2 * depth
    mean = np.array([right * depth, down, depth])
    # Across the line of sight: the error of the box, and of a cut person that of the body's middle.
    width = (right_edge - left_edge) * depth
    aside_sd = width / 2 if cut_aside else height_m * edge
    down_sd = height_m / 4 if cut else height_m * edge
    across = np.diag([aside_sd**2, down_sd**2, (0.1 * height_m) ** 2])
    # Along it: the error of the depth, longer off the optical axis.
    along = depth_sd * np.linalg.norm(mean) / depth
    sight = mean / np.linalg.norm(mean)
    flat = np.eye(3) - np.outer(sight, sight)
    covariance = flat @ across @ flat + along**2 * np.outer(sight, sight)
    return PersonPosition(mean, (covariance + covariance.T) / 2, cut)
