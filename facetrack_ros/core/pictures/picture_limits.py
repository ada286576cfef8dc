"""Limits of encoded pictures, by their purpose; checked by their headers before they are decoded."""

from dataclasses import dataclass

from facetrack_ros.errors import FrameError


@dataclass(frozen=True)
class PictureLimits:
    """What a picture of one purpose may be and cost.

    :param max_bytes: of the encoded picture.
    :param max_side: of its longer side, pixels.
    :param max_pixels: width times height.
    :param max_memory: bytes that the encoded picture and its decoding may take together.
    :param reduces: whether a picture that takes more may be decoded smaller, if its kind can be.
    """

    max_bytes: int
    max_side: int
    max_pixels: int
    max_memory: int
    reduces: bool = False

    def check_bytes(self, size: int) -> None:
        """
        :raises FrameError: the encoded picture is too large.
        """
        if size > self.max_bytes:
            most = f"at most {_amount(self.max_bytes)}B are read"
            raise FrameError(f"it has {_amount(size)}B, and {most}: make it smaller")


# Chosen by hand; memory by benchmarks/picture_memory.py.
#: Frames of cameras, films, bags, and those stored: 8K video; JPEG of 25 megapixels, as industrial cameras give.
FRAME = PictureLimits(64_000_000, 16_384, 36_000_000, 152_000_000)
#: References of searches and enrolment, and labelled pictures: photographs of phones. JPEG of up to 200 megapixels is
#: decoded smaller; faces are searched for in 1280 pixels anyway.
REFERENCE = PictureLimits(30_000_000, 32_768, 210_000_000, 100_000_000, reduces=True)
#: Thumbnails in answers of other robots and of stored histories, and aligned face crops: robots make them of 160 pixels
#: and 10 kB.
THUMBNAIL = PictureLimits(65_536, 512, 512 * 512, 8_000_000)


def _amount(number: int) -> str:
    return f"{number / 1e6:.0f} M" if number >= 1_000_000 else f"{number / 1e3:.0f} k"
