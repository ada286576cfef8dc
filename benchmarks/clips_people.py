"""Persons of the clips: one id for each person of a clip, one id for woman A over robots, no id for two people.

    python benchmarks/clips_people.py DATA_DIR [--json FILE]

DATA_DIR holds ``clips`` and ``models``. Each clip is the camera of a robot; robot1 to robot4 run one after the other,
each with the persons of those before. Then the staged clips of the demo: the staged events, and how far off their times
are.
"""

import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
from common import argument_parser, markdown_table, parse, write_json
from datasets import CLIPS, person_in_zone

from facetrack_ros.config import Config
from facetrack_ros.core.track import TrackState
from facetrack_ros.demo.staging import FPS, make_stage
from facetrack_ros.history.events.format import read_events
from facetrack_ros.sources.factory import open_source
from facetrack_ros.sources.stamped_frames import stamped_frames
from facetrack_ros.tracking.factory import make_people_tracker
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.tracking.identity_merges import IdentityMerges
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.settings import VisionSettings

START, START_S = "2026-05-01T12:00:00", 1_777_636_800


def follow_clips(folder: Path) -> tuple[list[dict], set[tuple[str, str]]]:
    """A row per person and clip, and pairs of person and canonical id."""
    pipeline = build_pipeline(VisionSettings())
    merges, templates, rows, pairs = IdentityMerges(), {}, [], set()
    for robot, (name, zones) in enumerate(CLIPS.items(), 1):
        people = make_people_tracker(f"robot{robot}", IdAllocator(), Config(), pipeline.contract, merges)
        for person_id, template in templates.items():
            people.learn(person_id, pipeline.contract.id, template.embeddings, template.qualities)
        ids, visible, count = defaultdict(set), defaultdict(int), 0
        for frame in stamped_frames(open_source(str(folder / name)), "front", START_S * 10**9, 90):
            detections = pipeline.detect([frame.image])[0]
            faces = pipeline.faces(frame.image, detections)
            tracks, _ = people.update("front", frame.stamp_ns, frame.number, detections, faces)
            count += 1
            for track in tracks:
                if track.state is TrackState.TRACKING:
                    person = person_in_zone(track.bbox, zones)
                    visible[person] += 1
                    if track.person_id:
                        ids[person].add(track.person_id)
        people.close()
        templates.update(people.persons())
        for person in sorted(ids):
            canonical = sorted({merges.canonical(each) for each in ids[person]})
            rows.append(
                {
                    "clip": name,
                    "robot": f"robot{robot}",
                    "person": person,
                    "frames": count,
                    "seen": visible[person],
                    "ids": canonical,
                }
            )
            pairs |= {(person, each) for each in canonical}
    return rows, pairs


def staged_events(folder: Path) -> tuple[int, int, list[float]]:
    """Arrivals and departures found and staged, and how far each is from its time, in frames."""
    stage = make_stage(folder / "stage")
    program = str(Path(sys.executable).parent / "facetrack")
    off = []
    found = 0
    for (robot, camera), clip in stage.clips.items():
        options = ["--robot", robot, "--camera", f"{camera}={clip}", "--data", str(folder / "data"), "--start", START]
        done = subprocess.run([program, "ingest", *options], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
    for robot, camera in stage.clips:
        events = [event for event in read_events(folder / "data" / robot) if event["camera_id"] == camera]
        visits = [visit.body_s for visit in stage.visits if (visit.robot, visit.camera) == (robot, camera)]
        came = sorted(event["timestamp"] for event in events if event["event"] == "PERSON_IN")
        left = sorted(event["last_seen_timestamp"] for event in events if event["event"] == "PERSON_OUT")
        found += len(came) + len(left)
        for times, staged in ((came, sorted(first for first, _ in visits)), (left, sorted(last for _, last in visits))):
            off += [(time - START_S - expected) * FPS for time, expected in zip(times, staged)]
    return found, 2 * len(stage.visits), off


def main() -> None:
    arguments = parse(argument_parser(__doc__))
    rows, pairs = follow_clips(arguments.data / "clips")
    table = [(*list(row.values())[:5], ", ".join(row["ids"])) for row in rows]
    print(markdown_table(("clip", "robot", "person", "frames", "followed in", "ids"), table))
    people, ids = {person for person, _ in pairs}, {each for _, each in pairs}
    print(
        f"\n{len(people)} people, {len(ids)} ids; people with two ids: {len(pairs) - len(people)}, "
        f"ids of two people: {len(pairs) - len(ids)}"
    )
    with tempfile.TemporaryDirectory() as folder:
        found, staged, off = staged_events(Path(folder))
    print(
        f"staged clips: {found} arrivals and departures, {staged} staged; off by at most "
        f"{np.abs(off).max() if off else 0:.1f} frames, {np.median(np.abs(off)) if off else 0:.1f} in the median"
    )
    write_json(arguments.json, {"clips": rows, "staged": {"found": found, "staged": staged, "off": off}})


if __name__ == "__main__":
    main()
