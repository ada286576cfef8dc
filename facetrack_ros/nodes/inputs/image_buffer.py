"""Images that wait for their analysis results."""

from collections import OrderedDict

from facetrack_ros.core.frame import Frame

# Images kept a camera: 3 s at 10 Hz, about 4 MB.
KEPT = 30


class ImageBuffer:
    """The newest images of each camera by stamp, encoded.

    :param cameras: camera ids.
    """

    def __init__(self, cameras: tuple[str, ...]):
        self._images: dict[str, OrderedDict[int, Frame]] = {camera: OrderedDict() for camera in cameras}

    def keep(self, frame: Frame) -> None:
        """Keep an image, in place of the oldest if there are :data:`KEPT`."""
        images = self._images[frame.camera_id]
        images[frame.stamp_ns] = frame
        while len(images) > KEPT:
            images.popitem(last=False)

    def take(self, camera_id: str, stamp_ns: int) -> Frame | None:
        """Remove and return the image of that stamp; None if it is not kept."""
        images = self._images.get(camera_id)
        return images.pop(stamp_ns, None) if images else None
