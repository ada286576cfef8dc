"""Embedding chosen faces in place of all: embeddings, persons and events of each recording.

    python benchmarks/chosen_faces.py DATA_DIR [--json FILE]

DATA_DIR holds ``clips``, ``cases`` and ``models``. Each recording, and each staged clip of the demo, is the camera of a
robot; the robots run one after the other, each with the persons of those before. All is done twice, with
``faces.embed: every`` and ``improving``. The same events are events of one kind at most two frames apart. The same
persons: the arrivals of one id with one are the arrivals of one id with the other, over all recordings. Last, how alike
a picture of a person is to the most similar embedded face of another recording of the same person.
"""

import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
from common import argument_parser, markdown_table, parse, write_json
from datasets import CLIPS, video_frames

from facetrack_ros.concurrency.ordered_map import ordered_map
from facetrack_ros.concurrency.process_pool import ThreadWorkerPool
from facetrack_ros.config import Config
from facetrack_ros.core.event import FACE_MATCHED, PERSON_IN
from facetrack_ros.demo.staging import make_stage
from facetrack_ros.pipeline.analysis_stage import AnalysisStage
from facetrack_ros.pipeline.face_stage import FaceStage
from facetrack_ros.pipeline.robot_pipeline import RobotPipeline
from facetrack_ros.pipeline.rotation_lookahead import looked_ahead
from facetrack_ros.pipeline.tracking_stage import TrackingStage
from facetrack_ros.sources.factory import open_source
from facetrack_ros.sources.stamped_frames import stamped_frames
from facetrack_ros.tracking.factory import make_people_tracker
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.tracking.identity_merges import IdentityMerges
from facetrack_ros.vision.frame_analysis import FrameAnalyzer

MODES = ("every", "improving")
APART_FRAMES = 2
START_NS = 1_777_636_800 * 10**9
OTHER_RECORDINGS = (
    "clips/one-by-one-person-detection.mp4",
    "clips/epfl_lab_camA_Double1.mp4",
    "cases/films/ten_people_upright.mkv",
    "cases/films/ten_people_upside_down.mkv",
)
#: A clip that shows A on the left and B on the right, and recordings of each.
BOTH = "head-pose-face-detection-female-and-male.gif"
REFERENCES = (("left", "A", "face-demographics-walking-and-pause"), ("right", "B", "head-pose-face-detection-male"))


class Counts:
    """Counts what the frame loop delivers."""

    def __init__(self):
        self.frames = 0
        self.embeddings: list[np.ndarray] = []
        self.events = []
        self.qualities: dict[str, float] = {}

    def add_frame(self, frame) -> None:
        """Ignored."""

    def add_tracks(self, frame, tracks) -> None:
        """Keep the best quality of each person's faces."""
        self.frames += 1
        for track in tracks:
            if track.person_id and track.face is not None and track.face.embedding is not None:
                self.qualities[track.person_id] = max(self.qualities.get(track.person_id, 0.0), track.face.quality)

    def add_events(self, events) -> None:
        """Collect the events."""
        self.events += events

    def add_analysis(self, frame, analysis) -> None:
        """Collect the embeddings."""
        self.embeddings += [face.embedding for face in analysis.faces if face.embedding is not None]


class Fleet:
    """Robots with one recording each, which know the persons of those before.

    :param how: ``faces.embed``.
    """

    def __init__(self, analyzer: FrameAnalyzer, how: str):
        self._analyzer, self._config = analyzer, Config({"faces.embed": how})
        self.merges, self._templates = IdentityMerges(), {}
        self._robots = 0

    def follow(self, path: Path) -> Counts:
        """What the next robot finds in a recording."""
        self._robots += 1
        cameras, counts, config = ("front",), Counts(), self._config
        contract = self._analyzer.pipeline.contract
        analysis = AnalysisStage(cameras, config, FaceStage(cameras, config, lambda: True))
        tracking = TrackingStage(cameras, config)
        tracking.people = make_people_tracker(f"robot{self._robots}", IdAllocator(), config, contract, self.merges)
        for person_id, template in self._templates.items():
            tracking.people.learn(person_id, contract.id, template.embeddings, template.qualities)
        RobotPipeline(counts, analysis, tracking)
        frames = stamped_frames(open_source(str(path)), "front", START_NS)
        frames = looked_ahead(frames, analysis.rotations, self._analyzer.pipeline.degrees_to_upright)
        with closing(ThreadWorkerPool(self._analyzer, lambda analyzer, task: task.run(analyzer))) as workers:
            for frame, result in ordered_map(map(analysis.rotations.turned, frames), analysis.begin, workers):
                analysis.deliver(frame, result)
        tracking.close()
        self._templates.update(tracking.people.persons())
        return counts

    def person(self, person_id: str) -> str:
        """The id that a person has in the end."""
        return self.merges.canonical(person_id)


