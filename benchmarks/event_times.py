"""Frames of PERSON_IN and PERSON_OUT compared with the true ones, in the demo's staged clips.

    python benchmarks/event_times.py DATA_DIR [--model yolox_nano] [--faint 1.0 0.1 0.05] [--json FILE]

DATA_DIR holds ``models``. Printed of each staged visit: the frames (10 a second) between which any of the person is in
the picture ("sliver"), half of the body's width is ("half": its centre line has crossed the edge) and the whole face
is; and the frames of PERSON_IN and of the last detection before PERSON_OUT, for each lowest score of faint boxes (1:
none are used). Then the detector's best score of the person in each frame of coming and going, and the time and number
of boxes with and without low scores, in turns on the same frames.

Last a film, ``clips/one-by-one-person-detection.mp4``, whose six people come from below, without faces: the frame in
which each is first visible, that of PERSON_IN, and the frame at which PERSON_IN was reported.
"""

import os
import tempfile
import time
from pathlib import Path

import numpy as np
from common import argument_parser, markdown_table, parse, write_json

from facetrack_ros.config import Config
from facetrack_ros.demo.staging import FPS, HEIGHT, WALKS, WIDTH, cutout_span, make_stage
from facetrack_ros.sources.factory import open_source
from facetrack_ros.sources.stamped_frames import stamped_frames
from facetrack_ros.tracking.factory import make_people_tracker
from facetrack_ros.tracking.id_allocator import IdAllocator
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.settings import vision_settings

#: Lowest score in the list of scores.
LOWEST = 0.05
#: The film, and the frames in which its people are first visible.
FILM, FILM_FPS, FIRST_VISIBLE = "one-by-one-person-detection.mp4", 10, (60, 227, 502, 744, 921, 1234)


def read_clip(clip: Path) -> list:
    """Frames of a clip."""
    return list(stamped_frames(open_source(str(clip)), "front", 0, 90))


def events_of(shown: list, pipeline, config: Config) -> list[tuple[int, int]]:
    """First and last frame of each visit in one camera, by its events."""
    people = make_people_tracker("robot1", IdAllocator(), config, pipeline.contract)
    events = []
    for frame in shown:
        detections = pipeline.detect([frame.image])[0]
        faces = pipeline.faces(frame.image, detections)
        events += people.update("front", frame.stamp_ns, frame.number, detections, faces)[1]
    events += people.close()
    came = sorted((event for event in events if event.event == "PERSON_IN"), key=lambda event: event.stamp_ns)
    left = {event.person_id: event for event in events if event.event == "PERSON_OUT"}
    return [(frame_at(event.stamp_ns), frame_at(left[event.person_id].last_seen_ns)) for event in came]


def frame_at(stamp_ns: int) -> int:
    """Number of the frame at a stamp of a clip that begins at 0."""
    return round(stamp_ns * FPS / 1e9)


def best_scores(shown: list, pipeline, walk, span: tuple[int, int]) -> dict[int, float]:
    """By frame, the best score of a box at the horizontal position of the person; 0: there is none."""
    best = {}
    for number in range(*span):
        found = pipeline.detect([shown[number].image])[0]
        x1, x2 = cutout_span(walk, number / FPS)
        shared = np.minimum(found.boxes[:, 2], x2) - np.maximum(found.boxes[:, 0], x1)
        # The boxes of slivers are a few pixels wider than the slivers.
        own = shared >= 0.5 * (found.boxes[:, 2] - found.boxes[:, 0])
        best[number] = round(float(found.scores[own].max(initial=0)), 2)
    return best


def cost(images: list, config: Config, faint: float) -> dict[float, tuple[float, float]]:
    """Milliseconds a frame, median, and boxes a frame, by faint score: 1 (no faint boxes) and ``faint``."""
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


