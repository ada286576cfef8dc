"""The whole pipeline with float32 and with INT8 models: frames a second in turns, and whether the same people are found.

    python benchmarks/int8_whole.py DATA_DIR [--seconds S] [--rounds N] [--size 1280x720] [--embedders NAME …]
                                    [--small] [--json FILE]

DATA_DIR holds ``clips``, ``models``, ``faces/att_faces`` and ``tracking/TUD-Campus``. The person detector is calibrated on frames of
the clips that the pipeline does not run on, and judged by AP50 on TUD-Campus; embedders are calibrated on a quarter of ORL. YuNet
stays float32: it is no faster in INT8. Ways of running it: the bare loop (see pipeline.py), offline ingest, one process live. Each
round runs every way with float32 and INT8 in turns; medians over rounds. Embedders: MobileFaceNet, and ResNet-50 on random seeded
weights, whose speed does not depend on them (whom it takes for whom means nothing: there tracks alone are compared).
"""

import argparse
import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from int8 import ORL_BORDER, ORL_SCALE, processor, random_resnet50, resnet50_graph
from pipeline import bare, part
from person_detection import LOWEST_SCORE
from pipeline_clip import CLIP
from recognition import CLIPS

from facetrack_ros.vision import catalog
from facetrack_ros.vision.build import VisionSettings, open_model
from facetrack_ros.vision.evaluation.average_precision import precision_recall
from facetrack_ros.vision.evaluation.labelled_faces import enlarged
from facetrack_ros.vision.evaluation.mot_truth import read_sequence
from facetrack_ros.vision.face_crops import face_crops, face_finder, pictures_below
from facetrack_ros.vision.letterbox import Letterbox
from facetrack_ros.vision.made_model import keep
from facetrack_ros.vision.onnx_embedder import OnnxFaceEmbedder
from facetrack_ros.vision.onnx_session import OnnxSession
from facetrack_ros.vision.quantisation import int8_contract, quantise, quantise_graph, split
from facetrack_ros.vision.resolve import resolve

#: Of each clip every so many frames calibrate the person detector.
EVERY = 4
#: YOLOX takes pixels as they are: with its first two convolutions in INT8 it loses every second person.
FLOAT = 2
MORE = 1.2
#: Cosine from which two embeddings of random weights are one person: never.
NOBODY = 1.0
EMBEDDERS = ("MobileFaceNet", "ResNet-50")
WAYS = ("bare", "ingest", "composed")
PRECISIONS = ("float32", "int8")


def make_models(data: Path, folder: Path, embedders: "list[str]") -> "dict[str, tuple[str, str]]":
    """INT8 versions into ``folder``, which becomes a model folder; ids by role, of float32 and of INT8."""
    found = {"person": (catalog.YOLOX_NANO.id, detector_in_int8(data, folder))}
    mobile = resolve(catalog.MOBILEFACENET.id)
    embedder = OnnxFaceEmbedder(mobile.path, mobile.contract)
    crops = face_crops(face_finder(embedder, VisionSettings()), embedder.input, pictures_below(data / "faces" / "att_faces", 10_000),
                       enlarged(ORL_SCALE, ORL_BORDER))
    calibration = split(crops)[0]
    if EMBEDDERS[0] in embedders:
        found[EMBEDDERS[0]] = (mobile.contract.id, embedder_in_int8(mobile.path, embedder, calibration, folder))
    if EMBEDDERS[1] in embedders:
        path, embedder = resnet50_graph(random_resnet50(folder), folder)
        contract = replace(embedder.contract, purpose="identity", threshold=NOBODY)
        embedder = OnnxFaceEmbedder(path, contract)
        int8 = embedder_in_int8(path, embedder, calibration, folder)
        found[EMBEDDERS[1]] = (keep(path, contract, folder)[0].id, int8)
    return found


def detector_in_int8(data: Path, folder: Path) -> str:
    model = resolve(catalog.YOLOX_NANO.id)
    letterbox, pictures = Letterbox.of(model.contract), []
    for name in CLIPS:
        if name != CLIP:
            video = cv2.VideoCapture(str(data / "clips" / name))
            while video.grab():
                pictures.append(video.retrieve()[1])
    made = folder / "made.onnx"
    quantise_graph(model.path, OnnxSession(model.path).input_name, (letterbox.blob([one])[0] for one in pictures[::EVERY]), made,
                   float_convolutions=FLOAT)
    return keep(made, int8_contract(model.contract), folder)[0].id


def embedder_in_int8(path: Path, embedder: OnnxFaceEmbedder, calibration, folder: Path) -> str:
    made = folder / "made.onnx"
    quantise(path, embedder, calibration, made)
    return keep(made, int8_contract(embedder.contract), folder)[0].id


