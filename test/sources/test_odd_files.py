"""Of 200 damaged or odd files of all kinds, every frame is used or accounted for."""

import sys
from pathlib import Path
from random import Random

import cv2
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from odd_files import FRAMES, KINDS, MUTATIONS, START_NS, STEP_NS, copied, shuffled_stamps, source_text

from facetrack_ros.errors import FacetrackError, FrameError
from facetrack_ros.sources.factory import open_source
from facetrack_ros.sources.stamped_frames import stamped_frames

FILES = 210
PLAIN = [START_NS + STEP_NS * row for row in range(FRAMES)]


@pytest.fixture(scope="module")
def images(real_data):
    """The first pictures of a real clip, small."""
    video = cv2.VideoCapture(str(real_data("clips/face-demographics-walking-and-pause.gif")))
    return [cv2.resize(video.read()[1], (160, 96)) for _ in range(FRAMES)]


@pytest.fixture(scope="module")
def whole(images, tmp_path_factory):
    """A function from a kind to an undamaged recording."""
    made = {}

    def make(kind):
        if kind not in made:
            made[kind] = KINDS[kind](tmp_path_factory.mktemp("whole") / "recording", images, PLAIN)
        return made[kind]

    return make


def read(path):
    """Read all frames as ``facetrack ingest`` does; returns the source, and the stamps of the frames that were used."""
    source = open_source(source_text(path))
    stamps = []
    for frame in stamped_frames(source, "front", None if source_text(path).startswith("bag:") else START_NS):
        try:
            assert frame.image.size
        except FrameError as error:
            source.unused.add(str(error))
        else:
            stamps.append(frame.stamp_ns)
    return source, stamps


@pytest.mark.parametrize("kind", KINDS)
def test_of_an_undamaged_recording_every_frame_is_used(whole, kind):
    source, stamps = read(whole(kind))
    assert len(stamps) == FRAMES
    assert not source.unused, source.unused.lines()


@pytest.mark.parametrize("seed", range(FILES))
def test_every_frame_is_used_or_accounted_for(whole, images, tmp_path, seed, capfd):
    random = Random(seed)
    kind = list(KINDS)[seed % len(KINDS)]
    mutation = list(MUTATIONS)[seed // len(KINDS) % len(MUTATIONS)]
    if mutation == "odd times":
        path = KINDS[kind](tmp_path / "recording", images, shuffled_stamps(random))
    else:
        path = MUTATIONS[mutation](copied(whole(kind), tmp_path), random)
    present = FRAMES - (mutation == "part missing" and kind.endswith("folder"))
    refusal = ""
    try:
        source, stamps = read(path)
    except FacetrackError as error:
        refusal = str(error)
    if refusal:
        assert "\n" not in refusal
        assert mutation not in ("renamed", "odd times"), refusal
        return
    assert len(stamps) == len(set(stamps))
    assert stamps == sorted(stamps)
    if len(stamps) < present:
        counts = source.unused.by_reason()
        assert counts, f"{kind}, {mutation}: {len(stamps)} of {present} frames, and nothing is said"
        is_film = path.is_file() and not source_text(path).startswith("bag:")  # whose header may not count its frames
        assert is_film or None in counts.values() or len(stamps) + source.unused.total >= present, counts
    if mutation in ("renamed", "odd times"):
        assert len(stamps) == present
