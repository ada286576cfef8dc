"""Picture with its faces numbered, for choosing one of several by ``--face``."""

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.errors import FacetrackError, ReferenceFaceError, RequestError
from facetrack_ros.search.reference_image import decode_reference
from facetrack_ros.vision.faces.upright import turned

_LISTED = re.compile(r"\[faces(?:, turned by (?P<degrees>\d+)°)?: (?P<faces>[^\]]*)\]")
_FACE = re.compile(r"\d+ at (-?\d+),(-?\d+) (\d+)x(\d+)")
#: Longest side of the picture written, pixels.
LONGEST_PX = 1600
COLOUR = (0, 255, 255)


@contextmanager
def numbered_faces(pictures: Sequence[tuple[str, bytes]], folder: str | None = None) -> Iterator[None]:
    """Where the work within refuses a picture of several faces, write it with their numbers and say where it is.

    :param pictures: name and bytes of each that may be refused; a sentence about one of several begins with its name.
    :param folder: where the numbered picture is written; None: a temporary folder.
    :raises RequestError: in place of the error, with the file's name.
    """
    try:
        yield
    except FacetrackError as error:
        sentence = str(error)
        about = [each for each in pictures if f"{each[0]}: " in sentence] or list(pictures[:1])
        for name, picture in about:
            target = Path(folder or tempfile.mkdtemp(prefix="facetrack-")) / f"{Path(name).stem}_faces.jpg"
            if write_numbered_faces(sentence, picture, target):
                raise RequestError(
                    f"{without_list(sentence)}; the faces are numbered in {target}: choose one with --face N"
                ) from error
        raise


def listed_faces(sentence: str) -> tuple[list[tuple[int, int, int, int]], int] | None:
    """Boxes ``x, y, width, height`` and the degrees of a :class:`.SeveralFacesError` sentence; None: another sentence.

    The sentence may come from a robot.
    """
    found = _LISTED.search(sentence)
    if found is None:
        return None
    boxes = [(int(x), int(y), int(width), int(height)) for x, y, width, height in _FACE.findall(found["faces"])]
    return boxes, int(found["degrees"] or 0)


def without_list(sentence: str) -> str:
    """The sentence without the list of its faces."""
    return _LISTED.sub("", sentence).rstrip()


def write_numbered_faces(sentence: str, picture: bytes, path: Path) -> bool:
    """Draw the numbers of the faces that a sentence lists into their picture and write it.

    :param path: ``.jpg`` or ``.png``; its folder is made where it is missing.
    :return: whether the picture was written: the sentence lists faces, and the picture was turned by quarters.
    """
    listed = listed_faces(sentence)
    if listed is None or listed[1] % 90:
        return False
    boxes, degrees = listed
    try:
        image = turned(decode_reference(picture), degrees)
    except ReferenceFaceError:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    return bool(cv2.imwrite(str(path), draw_numbers(image, boxes)))


def draw_numbers(image: np.ndarray, boxes: list[tuple[int, int, int, int]]) -> np.ndarray:
    """The image, at most :data:`LONGEST_PX` large, with boxes and their numbers from 1 on."""
    scale = min(1.0, LONGEST_PX / max(image.shape[:2]))
    shown = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image.copy()
    line = max(2, round(max(shown.shape[:2]) / 300))
    for number, box in enumerate(boxes, 1):
        x, y, width, height = (round(value * scale) for value in box)
        cv2.rectangle(shown, (x, y), (x + width, y + height), COLOUR, line)
        size = max(0.6, line / 3)
        (across, up), _ = cv2.getTextSize(str(number), cv2.FONT_HERSHEY_SIMPLEX, size, line)
        left, base = max(x, 0), max(y - line, up + 2 * line)
        cv2.rectangle(shown, (left, base - up - line), (left + across + line, base + line), (0, 0, 0), -1)
        cv2.putText(shown, str(number), (left, base), cv2.FONT_HERSHEY_SIMPLEX, size, COLOUR, line, cv2.LINE_AA)
    return shown
