"""Labelled sequences in the layout of the MOT challenges: ``gt/gt.txt``, ``img1/``, ``seqinfo.ini``."""

import configparser
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facetrack_ros.bounded_file import read_bounded_text
from facetrack_ros.errors import SourceError, first_line
from facetrack_ros.vision.evaluation.average_precision import TrueBoxes

TRUTH, PICTURES, INFO = Path("gt/gt.txt"), "img1", "seqinfo.ini"
# Of a file of labels: a million rows.
_MOST_BYTES = 100_000_000
ENDINGS = (".jpg", ".jpeg", ".png", ".bmp")
#: Pedestrian in MOT16 and later, which alone has to be found; MOT15 writes -1 or nothing.
PEDESTRIAN = (-1, 1)
#: Person on a vehicle, static person, distractor, reflection: these resemble persons and are ignored.
LIKE_PERSONS = (2, 7, 8, 12)


@dataclass(frozen=True, eq=False)
class MotSequence:
    """One sequence.

    :param name: from ``seqinfo.ini``, else of the folder.
    :param pictures: a file a frame, in order.
    :param truth: persons of each of those frames, boxes in pixels counted from 0.
    """

    name: str
    pictures: tuple[Path, ...]
    truth: tuple[TrueBoxes, ...]


def read_sequences(folder: Path) -> list[MotSequence]:
    """The sequence in a folder, or those in its subfolders.

    :raises SourceError: there is none, or one of them is damaged.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder} is no folder; name a sequence with {TRUTH} and {PICTURES}/, or a folder of such")
    if (folder / TRUTH).is_file():
        return [read_sequence(folder)]
    found = [read_sequence(below) for below in sorted(folder.iterdir()) if (below / TRUTH).is_file()]
    if not found:
        raise SourceError(f"{folder} holds no sequence: neither {TRUTH} nor a folder with it is there")
    return found


def read_sequence(folder: Path) -> MotSequence:
    """One sequence.

    :raises SourceError: a part is missing, or a line, number or frame is wrong.
    """
    info = _info(folder / INFO)
    pictures = _pictures(folder / info.get("imdir", PICTURES), info)
    rows = _rows(folder / TRUTH)
    frames = rows[:, 0].astype(int)
    beyond = sorted(set(frames) - set(pictures))
    if beyond:
        raise SourceError(f"{folder / TRUTH} labels frame {beyond[0]}, of which there is no picture")
    numbers = sorted(pictures)
    return MotSequence(
        info.get("name", folder.resolve().name),
        tuple(pictures[number] for number in numbers),
        tuple(_true_boxes(rows[frames == number]) for number in numbers),
    )


def _info(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(read_bounded_text(path, _MOST_BYTES))
        return dict(parser["Sequence"])
    except (configparser.Error, OSError, UnicodeDecodeError, KeyError) as error:
        raise SourceError(f"{path} is no sequence's description with a part [Sequence]: {first_line(error)}") from error


def _pictures(folder: Path, info: dict[str, str]) -> dict[int, Path]:
    """Picture files by frame number, which is the file's name."""
    if not folder.is_dir():
        raise SourceError(f"{folder} is missing: the pictures of the sequence belong there")
    endings = (info["imext"].lower(),) if info.get("imext") else ENDINGS
    found: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in endings:
            continue
        if not (path.stem.isascii() and path.stem.isdigit()):
            raise SourceError(f"{path} is no picture of a sequence: its name is no frame number")
        if int(path.stem) in found:
            raise SourceError(f"{path} and {found[int(path.stem)].name} are both frame {int(path.stem)}")
        found[int(path.stem)] = path
    if not found:
        raise SourceError(f"{folder} holds no picture ({', '.join(endings)})")
    length = info.get("seqlength", str(len(found)))
    if length != str(len(found)):
        raise SourceError(f"{folder} holds {len(found)} pictures, {INFO} promises {length}")
    return found


def _rows(path: Path) -> np.ndarray:
    """``(n, 8)``: frame, id, left, top, width, height, confidence, class."""
    try:
        lines = read_bounded_text(path, _MOST_BYTES).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read: {error}") from error
    rows = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            values = [float(value) for value in line.split(",")]
        except ValueError as error:
            raise SourceError(f"{path}, line {number}: {line[:60]!r} are no numbers with commas between") from error
        if len(values) < 6 or not np.isfinite(values[:8]).all():
            raise SourceError(f"{path}, line {number}: needs frame, id, left, top, width, height, not {line[:60]!r}")
        if values[0] < 1 or values[0] != int(values[0]) or values[4] <= 0 or values[5] <= 0:
            raise SourceError(f"{path}, line {number}: frames count from 1 and boxes have a size, not {line[:60]!r}")
        confidence = values[6] if len(values) > 6 else 1.0
        # Up to nine columns: MOT16, the class in the eighth. Ten: MOT15, the last three a position.
        kind = values[7] if len(values) in (8, 9) else -1.0
        rows.append([*values[:6], confidence, kind])
    return np.array(rows, float).reshape(-1, 8)


def _true_boxes(rows: np.ndarray) -> TrueBoxes:
    rows = rows[np.isin(rows[:, 7], (*PEDESTRIAN, *LIKE_PERSONS))]
    ignored = ~np.isin(rows[:, 7], PEDESTRIAN) | (rows[:, 6] == 0)  # MOT marks boxes to ignore by confidence 0
    corner = rows[:, 2:4] - 1  # MOT counts pixels from 1
    return TrueBoxes(np.concatenate([corner, corner + rows[:, 4:6]], axis=1), ignored)
