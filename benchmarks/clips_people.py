"""The clips: each person one id for the whole clip, woman A one id over robots, no id shared by two people.

    python benchmarks/clips_people.py DATA_DIR [--json FILE]

DATA_DIR holds ``clips`` and ``models``. Each clip is a robot's camera; robot1 to robot4 look one after the other and know
whom those before saw. Then the staged clips of the demo: the staged events, and how far off their times are.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
from recognition import CLIPS

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

START = "2026-05-01T12:00:00"


def follow_clips(folder: Path) -> tuple[list[dict], set[tuple[str, str]]]:
    """A line a person and clip, and pairs of person and settled id."""
    pipeline = build_pipeline(VisionSettings())
    aliases, told, lines, pairs = IdentityMerges(), {}, [], set()
    for robot, (name, zones) in enumerate(CLIPS.items(), 1):
        people = make_people_tracker(f"robot{robot}", IdAllocator(), Config(), pipeline.contract, aliases)
        for person_id, template in told.items():
            people.learn(person_id, pipeline.contract.id, template.embeddings, template.qualities)
        ids, shown, count = defaultdict(lambda: defaultdict(int)), defaultdict(int), 0
        for frame in stamped_frames(open_source(str(folder / name)), "front", 1_777_636_800 * 10**9, 90):
            detections = pipeline.detect([frame.image])[0]
            tracks, _ = people.update(
                "front", frame.stamp_ns, frame.number, detections, pipeline.faces(frame.image, detections)
            )
            count += 1
            for track in tracks:
                if track.state is TrackState.TRACKING:
                    x = float(track.bbox[0] + track.bbox[2]) / 2
                    who = next(person for end, person in zones if x < end)
                    shown[who] += 1
                    if track.person_id:
                        ids[who][track.person_id] += 1
        people.close()
        told.update(people.persons())
        for who in sorted(ids):
            lines.append(
                {
                    "clip": name,
                    "robot": f"robot{robot}",
                    "person": who,
                    "frames": count,
                    "seen": shown[who],
                    "ids": sorted({aliases.canonical(each) for each in ids[who]}),
                }
            )
            pairs |= {(who, aliases.canonical(each)) for each in ids[who]}
    return lines, pairs


def staged_events(folder: Path) -> tuple[int, int, list[float]]:
    """Arrivals and departures found and staged, and how far each is from its time, in frames."""
    stage = make_stage(folder / "stage")
    off = []
    found = 0
    for (robot, camera), clip in stage.clips.items():
        done = subprocess.run(
            [
                str(Path(sys.executable).parent / "facetrack"),
                "ingest",
                "--robot",
                robot,
                "--camera",
                f"{camera}={clip}",
                "--data",
                str(folder / "data"),
                "--start",
                START,
            ],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            sys.exit(done.stderr)
    for robot, camera in stage.clips.keys():
        events = [event for event in read_events(folder / "data" / robot) if event["camera_id"] == camera]
        visits = sorted(
            (visit for visit in stage.visits if (visit.robot, visit.camera) == (robot, camera)),
            key=lambda visit: visit.body_s[0],
        )
        came = sorted(event["timestamp"] for event in events if event["event"] == "PERSON_IN")
        left = sorted(event["last_seen_timestamp"] for event in events if event["event"] == "PERSON_OUT")
        found += len(came) + len(left)
        start = 1_777_636_800.0
        for times, staged in (
            (came, [visit.body_s[0] for visit in visits]),
            (left, [visit.body_s[1] for visit in visits]),
        ):
            off += [(time - start - expected) * FPS for time, expected in zip(times, sorted(staged))]
    return found, 2 * len(stage.visits), off


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    os.environ["FACETRACK_MODELS"] = str(arguments.data / "models")
    lines, pairs = follow_clips(arguments.data / "clips")
    print("| clip | robot | person | frames | followed in | ids |\n|---|---|---|---|---|---|")
    for line in lines:
        print(
            f"| {line['clip']} | {line['robot']} | {line['person']} | {line['frames']} | {line['seen']} | {', '.join(line['ids'])} |"
        )
    people, ids = {who for who, _ in pairs}, {each for _, each in pairs}
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
    if arguments.json:
        arguments.json.write_text(
            json.dumps({"clips": lines, "staged": {"found": found, "staged": staged, "off": off}}, indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
