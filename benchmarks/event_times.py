"""When the events say that people came and went, against when they did, in the demo's staged clips.

    python benchmarks/event_times.py DATA_DIR [--model yolox_nano] [--faint 1.0 0.1 0.05] [--json FILE]

DATA_DIR holds ``models``. Of each staged visit: the frames (10 a second) between which any of the person is in the picture
("sliver"), half of the body's width is ("half": its centre line has crossed the edge) and the whole face is; and the
frames of PERSON_IN and of PERSON_OUT's last sight, for each lowest score of faint boxes (1: none are used). Then the best score
that the detector gives the person in each frame of coming and going, the picture's other people left aside, and what asking the
detector for low scores costs, both ways in turns on the same frames.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np

from facetrack_ros.config import Config
from facetrack_ros.demo.staging import FPS, HEIGHT, WALKS, WIDTH, cutout_span, make_stage
from facetrack_ros.sources.factory import open_source
from facetrack_ros.sources.stamped_frames import stamped_frames
from facetrack_ros.tracking.factory import make_people_tracker
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.settings import vision_settings

# A detector is asked down to here for the list of scores.
LOWEST = 0.05


def read(clip: Path) -> list:
    """A clip's frames."""
    return list(stamped_frames(open_source(str(clip)), "front", 0, 90))


def events_of(shown: list, pipeline, config: Config) -> list[tuple[int, int]]:
    """For each visit in one camera the frame it began with and the last one that showed the person."""
    people = make_people_tracker("robot1", IdAllocator(), config, pipeline.contract)
    events = []
    for frame in shown:
        detections = pipeline.detect([frame.image])[0]
        events += people.update(
            "front", frame.stamp_ns, frame.number, detections, pipeline.faces(frame.image, detections)
        )[1]
    events += people.close()
    came = sorted((event for event in events if event.event == "PERSON_IN"), key=lambda event: event.stamp_ns)
    left = {event.person_id: event for event in events if event.event == "PERSON_OUT"}
    return [(frame_at(event.stamp_ns), frame_at(left[event.person_id].last_seen_ns)) for event in came]


def frame_at(stamp_ns: int) -> int:
    """Number of the frame at a stamp of a clip that begins at 0."""
    return round(stamp_ns * FPS / 1e9)


def best_scores(shown: list, pipeline, walk, span: tuple[int, int]) -> dict[int, float]:
    """By frame the best score of a box that lies, across, where the person is; 0: there is none."""
    best = {}
    for number in range(*span):
        found = pipeline.detect([shown[number].image])[0]
        x1, x2 = cutout_span(walk, number / FPS)
        shared = np.minimum(found.boxes[:, 2], x2) - np.maximum(found.boxes[:, 0], x1)
        # The boxes of slivers are a few pixels wider than those.
        theirs = shared >= 0.5 * (found.boxes[:, 2] - found.boxes[:, 0])
        best[number] = round(float(found.scores[theirs].max(initial=0)), 2)
    return best


