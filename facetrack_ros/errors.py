"""Errors raised on purpose. Each message is one sentence that says what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

_OF_THE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ENOTCONN, errno.ESTALE, errno.ENODEV)


class FacetrackError(Exception):
    """Base of all errors of this package."""


class ConfigError(FacetrackError):
    """A setting's name, type or value is not allowed."""


class SourceError(FacetrackError):
    """A camera, file, folder or bag cannot be opened or read."""


class AccessDeniedError(SourceError):
    """A camera does not accept user and password."""


class FrameError(FacetrackError):
    """An image cannot be decoded or encoded."""


class ModelError(FacetrackError):
    """A model is missing, damaged, of the wrong shape, or refused."""


class ReferenceFaceError(FacetrackError):
    """A reference image has no usable face, or it is not said which of several is meant."""


class SeveralFacesError(ReferenceFaceError):
    """A reference image has several faces, and it is not said which is meant; the message ends with where they are.

    :param boxes: ``x1, y1, x2, y2`` in pixels of the image turned upright, from left to right.
    :param degrees: clockwise, by which the image was turned.
    """

    def __init__(self, sentence: str, boxes: tuple[tuple[float, ...], ...], degrees: int = 0):
        listed = "; ".join(
            f"{number} at {x1:.0f},{y1:.0f} {x2 - x1:.0f}x{y2 - y1:.0f}"
            for number, (x1, y1, x2, y2) in enumerate(boxes, 1)
        )
        turned = f", turned by {degrees}°" if degrees else ""
        super().__init__(f"{sentence} [faces{turned}: {listed}]")


class StoreError(FacetrackError):
    """A history on disk cannot be opened, read or written."""


class DiskError(StoreError):
    """The disk takes nothing: it is full, read-only, failing or gone. What is stored stays readable where it can be."""


class DamagedStoreError(StoreError):
    """The file of a store is damaged."""


class RequestError(FacetrackError):
    """A request is contradictory, empty, out of range, or cannot be delivered."""


class BusyError(RequestError):
    """A request is refused because too many are under way; it may succeed later."""


class PartialError(FacetrackError):
    """There is no answer, as something that the request covers could not be searched; it is named."""


class InvalidInput(FacetrackError, ValueError):
    """A value from outside is refused: of a message, a request or a file.

    :ivar kind: a short word to count refusals by, such as ``id``, ``text`` or ``embedding``.
    """

    def __init__(self, sentence: str, kind: str = "value"):
        super().__init__(sentence)
        self.kind = kind


class EvaluationError(FacetrackError):
    """Labelled data is unusable for a measurement."""


@contextmanager
def store_errors(problem: str, advice: str = "") -> Iterator[None]:
    """Raise an ``OSError`` of the block as StoreError: the problem, the system's reason, and the advice.

    :raises StoreError: something is refused; :class:`DiskError` where it is the disk that takes nothing.
    """
    try:
        yield
    except OSError as error:
        sentence = f"{problem}: {error.strerror or error}"
        kind = DiskError if error.errno in _OF_THE_DISK else StoreError
        raise kind(f"{sentence}; {advice}" if advice else sentence) from error


def first_line(error: Exception) -> str:
    """First line of a library's error message that is not blank; the name of its class where it has none."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
