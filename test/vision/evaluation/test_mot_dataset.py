"""Labelled sequences in MOT's layout are read; damaged ones are refused."""

import cv2
import numpy as np
import pytest

from facetrack_ros.errors import SourceError
from facetrack_ros.vision.evaluation.mot_dataset import read_sequence, read_sequences

INFO = "[Sequence]\nname=Street-01\nimDir=img1\nframeRate=25\nseqLength=3\nimWidth=8\nimHeight=6\nimExt=.png\n"


@pytest.fixture
def sequence(tmp_path):
    """A folder with three pictures and this truth."""

    def write(lines, info=INFO, name="street", frames=(1, 2, 3)):
        folder = tmp_path / name
        for below in ("gt", "img1"):
            (folder / below).mkdir(parents=True, exist_ok=True)
        for number in frames:
            cv2.imwrite(str(folder / "img1" / f"{number:06d}.png"), np.zeros((6, 8, 3), np.uint8))
        if lines is not None:
            (folder / "gt" / "gt.txt").write_text(lines)
        if info:
            (folder / "seqinfo.ini").write_text(info)
        return folder

    return write


def test_pixels_count_from_one_and_frames_from_one(sequence):
    street = read_sequence(sequence("1,7,1,1,10,20,1,-1,-1,-1\n3,7,11,21,10,20,1,-1,-1,-1\n"))
    assert street.name == "Street-01"
    assert [path.name for path in street.pictures] == ["000001.png", "000002.png", "000003.png"]
    assert street.truth[0].boxes.tolist() == [[0, 0, 10, 20]]
    assert len(street.truth[1].boxes) == 0
    assert street.truth[2].boxes.tolist() == [[10, 20, 20, 40]]


@pytest.mark.parametrize(
    ("line", "boxes", "ignored"),
    [
        ("1,7,1,1,10,20", 1, 0),
        ("1,7,1,1,10,20,-1", 1, 0),
        ("1,7,1,1,10,20,1,1,0.3", 1, 0),
        ("1,7,1,1,10,20,0", 1, 1),
        ("1,7,1,1,10,20,0,-1,-1,-1", 1, 1),
        ("1,7,1,1,10,20,0,7,1", 1, 1),
        ("1,7,1,1,10,20,0,12,1", 1, 1),
        ("1,7,1,1,10,20,0,3,1", 0, 0),
        ("1,7,1,1,10,20,1,3.5,0,0", 1, 0),
    ],
)
def test_only_pedestrians_with_confidence_have_to_be_found(sequence, line, boxes, ignored):
    expected = read_sequence(sequence(line + "\n")).truth[0]
    assert len(expected.boxes) == boxes
    assert expected.ignored.sum() == ignored


def test_seqinfo_may_be_missing(sequence):
    street = read_sequence(sequence("1,7,1,1,10,20\n\n", info=None))
    assert street.name == "street"
    assert len(street.pictures) == 3


def test_a_folder_of_sequences_gives_all_of_them(sequence, tmp_path):
    sequence("1,7,1,1,10,20\n", info=None, name="b"), sequence("", info=None, name="a"), (tmp_path / "other").mkdir()
    assert [one.name for one in read_sequences(tmp_path)] == ["a", "b"]
    assert [one.name for one in read_sequences(tmp_path / "b")] == ["b"]


@pytest.mark.parametrize(
    ("lines", "info", "said"),
    [
        ("1,7,1,1,10\n", None, "line 1: needs frame, id"),
        ("1,7,1,1,10,20\nfoot,7,1,1,2,2\n", None, "line 2: .*no numbers"),
        ("1,7,1,1,nan,20\n", None, "line 1"),
        ("0,7,1,1,10,20\n", None, "count from 1"),
        ("1.5,7,1,1,10,20\n", None, "count from 1"),
        ("1,7,1,1,0,20\n", None, "boxes have a size"),
        ("9,7,1,1,10,20\n", None, "frame 9, of which there is no picture"),
        ("", INFO.replace("seqLength=3", "seqLength=4"), "holds 3 pictures, seqinfo.ini promises 4"),
        ("", INFO.replace("imDir=img1", "imDir=left"), "left is missing"),
        ("", INFO.replace(".png", ".jpg"), "holds no picture"),
        ("", "[Sequenz]\n", "no sequence's description"),
        ("", "frames 3\n", "no sequence's description"),
    ],
)
def test_a_damaged_sequence_is_refused_in_one_line(sequence, lines, info, said):
    with pytest.raises(SourceError, match=said) as error:
        read_sequence(sequence(lines, info))
    assert "\n" not in str(error.value)


def test_a_picture_with_no_or_a_duplicate_frame_number_is_refused(sequence):
    folder = sequence("")
    cv2.imwrite(str(folder / "img1" / "1.png"), np.zeros((6, 8, 3), np.uint8))
    with pytest.raises(SourceError, match="both frame 1"):
        read_sequence(folder)
    (folder / "img1" / "1.png").rename(folder / "img1" / "cover.png")
    with pytest.raises(SourceError, match="no frame number"):
        read_sequence(folder)


def test_a_folder_without_sequences_is_refused(sequence, tmp_path):
    with pytest.raises(SourceError, match="holds no sequence"):
        read_sequences(tmp_path)
    with pytest.raises(SourceError, match="is no folder"):
        read_sequences(tmp_path / "nowhere")
    with pytest.raises(SourceError, match="cannot be read"):
        read_sequence(sequence(None))