def reference_embedding(analyzer: FrameAnalyzer, clip: Path, half: str) -> np.ndarray:
    """Embedding of the face in one half of a clip's first frame, as of a reference picture."""
    image = next(video_frames(clip))
    middle = image.shape[1] // 2
    picture = np.ascontiguousarray(image[:, :middle] if half == "left" else image[:, middle:])
    return analyzer.pipeline.embed_reference(picture).embedding


def events_of(counts: Counts) -> list[tuple[str, int]]:
    """Kind and frame of each arrival and departure, in order."""
    return sorted((event.event, event.frame_number) for event in counts.events if event.event != FACE_MATCHED)


def same_events(first: list[tuple[str, int]], second: list[tuple[str, int]]) -> int:
    """Number of pairs of one kind at most :data:`APART_FRAMES` apart."""
    found, left = 0, list(second)
    for kind, frame in first:
        near = next((each for each in left if each[0] == kind and abs(each[1] - frame) <= APART_FRAMES), None)
        if near:
            left.remove(near)
            found += 1
    return found


def groups(arrivals: list[tuple], person) -> set[frozenset]:
    """The arrivals of each person."""
    found: dict[str, set] = {}
    for where, person_id in arrivals:
        found.setdefault(person(person_id), set()).add(where)
    return {frozenset(each) for each in found.values()}


def main() -> None:
    arguments = parse(argument_parser(__doc__))
    analyzer = FrameAnalyzer.of_config(Config())
    fleets = {how: Fleet(analyzer, how) for how in MODES}
    arrivals: dict[str, list] = {how: [] for how in MODES}
    rows, embeddings = [], {}
    with tempfile.TemporaryDirectory() as folder:
        staged = make_stage(Path(folder)).clips.values()
        names = [f"clips/{clip}" for clip in CLIPS] + list(OTHER_RECORDINGS)
        for path in [arguments.data / name for name in names] + list(staged):
            found = {how: fleets[how].follow(path) for how in MODES}
            lists = {how: events_of(found[how]) for how in MODES}
            for how in MODES:
                came = [event for event in found[how].events if event.event == PERSON_IN]
                came.sort(key=lambda event: (event.frame_number, event.bbox))
                arrivals[how] += [((path.name, number), event.person_id) for number, event in enumerate(came)]
            best = [max(found[how].qualities.values(), default=0.0) for how in MODES]
            rows.append(
                {
                    "recording": path.stem,
                    "frames": found["every"].frames,
                    **{f"embeddings, {how}": len(found[how].embeddings) for how in MODES},
                    **{f"events, {how}": len(lists[how]) for how in MODES},
                    "same events": same_events(*lists.values()),
                    **{f"best face, {how}": round(value, 2) for how, value in zip(MODES, best)},
                }
            )
            print(rows[-1], flush=True)
            embeddings[path.stem] = {how: np.array(found[how].embeddings) for how in MODES}
    print(markdown_table(tuple(rows[0]), [tuple(row.values()) for row in rows]))
    total = {how: sum(row[f"embeddings, {how}"] for row in rows) for how in MODES}
    people = {how: groups(arrivals[how], fleets[how].person) for how in MODES}
    both = len(people["every"] & people["improving"])
    print(
        f"\nembeddings: {total['every']} and {total['improving']}, {total['every'] / total['improving']:.1f} to 1; "
        f"persons: {len(people['every'])} and {len(people['improving'])}, {both} with the same arrivals"
    )
    alike = []
    for half, person, recording in REFERENCES:
        reference = reference_embedding(analyzer, arguments.data / "clips" / BOTH, half)
        best = {how: float((embeddings[recording][how] @ reference).max()) for how in MODES}
        alike.append({"person": person, "recording": recording, **best})
        print(
            f"most similar to a picture of {person} in {recording}: " + ", ".join(f"{best[how]:.2f}" for how in MODES)
        )
    write_json(
        arguments.json,
        {"alike": alike, "recordings": rows, "persons": {how: len(people[how]) for how in MODES}, "same": both},
    )


if __name__ == "__main__":
    main()
