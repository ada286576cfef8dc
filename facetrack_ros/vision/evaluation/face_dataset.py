"""Labelled face pictures in folders, one a person."""

from pathlib import Path

from facetrack_ros.errors import EvaluationError

#: File name endings of pictures.
PICTURES = frozenset((".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"))


def labelled_pictures(folder: Path) -> list[tuple[str, Path]]:
    """Person and file of each picture, sorted by person, then by name.

    :param folder: contains a folder a person, named after the person, with that person's pictures. What
        :func:`ignored_files` lists is left out.
    :raises EvaluationError: no such folder, another layout, or too few people or pictures to compare.
    """
    people = {path.name: [file for file in _entries(path) if _is_picture(file)] for path in _people(folder)}
    people = {name: pictures for name, pictures in people.items() if pictures}
    layout = "lay the pictures out as one folder a person, each with two or more pictures of that person"
    if not people:
        raise EvaluationError(f"{folder} has no folders with pictures in them: {layout}")
    if len(people) < 2:
        raise EvaluationError(f"{folder} has pictures of one person only, {next(iter(people))}: {layout}")
    if all(len(pictures) < 2 for pictures in people.values()):
        raise EvaluationError(f"{folder} has no person with two pictures: {layout}")
    return [(name, picture) for name, pictures in sorted(people.items()) for picture in pictures]


def ignored_files(folder: Path) -> list[Path]:
    """Entries that :func:`labelled_pictures` leaves out: files beside the people's folders, hidden ones, non-pictures.

    :raises EvaluationError: no such folder.
    """
    people = _people(folder)
    return [
        *(path for path in _entries(folder) if path not in people),
        *(file for person in people for file in _entries(person) if not _is_picture(file)),
    ]


def _people(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if path.is_dir() and not path.name.startswith(".")]


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURES and not path.name.startswith(".") and path.is_file()


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise EvaluationError(f"{folder} cannot be read as a folder: {error.strerror or error}") from error