def staged_visits(stage) -> list[dict]:
    """The staged visits, their spans in frames, without events."""
    return [
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


def add_events(visits: list[dict], clips: dict, faint: float, base: dict) -> dict[str, int]:
    """Add the frames of events to each visit; the surplus of events by faint score and camera."""
    config = Config({**base, "detector.faint_score": faint})
    pipeline = build_pipeline(vision_settings(config))
    surplus = {}
    for place, frames in clips.items():
        own = [visit for visit in visits if (visit["robot"], visit["camera"]) == place]
        found = events_of(frames, pipeline, config)
        surplus[f"{faint:g} {'/'.join(place)}"] = len(found) - len(own)
        for visit, span in zip(sorted(own, key=lambda visit: visit["sliver"][0]), found):
            visit["events"][f"{faint:g}"] = span
    return surplus


def print_visits(visits: list[dict], columns: list[str]) -> None:
    """Print true frames and those of events, of each visit."""
    head = ("visit", "", "sliver", "half", "face", *(f"event, faint {column}" for column in columns))
    rows = [
        (
            f"{visit['robot']}/{visit['camera']}, {visit['person']}",
            word,
            *(visit[name][end] for name in ("sliver", "half", "face")),
            *(visit["events"][column][end] for column in columns),
        )
        for visit in visits
        for end, word in enumerate(("in", "out"))
    ]
    print(markdown_table(head, rows))


def print_errors(visits: list[dict], columns: list[str]) -> dict:
    """Print and return largest and median distance of the events to the true frames, and how many are within two."""
    summary: dict[str, dict[str, tuple]] = {"sliver": {}, "half": {}}
    for name, row in summary.items():
        for column in columns:
            off = [abs(visit["events"][column][end] - visit[name][end]) for visit in visits for end in (0, 1)]
            row[column] = (max(off), float(np.median(off)), sum(each <= 2 for each in off))
    print(
        "\nFrames off, largest / median / within two, of 8 (an event between sliver and half is late of the one, early "
        "of the other)\n"
    )
    rows = ((name, *("{} / {:g} / {}".format(*row[column]) for column in columns)) for name, row in summary.items())
    print(markdown_table(("from", *(f"faint {column}" for column in columns)), rows))
    return summary


def print_film(film: Path, faint_scores: list[float], base: dict) -> dict:
    """Print and return the frames of PERSON_IN in the film and those at which they were reported, by faint score."""
    came: dict[str, list[tuple[int, int]]] = {}
    for faint in faint_scores:
        config = Config({**base, "detector.faint_score": faint})
        pipeline = build_pipeline(vision_settings(config))
        people = make_people_tracker("robot1", IdAllocator(), config, pipeline.contract)
        found = came[f"{faint:g}"] = []
        for frame in stamped_frames(open_source(str(film)), "front", 0, 90):
            events = people.update("front", frame.stamp_ns, frame.number, pipeline.detect([frame.image])[0], ())[1]
            stamps = (event.stamp_ns for event in events if event.event == "PERSON_IN")
            found += [(round(stamp_ns * FILM_FPS / 1e9), frame.number) for stamp_ns in stamps]
    print(f"\n{film.stem}: first visible, and PERSON_IN / reported at, frames, {FILM_FPS} a second\n")
    rows = [
        (first, *(f"{found[index][0]} / {found[index][1]}" if index < len(found) else "-" for found in came.values()))
        for index, first in enumerate(FIRST_VISIBLE)
    ]
    print(markdown_table(("first visible", *(f"faint {column}" for column in came)), rows))
    print("arrivals: " + ", ".join(f"{len(found)} with faint {column}" for column, found in came.items()))
    return came


def print_scores(visits: list[dict], clips: dict, base: dict) -> None:
    """Print the person's best score in each frame of coming and going, and add it to the visits."""
    low = build_pipeline(vision_settings(Config({**base, "detector.min_score": LOWEST, "detector.faint_score": 1.0})))
    print(
        "\nBest score of the person, frame by frame from the first sliver to half, and from half to the last "
        f"(0: below {LOWEST})\n"
    )
    for walk, visit in zip(WALKS, visits):
        (first, last), (first_half, last_half) = visit["sliver"], visit["half"]
        for word, span in (("in", (first, first_half + 1)), ("out", (last_half, last + 1))):
            visit[f"scores_{word}"] = scores = best_scores(clips[walk.robot, walk.camera], low, walk, span)
            print(
                f"{walk.robot}/{walk.camera}, {walk.person}, {word}, from frame {span[0]}: "
                + " ".join(f"{score:.2f}" for score in scores.values())
            )


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--model", default="yolox_nano")
    parser.add_argument("--faint", type=float, nargs="+", default=[1.0, 0.1, 0.05])
    arguments = parse(parser)
    base = {"detector.model": arguments.model}
    with tempfile.TemporaryDirectory() as folder:
        stage = make_stage(Path(folder))
        clips = {place: read_clip(clip) for place, clip in stage.clips.items()}
    visits, surplus = staged_visits(stage), {}
    for faint in arguments.faint:
        surplus |= add_events(visits, clips, faint, base)
    print(
        f"Persons by {arguments.model} at {WIDTH}x{HEIGHT}; frames, {FPS} a second; arrivals more or fewer than "
        f"staged: {sum(map(abs, surplus.values()))}\n"
    )
    columns = [f"{faint:g}" for faint in arguments.faint]
    print_visits(visits, columns)
    errors = print_errors(visits, columns)
    print_scores(visits, clips, base)
    images = [frame.image for frames in clips.values() for frame in frames][::4]
    print(f"\nload {os.getloadavg()[0]:.1f}; detection, ms a frame, median, and boxes a frame:")
    costs = cost(images, Config(base), min(arguments.faint))
    for score, (spent, boxes) in costs.items():
        print(f"faint {score:g}: {spent:.2f} ms, {boxes:.1f} boxes")
    film = print_film(arguments.data / "clips" / FILM, arguments.faint, base)
    results = {
        "film": film,
        "model": arguments.model,
        "visits": visits,
        "more_or_fewer": surplus,
        "off": errors,
        "cost": costs,
    }
    write_json(arguments.json, results)


if __name__ == "__main__":
    main()
