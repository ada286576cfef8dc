"""Letterboxing: images of any shape into the fixed input of a network, and boxes back to the image."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import cv2
import numpy as np

from facetrack_ros.models.contract import ModelContract

Key = TypeVar("Key")


@dataclass(frozen=True)
class Placement:
    """Place of an image in the input.

    :param scale: input pixels for each image pixel, along x and y; they differ by rounding only.
    :param corner: ``(x, y)`` of the image's top left corner in the input, pixels.
    """

    scale: tuple[float, float]
    corner: tuple[int, int] = (0, 0)

    def to_picture(self, boxes: np.ndarray) -> np.ndarray:
        """``(n, 4)`` boxes in input pixels as float32 boxes in image pixels."""
        return ((boxes - np.tile(self.corner, 2)) / np.tile(self.scale, 2)).astype(np.float32)


@dataclass(frozen=True)
class Letterbox:
    """Scales an image to fit the input, keeps its proportions and fills the rest with grey.

    :param size: ``(width, height)`` of the input, pixels.
    :param colour: channel order of the input, ``BGR`` or ``RGB``.
    :param mean: per channel in that order, in units of 0..255.
    :param std: likewise; input values are ``(pixel - mean) / std``.
    :param grey: value of the rest, 0..255.
    :param centred: whether the image lies in the middle; else in the top left corner.
    """

    size: tuple[int, int]
    colour: str = "BGR"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    grey: float = 114.0
    centred: bool = False

    @classmethod
    def of(cls, contract: ModelContract, grey: float = 114.0, centred: bool = False) -> "Letterbox":
        """The input that a contract describes."""
        return cls(contract.input_size, contract.colour, contract.mean, contract.std, grey, centred)

    def inner_size(self, width: int, height: int) -> tuple[int, int]:
        """``(width, height)`` of an image in the input, each at least 1 pixel."""
        scale = min(self.size[0] / width, self.size[1] / height)
        return (min(self.size[0], max(1, round(width * scale))), min(self.size[1], max(1, round(height * scale))))

    def reduction(self, width: int, height: int) -> int:
        """Factor by which an image may be decoded smaller and still fill the input: 1, 2, 4 or 8."""
        inner = self.inner_size(width, height)
        return next((factor for factor in (8, 4, 2) if width >= factor * inner[0] and height >= factor * inner[1]), 1)

    def shrunk(self, width: int, height: int, stride: int) -> "Letterbox":
        """The smallest input for an image, its sides multiples of ``stride``, for a network of dynamic input size.

        It depends on the image alone, so that the other images of a batch do not change a result.
        """
        inner_width, inner_height = (-(-side // stride) * stride for side in self.inner_size(width, height))
        return replace(self, size=(inner_width, inner_height))

    def blob(self, images: Sequence[np.ndarray]) -> tuple[np.ndarray, list[Placement]]:
        """Network input for BGR images.

        :param images: ``(height, width, 3)`` uint8 each, of any sizes.
        :return: ``(n, 3, height, width)`` float32, and the place of each image.
        """
        blob = np.empty((len(images), 3, self.size[1], self.size[0]), np.float32)
        return blob, [self._place(image, planes) for image, planes in zip(images, blob)]

    def _place(self, image: np.ndarray, planes: np.ndarray) -> Placement:
        height, width = image.shape[:2]
        inner = self.inner_size(width, height)
        small = image if inner == (width, height) else cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR)
        # The half pixel rounds down, as in the images that Ultralytics trains on.
        left, top = ((self.size[0] - inner[0]) // 2, (self.size[1] - inner[1]) // 2) if self.centred else (0, 0)
        rows, columns = slice(top, top + inner[1]), slice(left, left + inner[0])
        channels = cv2.split(small)  # a plane at a time: three times as fast as a transpose of the whole
        if self.colour == "RGB":
            channels = channels[::-1]
        for plane, channel, mean, std in zip(planes, channels, self.mean, self.std):
            grey = (self.grey - mean) / std
            plane[:top], plane[rows.stop :], plane[rows, :left], plane[rows, columns.stop :] = grey, grey, grey, grey
            inside = plane[rows, columns]
            if std == 1.0:
                inside[...] = channel
            else:
                np.divide(channel, np.float32(std), out=inside)
            if mean:
                inside -= np.float32(mean / std)
        return Placement((inner[0] / width, inner[1] / height), (left, top))


def group_equal(keys: Sequence[Key]) -> Iterator[tuple[Key, list[int]]]:
    """Each key once, with its rows: images of equal letterboxes or shapes go into the network in one call."""
    for key in dict.fromkeys(keys):
        yield key, [row for row, other in enumerate(keys) if other == key]
