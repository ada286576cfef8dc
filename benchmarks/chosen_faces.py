"""Choosing which faces to embed: how many fewer embeddings than one for every face, and whether the same people are found.

    python benchmarks/chosen_faces.py DATA_DIR [--json FILE]

Each clip is taken in twice, offline: ``faces.embed: every`` and ``improving``.
"""

import argparse
import json
import os
from contextlib import closing
from pathlib import Path

from facetrack_ros.concurrency.ordered_map import ordered_map
from facetrack_ros.concurrency.process_pool import ThreadWorkerPool
from facetrack_ros.config import Config
from facetrack_ros.sources.factory import open_source
from facetrack_ros.sources.stamped_frames import stamped_frames
from facetrack_ros.tracking.factory import make_face_scheduler, make_people_tracker
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.vision.frame_analysis import AnalysisTask, FrameAnalyzer

CLIPS = (
    "face-demographics-walking-and-pause.gif",
    "head-pose-face-detection-female-and-male.gif",
    "head-pose-face-detection-male.gif",
    "classroom.gif",
)


def follow(path: Path, eyes: FrameAnalyzer, config: Config) -> dict:
    """Embeddings, faces that could have had one, persons and events of a clip."""
    people = make_people_tracker("robot1", IdAllocator(), config, eyes.pipeline.contract)
    improving = make_face_scheduler(config) if config.faces.embed == "improving" else None
    embedded, events = 0, []

    def begin(frame):
        return AnalysisTask(frame, selection=improving.plan(frame.stamp_ns) if improving else None)

    with closing(ThreadWorkerPool(eyes, lambda eyes, task: task.run(eyes))) as crew:
        for frame, seen in ordered_map(stamped_frames(open_source(str(path)), "front", round(1e18)), begin, crew):
            embedded += sum(face.embedding is not None for face in seen.faces)
            tracks, new = people.update("front", frame.stamp_ns, frame.number, seen.detections, seen.faces)
            events += new
            if improving:
                improving.update(frame.stamp_ns, tracks)
    events += people.close()
    return {
        "embeddings": embedded,
        "persons": len({event.person_id for event in events}),
        "events": {
            kind: sum(event.event == kind for event in events) for kind in ("PERSON_IN", "PERSON_OUT", "FACE_MATCHED")
        },
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    os.environ.setdefault("FACETRACK_MODELS", str((arguments.data / "models").resolve()))
    eyes = FrameAnalyzer.of_config(Config())
    result = {}
    print(f"{'clip':<48}{'every':>7}{'chosen':>8}{'ratio':>7}  persons   PERSON_IN PERSON_OUT")
    for clip in CLIPS:
        every, chosen = (
            follow(arguments.data / "clips" / clip, eyes, Config({"faces.embed": how}))
            for how in ("every", "improving")
        )
        ratio = every["embeddings"] / max(1, chosen["embeddings"])
        result[clip] = {"every": every, "chosen": chosen, "ratio": ratio}
        print(
            f"{clip:<48}{every['embeddings']:>7}{chosen['embeddings']:>8}{ratio:>7.1f}  {every['persons']} and {chosen['persons']}"
            f"   {every['events']['PERSON_IN']} and {chosen['events']['PERSON_IN']}"
            f"   {every['events']['PERSON_OUT']} and {chosen['events']['PERSON_OUT']}"
        )
    total = [sum(row[how]["embeddings"] for row in result.values()) for how in ("every", "chosen")]
    print(f"{'all':<48}{total[0]:>7}{total[1]:>8}{total[0] / max(1, total[1]):>7.1f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
