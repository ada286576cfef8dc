"""A robot's folder in which two people left traces of every kind: Ann, who is to be forgotten, and Ben, who stays."""

import json
from pathlib import Path

import numpy as np

from facetrack_ros.clips.clip import Clip
from facetrack_ros.clips.sources import LiveSource
from facetrack_ros.clips.writer import save_clip
from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN, PERSON_OUT, PersonEvent
from facetrack_ros.core.face import Face
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.history.frames.retention import Limits
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.tracking.identity.gallery import GalleryEntry
from facetrack_ros.tracking.identity_merges import MergeDecision

DIMENSION = 32
CONTRACT = ModelContract(
    "net", "embedding", "onnx", "net.onnx", "", DIMENSION, "MIT", dimension=DIMENSION, threshold=0.5
)
SECOND = 10**9
START = 1_700_000_000 * SECOND
#: Ann's ids, of which one is joined by a decision; Ben's; of a third person who was never with Ann.
ANN, ANN_TOO, BEN, CARL = "p_robot1_1", "p_robot1_4", "p_robot1_2", "p_robot1_3"
ALWAYS = (-(2**62), 2**62)


def unit(axis: int, noise: int = 0) -> np.ndarray:
    """A face of a person: near an axis, different for each noise."""
    vector = np.random.default_rng(1000 * axis + noise).standard_normal(DIMENSION).astype(np.float32) * 0.12
    vector[axis] += 1
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def picture(camera: str, second: float, number: int) -> Frame:
    """A frame whose bytes are like those of no other; Ann stands left, Ben right."""
    rng = np.random.default_rng(number + 100_000 * (camera == "rear"))
    return Frame(
        camera, START + round(second * SECOND), number, encode_jpeg(rng.integers(0, 255, (60, 120, 3), np.uint8))
    )


def track(person: str, axis: int, number: int, name: str, left: int) -> Track:
    """A track with a face."""
    box = np.array([left, 5, left + 30, 55], np.float32)
    face = Face(box, np.zeros((5, 2), np.float32), 0.9, 0.5 + number % 7 / 100, embedding=unit(axis, number))
    return Track(name, person, TrackState.TRACKING, box, 0.9, face)