def cost(images: list, config: Config, faint: float) -> dict[float, tuple[float, float]]:
    """Milliseconds a frame, median, and boxes a frame, by faint score: none, and ``faint``."""
    pipelines = {
        score: build_pipeline(vision_settings(Config({**dict(config.items()), "detector.faint_score": score})))
        for score in (1.0, faint)
    }
    spent, boxes = {score: [] for score in pipelines}, dict.fromkeys(pipelines, 0)
    for turn, image in enumerate(images):
        for score in sorted(pipelines, reverse=bool(turn % 2)):
            started = time.perf_counter()
            found = pipelines[score].detect([image])[0]
            spent[score].append((time.perf_counter() - started) * 1e3)
            boxes[score] += len(found) + (0 if found.low_score_edge_boxes is None else len(found.low_score_edge_boxes))
    return {score: (float(np.median(spent[score])), boxes[score] / len(images)) for score in pipelines}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="yolox_nano")
    parser.add_argument("--faint", type=float, nargs="+", default=[1.0, 0.1, 0.05])
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    os.environ["FACETRACK_MODELS"] = str(arguments.data / "models")
    base = {"detector.model": arguments.model}
    with tempfile.TemporaryDirectory() as folder:
        stage = make_stage(Path(folder))
        clips = {place: read(clip) for place, clip in stage.clips.items()}
    visits = [
        {
            "robot": visit.robot,
            "camera": visit.camera,
            "person": visit.person,
            **{
                name: [round(second * FPS) for second in span]
                for name, span in (("sliver", visit.body_s), ("half", visit.half_s), ("face", visit.face_s))
            },
            "events": {},
        }
        for visit in stage.visits
    ]
    extra = {}
    for faint in arguments.faint:
        config = Config({**base, "detector.faint_score": faint})
        pipeline = build_pipeline(vision_settings(config))
        for place, shown in clips.items():
            here = sorted(
                (visit for visit in visits if (visit["robot"], visit["camera"]) == place),
                key=lambda visit: visit["sliver"][0],
            )
            found = events_of(shown, pipeline, config)
            extra[f"{faint:g} {'/'.join(place)}"] = len(found) - len(here)
            for visit, span in zip(here, found):
                visit["events"][f"{faint:g}"] = span
    print(
        f"Persons by {arguments.model} at {WIDTH}x{HEIGHT}; frames, {FPS} a second; arrivals more or fewer than staged: "
        f"{sum(map(abs, extra.values()))}\n"
    )
    columns = [f"{faint:g}" for faint in arguments.faint]
    print(
        "| visit | | sliver | half | face | "
        + " | ".join(f"event, faint {column}" for column in columns)
        + " |\n|---"
        + "|---" * (4 + len(columns))
        + "|"
    )
    for visit in visits:
        for end, word in enumerate(("in", "out")):
            print(
                f"| {visit['robot']}/{visit['camera']}, {visit['person']} | {word} | {visit['sliver'][end]} | "
                f"{visit['half'][end]} | {visit['face'][end]} | "
                + " | ".join(str(visit["events"][column][end]) for column in columns)
                + " |"
            )
    print(
        "\nFrames off, largest / median / within two, of 8 (an event between sliver and half is late of the one, early of the other)\n"
    )
    print("| from | " + " | ".join(f"faint {column}" for column in columns) + " |\n|---" + "|---" * len(columns) + "|")
    summary = {}
    for name in ("sliver", "half"):
        summary[name] = {}
        for column in columns:
            off = [abs(visit["events"][column][end] - visit[name][end]) for visit in visits for end in (0, 1)]
            summary[name][column] = (max(off), float(np.median(off)), sum(each <= 2 for each in off))
        print(f"| {name} | " + " | ".join("{} / {:g} / {}".format(*summary[name][column]) for column in columns) + " |")

    low = build_pipeline(vision_settings(Config({**base, "detector.min_score": LOWEST, "detector.faint_score": 1.0})))
    print(
        f"\nBest score of the person, frame by frame from the first sliver to half, and from half to the last (0: below {LOWEST})\n"
    )
    for walk, visit in zip(WALKS, visits):
        for word, span in (
            ("in", (visit["sliver"][0], visit["half"][0] + 1)),
            ("out", (visit["half"][1], visit["sliver"][1] + 1)),
        ):
            scores = best_scores(clips[walk.robot, walk.camera], low, walk, span)
            visit[f"scores_{word}"] = scores
            print(
                f"{walk.robot}/{walk.camera}, {walk.person}, {word}, from frame {span[0]}: "
                + " ".join(f"{score:.2f}" for score in scores.values())
            )
    images = [frame.image for shown in clips.values() for frame in shown][::4]
    print(f"\nload {os.getloadavg()[0]:.1f}; detection, ms a frame, median, and boxes a frame:")
    costs = cost(images, Config(base), min(arguments.faint))
    for score, (spent, boxes) in costs.items():
        print(f"faint {score:g}: {spent:.2f} ms, {boxes:.1f} boxes")
    if arguments.json:
        arguments.json.write_text(
            json.dumps(
                {"model": arguments.model, "visits": visits, "more_or_fewer": extra, "off": summary, "cost": costs},
                indent=2,
            )
            + "\n"
        )


if __name__ == "__main__":
    main()