def ap50(model_id: str, data: Path) -> float:
    """Area under precision over recall on TUD-Campus, as person_detection.py has it."""
    sequence = read_sequence(data / "tracking" / "TUD-Campus")
    detector = open_model(model_id, "person", VisionSettings(person_score=LOWEST_SCORE))[1]
    found = [detector.detect([cv2.imread(str(path))])[0] for path in sequence.pictures]
    return precision_recall(sequence.truth, [one.boxes for one in found], [one.scores for one in found]).average


def people(options: dict) -> "list":
    """Events of the clip, frame after frame on one thread."""
    return part("tracked", **options, frames=48, fps=6.0)["events"]


def measure(options: dict, settings: "dict[str, dict]", ways: "tuple[str, ...]", seconds: float, rounds: int, workers: int) -> dict:
    """Frames a second by way and precision, in turns; the bare loop's stages with them."""
    fps = {way: {kind: [] for kind in PRECISIONS} for way in ways}
    stages, limit = {kind: [] for kind in PRECISIONS}, {}
    for _ in range(rounds):
        for way in ways:
            for kind in PRECISIONS:
                own = {**options, "config": settings[kind], "seconds": seconds}
                if way == "bare":
                    found = bare(own, workers)
                    limit[kind] = found["fps"]
                    stages[kind].append(found["stages_ms"])
                elif way == "ingest":
                    found = part("ingest", **own, cameras=1, frames=round(limit[kind] * seconds))
                else:
                    found = part("composed", **own, cameras=1, fps=MORE * limit[kind])
                fps[way][kind].append(found["fps"])
    middle = {way: {kind: float(np.median(each)) for kind, each in both.items()} for way, both in fps.items()}
    return {"fps": middle, "ratios": {way: both["int8"] / both["float32"] for way, both in middle.items()}, "all_fps": fps,
            "stages_ms": {kind: {name: float(np.median([one[name] for one in each])) for name in each[0]}
                          for kind, each in stages.items()}}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--embedders", nargs="+", choices=EMBEDDERS, default=EMBEDDERS)
    parser.add_argument("--small", action="store_true", help="does it run at all")
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    if arguments.small:
        arguments.seconds, arguments.rounds, arguments.ways, arguments.embedders = 0.5, 1, ("bare",), EMBEDDERS[:1]
    data, workers = arguments.data.resolve(), len(os.sched_getaffinity(0))
    results = {"processor": processor(), "cores": workers, "load": os.getloadavg()[0]}
    print(f"{results['processor']}, {workers} cores, load {results['load']:.1f}; frames of {arguments.size}, {arguments.rounds} rounds")
    with tempfile.TemporaryDirectory(prefix="facetrack_bench_") as made:
        os.environ["FACETRACK_MODELS"] = os.pathsep.join([made, os.environ.get("FACETRACK_MODELS", str(data / "models"))])
        models = make_models(data, Path(made), arguments.embedders)
        persons = models.pop("person")
        results["ap50"] = {kind: ap50(name, data) for kind, name in zip(PRECISIONS, persons)}
        print("person detector, AP50 on TUD-Campus: " + ", ".join(f"{kind} {area:.4f}" for kind, area in results["ap50"].items()))
        options = {"data": str(data), "size": tuple(int(side) for side in arguments.size.split("x"))}
        for name, embedders in models.items():
            settings = {kind: {"detector.model": person, "embedder.model": embedder}
                        for kind, person, embedder in zip(PRECISIONS, persons, embedders)}
            found = measure(options, settings, tuple(arguments.ways), arguments.seconds, arguments.rounds, workers)
            seen = [people({**options, "config": settings[kind]}) for kind in PRECISIONS]
            found["events"] = [len(each) for each in seen]
            found["persons"] = [len({person for _, _, person in each}) for each in seen]
            found["same"] = seen[0] == seen[1]
            results[name] = found
            show(name, found)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


def show(name: str, found: dict) -> None:
    print(f"\n{name}\n{'way':<10}{'float32 fps':>12}{'INT8 fps':>10}{'ratio':>8}")
    for way, both in found["fps"].items():
        print(f"{way:<10}{both['float32']:>12.1f}{both['int8']:>10.1f}{found['ratios'][way]:>8.2f}")
    for kind, stages in found["stages_ms"].items():
        print(f"stages of the bare loop, {kind}, ms: " + ", ".join(f"{stage} {spent:.1f}" for stage, spent in stages.items()))
    print(f"persons {found['persons'][0]} and {found['persons'][1]}, events {found['events'][0]} and {found['events'][1]}: "
          f"{'the same' if found['same'] else 'not the same'}")


if __name__ == "__main__":
    main()
