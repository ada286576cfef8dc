"""Images that wait for what is found in them."""

from collections import OrderedDict

from facetrack_ros.core.frame import Frame

# 3 s at 10 Hz, about 4 MB a camera.
KEPT = 30


class WaitingImages:
    """The newest images of each camera, by stamp, still encoded.

    :param cameras: their ids.
    """

    def __init__(self, cameras: tuple[str, ...]):
        self._images: dict[str, OrderedDict[int, Frame]] = {camera: OrderedDict() for camera in cameras}

    def keep(self, frame: Frame) -> None:
        """Keep an image; the oldest makes room."""
        images = self._images[frame.camera_id]
        images[frame.stamp_ns] = frame
        while len(images) > KEPT:
            images.popitem(last=False)

    def take(self, camera_id: str, stamp_ns: int) -> Frame | None:
        """The image of that very stamp, once; None where it never came or is gone."""
        return self._images.get(camera_id, {}).pop(stamp_ns, None)
