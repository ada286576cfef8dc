"""Bytes on disk for the one frame of each visit (frame_history.visit_frames), and whether a clip of each person works.

    python benchmarks/visit_frames.py DATA_DIR [--json FILE]

DATA_DIR holds ``clips`` and ``models``. Each clip is ingested twice with the defaults, the second time without
``visit_frames``. A visit is a PERSON_OUT event; only visits with a face have a frame.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from common import argument_parser, markdown_table, parse, write_json
from datasets import CLIPS

from facetrack_ros.core.event import PERSON_OUT
from facetrack_ros.history.events.format import read_events
from facetrack_ros.history.frames.archive import FrameArchive

FACETRACK = [sys.executable, "-m", "facetrack_ros"]
START = "2026-05-01T12:00:00"


def run(*arguments: object) -> subprocess.CompletedProcess:
    """A command of facetrack."""
    return subprocess.run([*FACETRACK, *map(str, arguments)], capture_output=True, text=True, check=False)


def measure(clip: Path, folder: Path, visit_frames: bool) -> dict:
    """What a clip leaves on disk."""
    config = folder / f"{visit_frames}.yaml"
    config.write_text(f"frame_history: {{visit_frames: {str(visit_frames).lower()}}}\n")
    data = folder / str(visit_frames)
    options = ("--robot", "robot1", "--start", START, "--config", config, "--data", data)
    done = run("ingest", *options, "--camera", f"front={clip}")
    if done.returncode:
        sys.exit(done.stderr)
    robot = data / "robot1"
    visits = [event for event in read_events(robot) if event["event"] == PERSON_OUT]
    found = {"visits": len(visits), "frames": 0, "bytes": 0, "picture": "", "clips": 0, "persons": 0}
    frames = robot / "frames"
    if frames.is_dir():
        archive = FrameArchive.open_readonly(frames, "robot1")
        stored = list(archive.reader.between("front", 0, 2**62))
        found["frames"] = len(stored)
        found["bytes"] = sum(file.stat().st_size for file in frames.iterdir())
        if stored:
            height, width = stored[0].image.shape[:2]
            found["picture"] = f"{width}x{height}"
            found["jpeg"] = sum(len(frame.jpeg) for frame in stored)
    persons = [
        json.loads(line)["person_id"] for line in run("persons", "list", "--data", data, "--json").stdout.splitlines()
    ]
    found["persons"] = len(persons)
    for person in persons:
        saved = run(
            "clip", "--data", data, "--person", person, "--format", "jpg", "--out", folder / f"{visit_frames}{person}"
        )
        found["clips"] += saved.returncode == 0
    return found


def main() -> None:
    """Measure and print."""
    arguments = parse(argument_parser(__doc__))
    results = {}
    for name in CLIPS:
        with tempfile.TemporaryDirectory() as folder:
            clip = arguments.data / "clips" / name
            results[name] = {key: measure(clip, Path(folder), key == "with") for key in ("with", "without")}
    rows = []
    for name, each in results.items():
        found, without = each["with"], each["without"]
        more = found["bytes"] - without["bytes"]
        rows.append(
            (
                name,
                found["picture"],
                found["visits"],
                found["frames"] - without["frames"],
                f"{more / 1e3:.0f} kB",
                f"{more / max(1, found['frames'] - without['frames']) / 1e3:.1f} kB",
                f"{(found['bytes'] - found.get('jpeg', 0)) / max(1, found['frames']) / 1e3:.1f} kB",
                f"{found['clips']} of {found['persons']}",
                f"{without['clips']} of {without['persons']}",
            )
        )
    head = (
        "clip",
        "picture",
        "visits",
        "frames",
        "on disk",
        "a frame",
        "of it not JPEG",
        "clips of persons",
        "… without",
    )
    print(markdown_table(head, rows))
    write_json(arguments.json, results)


if __name__ == "__main__":
    main()
