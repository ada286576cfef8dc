"""Two robots with known histories, and what must be true of them after an attack."""

import contextlib
import hashlib
import json
import shutil
import sqlite3
import sys
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from attacker import Attacker
from builtin_interfaces.msg import Duration
from robot_processes import DEADLINE_S, NODES, Process, Processes, wait_until
from sensor_msgs.msg import CompressedImage

from facetrack_ros import srv
from facetrack_ros.core.event import PERSON_IN, PersonEvent
from facetrack_ros.history.people.gallery_store import GalleryStore
from facetrack_ros.history.people.merge_log import MergeLog
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.models import catalog
from facetrack_ros.nodes.conversion.fields import byte_array
from facetrack_ros.nodes.conversion.time import to_duration, to_time
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.tracking.identity.gallery import GalleryEntry
from facetrack_ros.tracking.identity_merges import MergeDecision

MODEL = "dlib_resnet_v1"
DIMENSION = 128
#: Age of the histories: their faces are of the last hour.
AGE_NS = 3_600_000_000_000
#: Faces of each person, and persons of each robot: the first two have pictures.
FACES, PERSONS = 12, 6
#: Between two faces, and from the first to the last.
STEP_NS = 2_000_000_000
HISTORY_NS = FACES * PERSONS * STEP_NS
SPLIT_ROBOT = Path(__file__).with_name("split_robot.py")


def near(face: np.ndarray, chance: np.random.Generator, cosine: float = 0.97) -> np.ndarray:
    """A unit vector at a cosine of ``face``."""
    other = chance.standard_normal(len(face))
    other -= (other @ face) * face
    return (cosine * face + np.sqrt(1 - cosine**2) * other / np.linalg.norm(other)).astype(np.float32)


def make_histories(data: Path, faces: dict[str, np.ndarray], now_ns: int, seed: int = 1) -> None:
    """Histories of robot1 and robot2, each with :data:`PERSONS` persons, events, a gallery and decisions.

    :param faces: embeddings by name; the first is robot1's first person, the second robot2's.
    """
    start_ns = now_ns - AGE_NS
    contract = catalog.known(MODEL)
    chance = np.random.default_rng(seed)
    ok, thumbnail = cv2.imencode(".jpg", chance.integers(0, 255, (60, 60, 3), dtype=np.uint8))
    assert ok
    box = np.array([10, 10, 60, 60], np.float32)
    for number, face in enumerate(faces.values(), 1):
        robot = f"robot{number}"
        history = RobotHistory(data, robot, contract)
        ids = IdAllocator(data / robot / "ids.json")
        strangers = chance.standard_normal((PERSONS - 1, DIMENSION))
        strangers /= np.linalg.norm(strangers, axis=1, keepdims=True)
        for row, known in enumerate([face, *strangers]):
            person = f"p_{robot}_{ids.next('person')}"
            for frame in range(FACES):
                stamp = start_ns + (row * FACES + frame) * STEP_NS
                history.sightings.note_frame("front", stamp)
                place = "front", stamp, row * FACES + frame, f"t_{robot}_front_{row * FACES + frame}", person
                history.sightings.add(*place, box, box, 0.8, near(known, chance), lambda: thumbnail.tobytes())
            history.add_event(
                PersonEvent(PERSON_IN, start_ns + row, robot, "front", person, row, bbox=(0.0,) * 4, confidence=0.9)
            )
        history.flush()
        history.close()
        store = GalleryStore(data / robot)
        for entry, (enrolled, vector) in enumerate(faces.items(), 1):
            store.add(GalleryEntry(f"g_robot{entry}_1", enrolled, MODEL, vector, 0.9, by=f"robot{entry}"))
        MergeLog(data / robot).append(
            [MergeDecision("a_op_1", "p_robot1_3", "p_robot2_3", False, "Ann", True, 1, start_ns, "two people")]
        )


