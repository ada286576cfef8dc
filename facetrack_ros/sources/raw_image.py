"""Conversion of raw image messages of any encoding to BGR."""

import cv2
import numpy as np

from facetrack_ros.core.pictures.picture_limits import FRAME
from facetrack_ros.errors import FrameError

_SAME, _RGB, _BGRA, _RGBA, _GREY = (None, cv2.COLOR_RGB2BGR, cv2.COLOR_BGRA2BGR, cv2.COLOR_RGBA2BGR, cv2.COLOR_GRAY2BGR)
# OpenCV names a mosaic by the second and third pixel of the second row, ROS by the first two of the first two rows.
_BAYER = {
    "rggb": cv2.COLOR_BayerBG2BGR,
    "bggr": cv2.COLOR_BayerRG2BGR,
    "gbrg": cv2.COLOR_BayerGR2BGR,
    "grbg": cv2.COLOR_BayerGB2BGR,
}

# Samples a pixel, bytes a sample, conversion to BGR. Names as in sensor_msgs/image_encodings.hpp.
_PIXELS: dict[str, tuple[int, int, int | None]] = {
    "bgr8": (3, 1, _SAME),
    "rgb8": (3, 1, _RGB),
    "bgra8": (4, 1, _BGRA),
    "rgba8": (4, 1, _RGBA),
    "mono8": (1, 1, _GREY),
    "bgr16": (3, 2, _SAME),
    "rgb16": (3, 2, _RGB),
    "bgra16": (4, 2, _BGRA),
    "rgba16": (4, 2, _RGBA),
    "mono16": (1, 2, _GREY),
    "8UC1": (1, 1, _GREY),
    "8UC3": (3, 1, _SAME),
    "8UC4": (4, 1, _BGRA),
    **{f"bayer_{order}8": (1, 1, code) for order, code in _BAYER.items()},
    **{f"bayer_{order}16": (1, 2, code) for order, code in _BAYER.items()},
    # Two pixels share their colour, so the width is even.
    **dict.fromkeys(("yuv422", "uyvy"), (2, 1, cv2.COLOR_YUV2BGR_UYVY)),
    **dict.fromkeys(("yuv422_yuy2", "yuyv"), (2, 1, cv2.COLOR_YUV2BGR_YUY2)),
}
# Planes: brightness in full, then colour rows of half the height.
_PLANES = {"nv12": cv2.COLOR_YUV2BGR_NV12, "nv21": cv2.COLOR_YUV2BGR_NV21}
# Depth and other measurements, not pictures.
_MEASUREMENTS = ("16UC", "16SC", "32FC", "32SC", "64FC")

ENCODINGS = (*_PIXELS, *_PLANES)


def bgr_of_raw(
    data: bytes | np.ndarray, height: int, width: int, step: int, encoding: str, big_endian: bool = False
) -> np.ndarray:
    """The image as ``cv_bridge`` converts it to ``bgr8``: ``(height, width, 3)`` uint8. It may share memory with
    ``data``.

    16-bit samples are scaled by 255/65535 and rounded.

    :param data: rows of ``step`` bytes, which may end in padding; further bytes are ignored.
    :param encoding: one of :data:`ENCODINGS`.
    :param big_endian: whether the high byte of a 16-bit sample comes first.
    :raises FrameError: the encoding is unknown, or the sizes contradict each other.
    """
    data = np.frombuffer(data, np.uint8)
    rows = check_raw(data.size, height, width, step, encoding)
    data = data[: rows * step].reshape(rows, step)
    if encoding in _PLANES:
        return cv2.cvtColor(np.ascontiguousarray(data[:, :width]), _PLANES[encoding])
    samples, size, code = _PIXELS[encoding]
    return _picture(np.ascontiguousarray(data[:, : width * samples * size]), samples, size, code, big_endian)


def check_raw(data_bytes: int, height: int, width: int, step: int, encoding: str) -> int:
    """Check the sizes of an image and return the number of its rows of ``step`` bytes.

    :raises FrameError: as :func:`bgr_of_raw`.
    """
    if height < 1 or width < 1:
        raise FrameError(f"an image of {width}x{height} pixels came: check the driver")
    if height * width > FRAME.max_pixels:
        allowed = f"at most {FRAME.max_pixels / 1e6:.3g} megapixels are read: let the driver publish smaller ones"
        raise FrameError(f"an image of {width}x{height} pixels came, and {allowed}")
    if encoding in _PLANES:
        samples, size, rows, paired = 1, 1, height * 3 // 2, height % 2 == width % 2 == 0
    elif encoding in _PIXELS:
        samples, size, _ = _PIXELS[encoding]
        rows, paired = height, samples != 2 or width % 2 == 0
    elif encoding.startswith(_MEASUREMENTS):
        advice = "give the topic of the camera's colour or grey images"
        raise FrameError(f"images of {encoding} are measurements, no pictures: {advice}")
    else:
        advice = f"let the driver publish one of {', '.join(ENCODINGS)}, or JPEG as sensor_msgs/CompressedImage"
        raise FrameError(f"images of encoding {encoding!r} cannot be read: {advice}")
    image, row_bytes = f"an image of {width}x{height} {encoding}", width * samples * size
    if not paired:
        problem = f"{image} came, whose pixels share their colour in pairs"
        raise FrameError(f"{problem}: let the driver publish even sizes")
    if step < row_bytes:
        raise FrameError(f"{image} needs rows of {row_bytes} bytes, but says {step}: check the driver")
    if data_bytes == 0:
        raise FrameError("an image came without data: check the driver")
    if data_bytes < rows * step:
        needed = f"{image} with rows of {step} bytes needs {rows * step} bytes"
        raise FrameError(f"{needed}, but {data_bytes} came: check the driver")
    return rows


def _picture(rows: np.ndarray, samples: int, size: int, code: int | None, big_endian: bool) -> np.ndarray:
    if size == 2:
        rows = rows.view(">u2" if big_endian else "<u2").astype(np.uint16, copy=False)
    if samples > 1:
        rows = rows.reshape(len(rows), -1, samples)
    picture = rows if code is None else cv2.cvtColor(rows, code)
    # Colour first, then depth, rounded by cvRound: the order and rounding of cv_bridge.
    return cv2.convertScaleAbs(picture, alpha=255 / 65535) if size == 2 else picture
