"""Embedding chosen faces in place of all: ratio of embeddings, persons and events found.

    python benchmarks/chosen_faces.py DATA_DIR [--json FILE]

Each clip is ingested twice, offline: ``faces.embed: every`` and ``improving``.
"""

from contextlib import closing
from pathlib import Path

from common import argument_parser, parse, write_json
from datasets import CLIPS

from facetrack_ros.concurrency.ordered_map import ordered_map
from facetrack_ros.concurrency.process_pool import ThreadWorkerPool
from facetrack_ros.config import Config
from facetrack_ros.pipeline.analysis_stage import AnalysisStage
from facetrack_ros.pipeline.face_stage import FaceStage
from facetrack_ros.pipeline.robot_pipeline import RobotPipeline
from facetrack_ros.pipeline.tracking_stage import TrackingStage
from facetrack_ros.sources.factory import open_source
from facetrack_ros.sources.stamped_frames import stamped_frames
from facetrack_ros.tracking.factory import make_people_tracker
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.vision.frame_analysis import FrameAnalyzer


class Counts:
    """Counts what the frame loop delivers."""

    def __init__(self):
        self.embeddings, self.events = 0, []

    def add_frame(self, frame) -> None:
        """Ignored."""

    def add_tracks(self, frame, tracks) -> None:
        """Ignored."""

    def add_events(self, events) -> None:
        """Collect the events."""
        self.events += events

    def add_analysis(self, frame, analysis) -> None:
        """Count the embeddings."""
        self.embeddings += sum(face.embedding is not None for face in analysis.faces)


def ingest(path: Path, analyzer: FrameAnalyzer, config: Config) -> dict:
    """Embeddings, persons and events of a clip."""
    cameras, counts = ("front",), Counts()
    analysis = AnalysisStage(cameras, config, FaceStage(cameras, config, lambda: True))
    analysis.listeners.append(counts.add_analysis)
    tracking = TrackingStage(cameras, config)
    tracking.people = make_people_tracker("robot1", IdAllocator(), config, analyzer.pipeline.contract)
    RobotPipeline(counts, analysis, tracking)
    frames = stamped_frames(open_source(str(path)), "front", round(1e18))
    with closing(ThreadWorkerPool(analyzer, lambda analyzer, task: task.run(analyzer))) as workers:
        for frame, result in ordered_map(frames, analysis.begin, workers):
            analysis.deliver(frame, result)
    tracking.close()
    return {
        "embeddings": counts.embeddings,
        "persons": len({event.person_id for event in counts.events}),
        "events": {
            kind: sum(event.event == kind for event in counts.events)
            for kind in ("PERSON_IN", "PERSON_OUT", "FACE_MATCHED")
        },
    }


def main() -> None:
    arguments = parse(argument_parser(__doc__))
    analyzer = FrameAnalyzer.of_config(Config())
    result = {}
    print(f"{'clip':<48}{'every':>7}{'chosen':>8}{'ratio':>7}  persons   PERSON_IN PERSON_OUT")
    for clip in CLIPS:
        every, chosen = (
            ingest(arguments.data / "clips" / clip, analyzer, Config({"faces.embed": how}))
            for how in ("every", "improving")
        )
        ratio = every["embeddings"] / max(1, chosen["embeddings"])
        result[clip] = {"every": every, "chosen": chosen, "ratio": ratio}
        pairs = [
            (every["persons"], chosen["persons"]),
            *((every["events"][kind], chosen["events"][kind]) for kind in ("PERSON_IN", "PERSON_OUT")),
        ]
        print(
            f"{clip:<48}{every['embeddings']:>7}{chosen['embeddings']:>8}{ratio:>7.1f}  "
            + "   ".join(f"{first} and {second}" for first, second in pairs)
        )
    total = [sum(row[how]["embeddings"] for row in result.values()) for how in ("every", "chosen")]
    print(f"{'all':<48}{total[0]:>7}{total[1]:>8}{total[0] / max(1, total[1]):>7.1f}")
    write_json(arguments.json, result)


if __name__ == "__main__":
    main()
