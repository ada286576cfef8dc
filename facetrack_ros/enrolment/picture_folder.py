"""Pictures of a gallery folder and the persons they show."""

from dataclasses import dataclass
from pathlib import Path

from facetrack_ros.core.pictures.decoding import PICTURE_SUFFIXES
from facetrack_ros.errors import ConfigError

#: A file of this name in a person's sub-folder: robots warn when they see this person.
WATCH = ".watch"


@dataclass(frozen=True)
class FolderPicture:
    """A picture of a person.

    :param name: of the person.
    :param watch: whether robots warn when they see the person.
    """

    name: str
    path: Path
    watch: bool = False


def enrolment_pictures(folder: Path) -> tuple[list[FolderPicture], list[str]]:
    """The pictures of a gallery folder, in order: a sub-folder for each person, or a file named after the person.

    :return: the pictures, and a sentence for each file that is none. Hidden files are ignored.
    :raises ConfigError: the folder is missing or cannot be read.
    """
    pictures, others = [], []
    try:
        for path in _visible(folder):
            if path.is_dir():
                inside = _visible(path)
                found = [each for each in inside if _is_picture(each)]
                pictures += [FolderPicture(path.name, each, (path / WATCH).exists()) for each in found]
                others += [f"{path.name}/{each.name} is no picture" for each in inside if each not in found]
                if not inside:
                    others.append(f"{path.name} is an empty folder")
            elif _is_picture(path):
                pictures.append(FolderPicture(path.stem, path))
            else:
                others.append(f"{path.name} is no picture")
    except OSError as error:
        raise ConfigError(f"cannot read the gallery folder {folder}: {error.strerror}") from error
    return pictures, others


def removed_pictures(known: set[str], found: set[str]) -> set[str]:
    """Which of the enrolled pictures were removed from the folder.

    :raises ConfigError: the folder is empty. It looks the same where its disk is missing, and deletion reaches all
        robots.
    """
    if known and not found:
        raise ConfigError(
            f"the gallery folder is empty, and {len(known)} pictures were enrolled from it: nobody is deleted "
            f"for that; to delete people use facetrack enroll --remove NAME"
        )
    return known - found


def _visible(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _is_picture(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in PICTURE_SUFFIXES
