"""Choice of one of several faces in a picture: a numbered picture is written, and ``--face`` takes the number."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from facetrack_ros.errors import FacetrackError, RequestError


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
        from facetrack_ros.search.numbered_faces import without_list, write_numbered_faces

        sentence = str(error)
        about = [each for each in pictures if f"{each[0]}: " in sentence] or list(pictures[:1])
        for name, picture in about:
            target = Path(folder or tempfile.mkdtemp(prefix="facetrack-")) / f"{Path(name).stem}_faces.jpg"
            if write_numbered_faces(sentence, picture, target):
                raise RequestError(
                    f"{without_list(sentence)}; the faces are numbered in {target}: choose one with --face N"
                ) from error
        raise