class TracedRobot:
    """The folder, and what is in it of Ann.

    Camera ``front``: from second 10 on Ann, named from 12 on, to 19; Ben from 15 to 29; Carl from 40 to 49. Camera
    ``rear``: Ann, under her other id, from 30 to 34.

    :ivar ann_frames: JPEGs that show Ann.
    :ivar other_frames: JPEGs that do not.
    """

    def __init__(
        self,
        data: Path,
        robot_id: str = "robot1",
        format: str = "jpg",
        clip_formats=("mcap", "jpg"),
        searches: bool = True,
    ) -> None:
        self.data, self.path = data, data / robot_id
        self.ann_frames: list[bytes] = []
        self.other_frames: list[bytes] = []
        self.history = RobotHistory(
            data, robot_id, CONTRACT, FrameSettings(200, "continuous", limits=Limits(frames=0), format=format)
        )
        self._write_frames()
        self._write_events()
        self.history.recorder.drain()
        clips = {"with_ann": (14, 16), "without_ann": (25, 28)}
        for name, (first, last) in clips.items():
            span = START + first * SECOND, START + last * SECOND
            save_clip(LiveSource(self.history), Clip(("front",), *span, clip_formats), self.path / "clips" / name)
        self.history.close()
        self._write_people()
        if searches:  # of an earlier version
            self._write_searches()
            (self.path / "sightings-net.sqlite.damaged-1").write_bytes(self.ann_faces()[0])

    def _write_frames(self) -> None:
        number = 0
        for camera, seconds in (("front", 60), ("rear", 40)):
            for second in np.arange(0, seconds, 0.5):
                frame = picture(camera, float(second), number)
                tracks = self._tracks(camera, float(second), number)
                self.history.add_frame(frame)
                self.history.add_tracks(camera, frame.stamp_ns, number, tuple(tracks), frame)
                ann = any(each.track_id in ("t_ann", "t_ann_too") for each in tracks)
                near = 9.5 <= second <= 20.5 if camera == "front" else 29.5 <= second <= 35
                if ann:
                    self.ann_frames.append(frame.jpeg)
                elif not near:
                    self.other_frames.append(frame.jpeg)
                number += 1
        self.history.flush()

    @staticmethod
    def _tracks(camera: str, second: float, number: int) -> list[Track]:
        tracks = []
        if camera == "rear":
            return [track(ANN_TOO, 1, number, "t_ann_too", 10)] if 30 <= second < 35 else []
        if 10 <= second < 20:
            tracks.append(track(ANN if second >= 12 else "", 1, number, "t_ann", 5))
        if 15 <= second < 30:
            tracks.append(track(BEN, 2, number, "t_ben", 80))
        if 40 <= second < 50:
            tracks.append(track(CARL, 3, number, "t_carl", 40))
        return tracks

    def _write_events(self) -> None:
        def event(kind: str, second: int, person: str, **values) -> PersonEvent:
            return PersonEvent(kind, START + second * SECOND, "robot1", "front", person, 2 * second, **values)

        for person, first, last in ((ANN, 10, 20), (BEN, 15, 30), (CARL, 40, 50)):
            self.history.add_event(event(PERSON_IN, first, person, bbox=(5, 5, 35, 55), confidence=0.9))
            left = {"last_seen_ns": START + last * SECOND, "duration_ns": (last - first) * SECOND}
            self.history.add_event(event(PERSON_OUT, last, person, **left))
        matched = {"similarity": 0.8, "search_id": "s1"}
        self.history.add_event(event(FACE_MATCHED, 16, BEN, reference_face_id=ANN, **matched))
        self.history.add_event(event(FACE_MATCHED, 13, ANN, reference_face_id="g_robot1_1", similarity=0.9))

    def _write_people(self) -> None:
        gallery = GalleryStore(self.path, CONTRACT)
        for number, name, axis in ((1, "Ann", 1), (2, "Ben", 2)):
            gallery.add(GalleryEntry(f"g_robot1_{number}", name, "net", unit(axis, 77), 0.9, stamp_ns=START))
        pairs = ((ANN, ANN_TOO), (BEN, "p_robot2_9"))
        MergeLog(self.path).append(
            MergeDecision(f"a_robot1_{row}", *pair, True, "robot1", True, 1, START, "by eye")
            for row, pair in enumerate(pairs)
        )

    def _write_searches(self) -> None:
        lines = [
            {"kind": "search", "search_id": "s1", "reference": "Ann", "question": "ab", "persons": [ANN, BEN]},
            {"kind": "search", "search_id": "s2", "reference": "picture", "question": "cd", "persons": [BEN]},
            {"kind": "enrolment", "name": "Ann", "entries": ["g_robot1_1"], "pictures": 1},
        ]
        text = "".join(json.dumps({"timestamp": START / 1e9, **line}) + "\n" for line in lines)
        (self.path / "searches-2023-11-14.jsonl").write_text(text)

    @staticmethod
    def ann_faces() -> list[bytes]:
        """The bytes of each embedding of Ann that a store or the gallery may hold."""
        numbers = [*range(200)]
        return [unit(1, number).tobytes() for number in numbers]

    def ann_words(self) -> list[bytes]:
        """What names Ann in a text."""
        return [b'"Ann"', f'"{ANN}"'.encode(), f'"{ANN_TOO}"'.encode(), b'"g_robot1_1"', b"t_ann"]


#: Files that may name a forgotten id: they say that it was forgotten.
ON_FORGETTING = ("forgotten", "receipts-")


def files_with(folder: Path, needles: list[bytes], but: tuple[str, ...] = ()) -> dict[str, int]:
    """By file how many of some byte strings are in it, free pages and logs among them; only files with any."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith(but):
            content = path.read_bytes()
            count = sum(needle in content for needle in needles)
            if count:
                found[str(path.relative_to(folder))] = count
    return found


#: A program that forgets Ann in a folder and is killed after a number of steps.
KILLED = """
import os, sys
from pathlib import Path
import facetrack_ros.core.disk.overwriting as overwriting
from facetrack_ros.history.forget.forgetter import Forgetter
from facetrack_ros.history.forget.order import ForgetTarget
from facetrack_ros.history.forget.places import stored_places
path, steps = Path(sys.argv[1]), int(sys.argv[2])

def count(real):
    def call(*arguments):
        global steps
        steps -= 1
        if steps < 0:
            os.kill(os.getpid(), 9)
        return real(*arguments)
    return call

os.replace, os.pwrite, os.fdatasync = count(os.replace), count(os.pwrite), count(os.fdatasync)
with stored_places(path, "robot1", path, path / "frames") as places:
    forgetter = Forgetter(places, lambda: 2 * 10**18)
    forgetter.forget(forgetter.look(ForgetTarget("f_1", person_id="p_robot1_1")))
print("done")
"""
