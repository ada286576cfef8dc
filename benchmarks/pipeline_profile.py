"""CPU time of a frame on its way through the robot, by function: a profile of the hot path.

    python benchmarks/pipeline_profile.py DATA_DIR [--size 1280x720] [--frames 120] [--out FILE] [--json FILE]

One thread does what the workers and the tracker of a robot do to each frame of the clip: analyse, track, store. Times
are of the thread, so that other programs do not count; a function's own time leaves out what it calls.
"""

import cProfile
import pstats
import tempfile
import time
from pathlib import Path

from common import argument_parser, parse, parse_size, write_json
from pipeline_clip import jpegs

from facetrack_ros.config import Config
from facetrack_ros.core.frame import Frame
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.robot_history import RobotHistory
from facetrack_ros.pipeline.analysis_stage import AnalysisStage
from facetrack_ros.pipeline.face_stage import FaceStage
from facetrack_ros.pipeline.history_writer import HistoryWriter
from facetrack_ros.pipeline.robot_pipeline import RobotPipeline
from facetrack_ros.pipeline.tracking_stage import TrackingStage
from facetrack_ros.tracking.factory import make_people_tracker
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.frame_analysis import AnalysisTask, FrameAnalyzer
from facetrack_ros.vision.settings import vision_settings

SHOWN = 40
WARM_UP = 10
CAMERAS = ("front",)


def profile_frames(pictures: list[bytes], count: int) -> cProfile.Profile:
    """Profile of ``count`` frames through the stages of a robot, after ten frames to warm up."""
    config = Config()
    pipeline = build_pipeline(vision_settings(config))
    analyzer = FrameAnalyzer(pipeline)
    analysis = AnalysisStage(CAMERAS, config, FaceStage(CAMERAS, config, lambda: True))
    tracking = TrackingStage(CAMERAS, config)
    tracking.people = make_people_tracker("robot1", IdAllocator(), config, pipeline.contract)
    profile = cProfile.Profile(time.thread_time)
    with tempfile.TemporaryDirectory() as folder:
        history = RobotHistory(folder, "robot1", pipeline.contract, FrameSettings.of_config(config))
        writer = HistoryWriter(history, log_events=True)
        RobotPipeline(writer, analysis, tracking)
        for number in range(WARM_UP + count):
            if number == WARM_UP:
                profile.enable()
            frame = Frame("front", round(1e18) + number * 40_000_000, number, pictures[number % len(pictures)])
            result = analysis.begin(frame)
            if isinstance(result, AnalysisTask):
                result = result.run(analyzer)
            writer.images = frame
            analysis.deliver(frame, result)
        profile.disable()
        history.close()
    return profile


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--size", type=parse_size, default=(1280, 720))
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the printed table there, too")
    arguments = parse(parser)
    profile = profile_frames(jpegs(arguments.data, arguments.size), arguments.frames)
    rows = []
    for (file, _line, function), (_, calls, own, whole, _) in pstats.Stats(profile).stats.items():
        place = Path(file)
        name = function if file == "~" else f"{place.parent.name}/{place.name}:{function}"
        rows.append(
            {
                "function": name,
                "calls": calls / arguments.frames,
                "own_ms": own / arguments.frames * 1e3,
                "whole_ms": whole / arguments.frames * 1e3,
            }
        )
    total = sum(row["own_ms"] for row in rows)
    rows = sorted(rows, key=lambda row: -row["own_ms"])[:SHOWN]
    lines = [
        f"{arguments.size[0]}x{arguments.size[1]}, {arguments.frames} frames, three people, every face embedded: "
        f"{total:.1f} ms of one thread a frame, the profiler's own cost included",
        "",
        f"{'own ms':>8}{'share':>8}{'with calls':>12}{'calls':>8}  function",
        *(
            f"{row['own_ms']:>8.2f}{row['own_ms'] / total:>8.1%}{row['whole_ms']:>12.2f}{row['calls']:>8.1f}  "
            f"{row['function']}"
            for row in rows
        ),
    ]
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.out:
        arguments.out.write_text(text)
    write_json(arguments.json, rows)


if __name__ == "__main__":
    main()
