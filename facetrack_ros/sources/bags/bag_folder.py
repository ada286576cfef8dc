"""The storage files of a recording, by its metadata and by what is there."""

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from facetrack_ros.bounded_file import open_regular, read_bounded_text
from facetrack_ros.errors import SourceError
from facetrack_ros.plain_yaml import load_yaml
from facetrack_ros.sources.bags import mcap_file, sqlite_file

METADATA = "metadata.yaml"
# Of a recording of ten thousand parts.
_MOST_METADATA_BYTES = 4_000_000
_ZSTD = b"\x28\xb5\x2f\xfd"
_ROS1 = b"#ROSBAG"
_ENDINGS = (".mcap", ".db3", ".mcap.zstd", ".db3.zstd")


@dataclass(frozen=True)
class BagFolder:
    """What belongs to a recording.

    :param files: its storage files, in the order they were written.
    :param missing: names of files that its metadata names and that are gone.
    :param counts: number of messages by topic, as its metadata counts them; empty without metadata.
    :param notes: sentences on what is odd about it.
    """

    files: tuple[Path, ...]
    missing: tuple[str, ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def bag_folder(path: Path) -> BagFolder:
    """The recording of a folder, or of one storage file.

    :raises SourceError: there is none, or it is of a kind that cannot be read.
    """
    try:
        if path.is_file():
            return BagFolder((path,))
        if not path.exists():
            raise SourceError(f"{path} does not exist: check the path of the bag")
        there = _storage_files(path)
        if not (path / METADATA).exists():
            if not there:
                advice = f"give the folder that holds {METADATA}, or an .mcap or .db3 file"
                raise SourceError(f"{path} is no bag: {advice}")
            return BagFolder(there)
        return _with_metadata(path, there)
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror or error}): check its permissions") from error


def storage_kind(path: Path) -> str:
    """``mcap``, ``sqlite3`` or ``zstd``, by the first bytes of a file.

    :raises SourceError: it is none of them; the message says what it is, and how to convert it.
    :raises OSError: it cannot be read.
    """
    with open_regular(path) as file:
        head = file.read(16)
    if head.startswith(mcap_file.MAGIC):
        return "mcap"
    if head.startswith(sqlite_file.MAGIC):
        return "sqlite3"
    if head.startswith(_ZSTD):
        return "zstd"
    if head.startswith(_ROS1):
        convert = f"`rosbags-convert --src {path} --dst NEW_FOLDER` makes one of ROS 2"
        raise SourceError(f"{path} is a bag of ROS 1: {convert}")
    if not head.strip(b"\0"):
        problem = "is empty" if not head else "holds nothing but zeros"
        raise SourceError(f"{path} {problem}, as a file is whose writer lost power: record it again")
    raise SourceError(f"{path} is neither an MCAP nor an SQLite recording: check what it is")


def _storage_files(folder: Path) -> tuple[Path, ...]:
    files = (path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return tuple(sorted((path for path in files if path.name.lower().endswith(_ENDINGS)), key=_split_number))


def _split_number(path: Path) -> tuple[str, int, str]:
    """Sorts ``bag_2.mcap`` before ``bag_10.mcap``."""
    stem, _, number = path.name.partition(".")[0].rpartition("_")
    return (
        (stem, int(number), path.name) if number.isdecimal() and stem else (path.name.partition(".")[0], -1, path.name)
    )


def _with_metadata(folder: Path, there: tuple[Path, ...]) -> BagFolder:
    reindex = f"`ros2 bag reindex {folder}` writes it anew"
    try:
        text = read_bounded_text(folder / METADATA, _MOST_METADATA_BYTES)
        about = load_yaml(text)["rosbag2_bagfile_information"]
        # Not str(name): lists of lists of lists, by YAML's aliases, would make a text without end.
        named = [PurePosixPath(name).name for name in about["relative_file_paths"] if isinstance(name, str)]
        counts = _message_counts(about)
    except (KeyError, TypeError, ValueError, AttributeError):
        if not there:
            raise SourceError(f"{folder / METADATA} is damaged, and no storage file is there: {reindex}") from None
        return BagFolder(
            there, notes=(f"{folder / METADATA} is damaged, so all files of the folder were read: {reindex}",)
        )
    mode, format = about.get("compression_mode"), about.get("compression_format")
    if isinstance(mode, str) and mode.lower() in ("file", "message"):
        _check_compression(folder, format if isinstance(format, str) else "an unknown format")
    files = [folder / name for name in named if (folder / name).is_file()]
    missing = [name for name in named if not (folder / name).is_file()]
    if not files and not there:
        raise SourceError(
            f"{folder} holds none of its files ({', '.join(missing) or 'it names none'}): copy them there"
        )
    notes = []
    others = [path.name for path in there if path not in files]
    if not files:
        files, others = list(there), []
        notes.append(f"{folder / METADATA} names other files than {', '.join(path.name for path in there)}: {reindex}")
    if others:
        notes.append(f"{', '.join(others)} was not read, as {METADATA} does not name it: {reindex}")
    return BagFolder(tuple(files), tuple(missing), counts, tuple(notes))


def _message_counts(about: dict[str, Any]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for each in about.get("topics_with_message_count") or ():
        name = each["topic_metadata"]["name"]
        if not isinstance(name, str):
            raise TypeError
        counts[name] = counts.get(name, 0) + int(each["message_count"])
    return counts


def _check_compression(folder: Path, format: str) -> None:
    if format != "zstd":
        convert = "`ros2 bag convert` writes one without, where ROS has the plugin that reads it"
        raise SourceError(f"{folder} is compressed with {format}, and only zstd can be read: {convert}")
