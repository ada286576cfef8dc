"""Speed of a rescan of stored frames; the target was 300 frames of 1280x720 in 4 s on two cores.

    python benchmarks/rescan.py DATA_DIR [--frames 300] [--threads 2] [--rounds 3] [--where memory] [--tracks]
                                [--scene SCENE] [--json FILE]

DATA_DIR holds ``clips``, ``tracking`` and ``models``. Each scene's frames are scaled to 1280x720, JPEG of quality 90,
repeated to as many as wanted, and put into a history (``--where memory`` or ``disk``) without sightings. ``street``
(TUD-Campus) and ``room`` (EPFL) are the usual case of a rescan: people walk there without a usable face. In ``faces``
(the clips) two to four people are in view, nearly all with a usable face, as in frames skipped because of a low
battery. With ``--tracks`` the history has the tracks of each frame, as after tracking without faces; without, as after
dropped frames, persons are detected first.
"""

import os
import statistics
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

import cv2
from common import argument_parser, parse, write_json
from datasets import CROWDED_CLIPS, clip_frames, tud_campus

from facetrack_ros.clips.sources import LiveSource
from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.core.track import Track, TrackState
from facetrack_ros.history.frames.retention import Limits
from facetrack_ros.history.frames.settings import ALERT, CONTINUOUS, FrameSettings
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.search.rescan.runner import frames_without_face, rescan
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.settings import VisionSettings

START_NS, STEP_NS = 1_700_000_000 * 10**9, 100_000_000
SCENES = {"street": (), "room": ("epfl_lab_camA_Double1.mp4",), "faces": CROWDED_CLIPS}


def pictures(scene: str, data: Path) -> list[bytes]:
    """A scene's frames at 1280x720, as JPEG."""
    images = (image for name in SCENES[scene] for image in clip_frames(data, name))
    if scene == "street":
        images = tud_campus(data)[1]
    return [encode_jpeg(cv2.resize(image, (1280, 720), interpolation=cv2.INTER_CUBIC)) for image in images]


def detected_tracks(jpegs: list[bytes], pipeline) -> list[list[Track]]:
    """A track for each person detected in each picture."""
    images = [Frame("front", 0, 0, jpeg).image for jpeg in jpegs]
    return [
        [
            Track(f"t_{row}", "", TrackState.TRACKING, box, float(score))
            for row, (box, score) in enumerate(zip(persons.boxes, persons.scores))
        ]
        for image in images
        for persons in pipeline.detect([image])
    ]


def measure(jpegs: list[bytes], tracks: list[list[Track]] | None, pipelines: list, frames: int, where: str) -> dict:
    """Rescan a history without sightings; seconds, CPU seconds and faces."""
    with tempfile.TemporaryDirectory() as folder:
        settings = FrameSettings(
            ring_frames=frames if where == "memory" else 1,
            mode=ALERT if where == "memory" else CONTINUOUS,
            limits=Limits(frames=10 * frames),
            wait=True,
        )
        history = RobotHistory(folder, "robot1", pipelines[0].contract, settings)
        for number, jpeg in enumerate(islice(cycle(jpegs), frames)):
            history.add_frame(Frame("front", START_NS + number * STEP_NS, number, jpeg))
            if tracks is not None:
                history.add_tracks("front", START_NS + number * STEP_NS, number, tracks[number % len(jpegs)])
        if history.recorder is not None:
            history.recorder.drain(60.0)
        cpu, started = time.process_time(), time.perf_counter()
        source = LiveSource(history)
        wanted = frames_without_face(source, (history.sightings,), START_NS, START_NS + frames * STEP_NS)
        listed = time.perf_counter() - started
        done = rescan(source, wanted, history.sightings, pipelines, lambda: False)
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        assert done.scanned == frames, done
        assert not done.remaining, done
        history.close()
    return {"seconds": seconds, "cpu_s": cpu, "listed_s": listed, "faces": done.faces}


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--where", choices=("memory", "disk"), default="memory")
    parser.add_argument("--scene", action="append", choices=SCENES)
    parser.add_argument("--tracks", action="store_true")
    arguments = parse(parser)
    started = time.perf_counter()
    pipelines = [build_pipeline(VisionSettings()) for _ in range(arguments.threads)]
    loading = time.perf_counter() - started
    scenes = {scene: pictures(scene, arguments.data) for scene in arguments.scene or SCENES}
    tracks = {
        scene: detected_tracks(jpegs, pipelines[0]) if arguments.tracks else None for scene, jpegs in scenes.items()
    }
    rounds = {scene: [] for scene in scenes}
    for _ in range(arguments.rounds):
        for scene, jpegs in scenes.items():
            rounds[scene].append(measure(jpegs, tracks[scene], pipelines, arguments.frames, arguments.where))
    print(
        f"{arguments.frames} frames of 1280x720 in {arguments.where}, "
        f"{'tracks known' if arguments.tracks else 'no tracks'}, {arguments.threads} threads, models loaded in "
        f"{loading:.2f} s, load {os.getloadavg()[0]:.1f}"
    )
    print(f"{'scene':<8}{'seconds':>9}{'best':>8}{'CPU s':>8}{'ms/frame':>10}{'faces':>7}")
    result = {}
    for scene, runs in rounds.items():
        found = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        result[scene] = found | {"best_s": min(run["seconds"] for run in runs)}
        print(
            f"{scene:<8}{found['seconds']:>9.2f}{result[scene]['best_s']:>8.2f}{found['cpu_s']:>8.2f}"
            f"{1e3 * found['seconds'] / arguments.frames:>10.1f}{found['faces']:>7.0f}"
        )
    wanted = {key: getattr(arguments, key) for key in ("frames", "threads", "where", "tracks")}
    write_json(arguments.json, {**wanted, "loading_s": loading, "load": os.getloadavg()[0], "scenes": result})


if __name__ == "__main__":
    main()