@dataclass
class HostileFleet:
    """robot1 in one process, robot2 with messages between its nodes; each with a camera ``front`` whose film is over
    and a camera ``door`` whose images come over a topic.

    :ivar start_ns: stamp of the first sighting of the histories.
    :param pictures: reference pictures by name, of the persons in the histories.
    """

    processes: Processes
    data: Path
    pictures: dict[str, Path]
    film: Path
    robots: dict[str, Process] = field(default_factory=dict)
    starts: int = 0
    start_ns: int = 0

    def start(self, *robots: str) -> None:
        """Start robots and wait until each is up."""
        for robot in robots or ("robot1", "robot2"):
            self.starts += 1
            self.start_ns = self.start_ns or _first_stamp(self.data)
            cameras = "front", "door"
            if robot == "robot1":
                parameters = (
                    f"data_dir:={self.data}",
                    "sightings.max_age_h:=24.0",
                    "cameras:=[front, door]",
                    f"sources:=['front={self.film}']",
                )
                given = [part for parameter in parameters for part in ("-p", parameter)]
                command = [NODES / "robot", "--ros-args", "-r", f"__ns:=/{robot}", *given]
            else:
                command = [sys.executable, SPLIT_ROBOT, robot, self.data, *cameras]
            self.robots[robot] = self.processes.start(command, f"{robot}_{self.starts}")
        for robot in robots or ("robot1", "robot2"):
            self.robots[robot].wait_until(lambda said: "is up with" in said, f"{robot} is up", 4 * DEADLINE_S)

    def stop(self, *robots: str) -> None:
        """End robots with SIGINT; they must end well."""
        for robot in robots or tuple(self.robots):
            process = self.robots.pop(robot)
            assert process.interrupt(30.0) == 0, process.said()[-3000:]

    def restart(self, *robots: str) -> None:
        """Stop and start robots: what they stored must not keep them from it."""
        self.stop(*robots)
        self.start(*robots)

    def rss_mb(self, robot: str) -> float:
        """Resident memory of a robot's process, megabytes."""
        return self._status(robot, "VmRSS")

    def peak_mb(self, robot: str) -> float:
        """Greatest resident memory of a robot's process so far, megabytes."""
        return self._status(robot, "VmHWM")

    def reset_peak(self, robot: str) -> None:
        """Measure :meth:`peak_mb` from now on."""
        Path(f"/proc/{self.robots[robot].popen.pid}/clear_refs").write_text("5")

    def said(self) -> str:
        """All that the robots of all starts logged."""
        return "\n".join(log.read_text(errors="replace") for log in sorted(self.processes.folder.glob("robot*_*.log")))

    def check_searches(self, attacker: Attacker) -> None:
        """Each robot finds each person where the person was seen, and nowhere else, in the time of the histories. What
        the cameras were sent since is not asked for: in an open mesh anyone can send them images and tracks. Anyone can
        join two ids there, too: what is below the threshold has an id that a stored decision joins with one found.

        :param attacker: whose node asks, as any client would.
        """
        for asked in ("robot1", "robot2"):
            for number, name in enumerate(self.pictures, 1):
                answer = wait_until(lambda asked=asked, name=name: self._whole_answer(attacker, asked, name), asked)
                found = [match for match in answer.matches if match.similarity >= answer.threshold]
                listed = [(match.robot_id, match.person_id, match.similarity) for match in answer.matches]
                assert {match.robot_id for match in found} == {f"robot{number}"}, (name, asked, listed)
                merges = MergeLog(self.data / asked).read()
                persons = {merges.canonical(match.person_id) for match in found}
                joined = {merges.canonical(match.person_id) for match in answer.matches if match not in found}
                assert joined <= persons, (name, asked, listed)

    def load_models(self, attacker: Attacker) -> None:
        """Have each robot load the models that it loads at first use: of rescans, and of enrolment."""
        picture = byte_array(next(iter(self.pictures.values())).read_bytes())
        blank = cv2.imencode(".jpg", np.zeros((80, 80, 3), np.uint8))[1].tobytes()
        for robot in self.robots:
            search = srv.FaceSearch.Request(robots=[robot], rescan=True, timeout=Duration(sec=60))
            search.image.data = picture
            answer = attacker.call(srv.FaceSearch, f"/{robot}/face_search", search, deadline_s=90.0)
            assert [line.status for line in answer.robots] == ["answered"], answer.message
            enrol = srv.EnrollFace.Request(name="Blank", images=[CompressedImage(data=byte_array(blank))])
            assert not attacker.call(srv.EnrollFace, f"/{robot}/enroll_face", enrol, deadline_s=60.0).success

    def _whole_answer(self, attacker: Attacker, asked: str, name: str) -> srv.FaceSearch.Response | None:
        """The answer of both robots; None where one is not on the other's roster yet."""
        middle = self.start_ns + HISTORY_NS // 2
        request = srv.FaceSearch.Request(time=to_time(middle), window=to_duration(HISTORY_NS), timeout=Duration(sec=10))
        request.image.data = byte_array(self.pictures[name].read_bytes())
        answer = attacker.call(srv.FaceSearch, f"/{asked}/face_search", request, deadline_s=60.0)
        assert answer.success, answer.message
        lines = {line.robot_id: line.status for line in answer.robots}
        return answer if {lines.get("robot1"), lines.get("robot2")} == {"answered"} else None

    def _status(self, robot: str, field: str) -> float:
        text = Path(f"/proc/{self.robots[robot].popen.pid}/status").read_text()
        return int(text.partition(f"{field}:")[2].split()[0]) / 1024

    def held(self) -> dict[str, dict]:
        """What the folders hold: a digest of each sighting, each file of the gallery, each decision and event."""
        return {robot: _held(self.data / robot) for robot in ("robot1", "robot2")}

    def check_held(self, before: dict[str, dict]) -> None:
        """Nothing of ``before`` is gone."""
        after = self.held()
        for robot, parts in before.items():
            for part, items in parts.items():
                lost = items - after[robot][part]
                assert not lost, f"{robot} lost {len(lost)} of its {len(items)} {part}: {sorted(lost)[:3]}"


def _first_stamp(data: Path) -> int:
    stamps = []
    for database in data.glob("**/*.sqlite"):
        with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            stamps += connection.execute("SELECT min(stamp_ns) FROM sightings").fetchone()
    return min(stamps)


def _held(folder: Path) -> dict[str, set[str]]:
    return {
        "sightings": _sightings(folder),
        "gallery": {f"{file.name} {_digest(file.read_bytes())}" for file in (folder / "gallery").glob("*.json")},
        "decisions": _lines(folder / "aliases.jsonl"),
        "events": {line for file in folder.glob("**/events*.jsonl") for line in _lines(file)},
    }


def _sightings(folder: Path) -> set[str]:
    rows: set[str] = set()
    for database in folder.glob("**/*.sqlite*"):
        if database.name.endswith(("-wal", "-shm")):
            continue
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        try:
            for row in connection.execute(
                "SELECT camera_id, stamp_ns, frame_number, track_id, embedding FROM sightings"
            ):
                rows.add(f"{row[:4]} {_digest(bytes(row[4]))}")
        finally:
            connection.close()
    return rows


def _lines(file: Path) -> set[str]:
    return set(file.read_text(errors="replace").splitlines()) if file.exists() else set()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def copy_of(data: Path, to: Path) -> Path:
    """A copy of a data folder."""
    shutil.copytree(data, to)
    return to


def as_json(text: str) -> list[dict]:
    """JSON lines."""
    return [json.loads(line) for line in text.splitlines() if line.strip()]
