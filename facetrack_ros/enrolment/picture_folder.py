"""Pictures for the gallery: which file is whom."""

from dataclasses import dataclass
from pathlib import Path

from facetrack_ros.errors import ConfigError

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".pgm")


#: A file of this name in a person's sub-folder: robots warn when they see this person.
WATCH = ".watch"


@dataclass(frozen=True)
class EnrolmentPicture:
    """A picture of a person, by the name it stands under in the folder.

    :param watch: whether robots warn when they see the person.
    """

    name: str
    path: Path
    watch: bool = False


def enrolment_pictures(folder: Path) -> tuple[list[EnrolmentPicture], list[str]]:
    """The pictures of a gallery folder, in order: a sub-folder a person, or a file a person named after them.

    :return: the pictures, and a sentence for each thing that is none. Hidden files are passed over.
    :raises ConfigError: there is no such folder, or it cannot be read.
    """
    try:
        return _pictures(folder)
    except OSError as error:
        raise ConfigError(f"cannot read the gallery folder {folder}: {error.strerror}") from error


def removed_pictures(known: set[str], found: set[str]) -> set[str]:
    """Which of the pictures enrolled before were taken out of the folder, so that their entries go too.

    :raises ConfigError: the folder is empty: so is one whose disk was unplugged, and what is deleted is deleted on every
        robot.
    """
    if known and not found:
        raise ConfigError(
            f"the gallery folder is empty, and {len(known)} pictures were enrolled from it: nobody is deleted "
            f"for that; to delete people use facetrack enroll --remove NAME"
        )
    return known - found


def _pictures(folder: Path) -> tuple[list[EnrolmentPicture], list[str]]:
    pictures, junk = [], []
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            inside = sorted(each for each in path.iterdir() if not each.name.startswith("."))
            found = [each for each in inside if each.is_file() and each.suffix.lower() in SUFFIXES]
            pictures += [EnrolmentPicture(path.name, each, (path / WATCH).exists()) for each in found]
            junk += [f"{path.name}/{each.name} is no picture" for each in inside if each not in found]
            if not inside:
                junk.append(f"{path.name} is an empty folder")
        elif path.is_file() and path.suffix.lower() in SUFFIXES:
            pictures.append(EnrolmentPicture(path.stem, path))
        else:
            junk.append(f"{path.name} is no picture")
    return pictures, junk
