"""Image messages to JPEG and pixels."""

from typing import Any

import numpy as np
from rclpy.impl.rcutils_logger import RcutilsLogger
from sensor_msgs.msg import CompressedImage, Image

from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.sources.compressed_images import CompressedImages
from facetrack_ros.sources.raw_image import bgr_of_raw, check_raw

# Encodings that cv_bridge converts to bgr8, and their bytes a pixel.
_BRIDGED = {
    **dict.fromkeys(("mono8", "bayer_rggb8", "bayer_bggr8", "bayer_gbrg8", "bayer_grbg8"), 1),
    **dict.fromkeys(("mono16", "bayer_rggb16", "bayer_bggr16", "bayer_gbrg16", "bayer_grbg16"), 2),
    **dict.fromkeys(("yuv422", "yuv422_yuy2"), 2),
    **{"bgr8": 3, "rgb8": 3, "bgra8": 4, "rgba8": 4, "bgr16": 6, "rgb16": 6, "bgra16": 8, "rgba16": 8},
}


class ImageDecoder:
    """Makes JPEG of image messages. Raw images are converted by ``cv_bridge`` if it is installed, else with the same
    result without it; video is decoded from its first key picture on.

    :param logger: of the node.
    """

    def __init__(self, logger: RcutilsLogger):
        self._logger = logger
        self._bridge: Any = None
        self._bridge_imported = False
        self._compressed: dict[str, CompressedImages] = {}

    def jpegs(
        self, camera_id: str, message: CompressedImage | Image, quality: int
    ) -> list[tuple[CompressedImage | Image, bytes]]:
        """The images that are complete with a message, each with the message it came in.

        JPEG and PNG are untouched; other images and pictures of video are encoded. A message with the parameters of a
        video alone gives none.

        :param quality: 1..100.
        :raises FrameError: no image, a part of one, or one whose sizes contradict each other.
        """
        if isinstance(message, Image):
            return [(message, encode_jpeg(self.picture(message), quality))]
        images = self._compressed.setdefault(camera_id, CompressedImages(live=True))
        found = images.decode(bytes(message.data), message.format, message)
        return [(of, jpeg or b"" if image is None else encode_jpeg(image, quality)) for of, jpeg, image in found]

    def lost(self, camera_id: str) -> dict[str, int]:
        """Number of video packets of a camera that gave no picture, each told once, by reason."""
        images = self._compressed.get(camera_id)
        return images.lost() if images is not None else {}

    def picture(self, message: Image) -> np.ndarray:
        """``(height, width, 3)`` uint8 BGR.

        :raises FrameError: as :func:`facetrack_ros.sources.raw_image.bgr_of_raw`.
        """
        # Checked before cv_bridge, which reports contradicting sizes in numpy's words or not at all.
        layout = (message.height, message.width, message.step, message.encoding)
        check_raw(len(message.data), *layout)
        bridge = self._cv_bridge()
        # cv_bridge splits rows by whole pixels, so other paddings would shift them.
        if bridge is not None and message.step % _BRIDGED.get(message.encoding, message.step + 1) == 0:
            try:
                return bridge.imgmsg_to_cv2(message, "bgr8")
            except Exception as error:
                self._disable_bridge(error)
        return bgr_of_raw(message.data, *layout, bool(message.is_bigendian))

    def _cv_bridge(self) -> Any:
        if not self._bridge_imported:
            self._bridge_imported = True
            try:
                from cv_bridge import CvBridge

                self._bridge = CvBridge()
            except ModuleNotFoundError as error:
                if error.name != "cv_bridge":
                    self._disable_bridge(error)
            except Exception as error:  # one built for numpy 1 fails with numpy 2 in several ways
                self._disable_bridge(error)
        return self._bridge

    def _disable_bridge(self, error: Exception) -> None:
        self._bridge = None
        self._logger.warning(
            f"cv_bridge is installed but unusable ({type(error).__name__}: {error}): raw images are "
            "converted without it, with the same result"
        )
