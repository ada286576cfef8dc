"""The whole pipeline with float32 and with INT8 models: frames a second in turns, and whether the same people are found.

    python benchmarks/int8_whole.py DATA_DIR [--seconds S] [--rounds N] [--size 1280x720] [--embedders NAME …]
                                    [--ways WAY …] [--small] [--json FILE]

DATA_DIR holds ``clips``, ``models``, ``faces/att_faces`` and ``tracking/TUD-Campus``. The person detector is calibrated on frames of
the clips that the pipeline does not run on, and judged by AP50 on TUD-Campus; embedders are calibrated on a quarter of ORL. YuNet
stays float32: it is no faster in INT8. Ways of running it: the bare loop (see pipeline.py), offline ingest, one process live. Each
round runs every way with float32 and INT8 in turns; medians over rounds. Embedders: MobileFaceNet, and a ResNet-50 made here (see
face_resnet50.py), fitted to half of the ORL people and to clips and people that the pipeline does not run on: a stand-in for somebody's
trained one. Its thresholds are those of one false match in a thousand pairs of the other half. What the pipeline finds must be the same
with both and as with MobileFaceNet; then faces alone decide: each face of the first half of the clip is searched among those of the
second half and of all other clips.
"""

import argparse
import json
import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from face_resnet50 import fit_head, make_network
from int8 import ORL_BORDER, ORL_SCALE, processor, resnet50_graph
from person_detection import LOWEST_SCORE
from pipeline import bare, part
from pipeline_clip import CLIP
from recognition import CLIPS

from facetrack_ros.config import Config
from facetrack_ros.models import catalog
from facetrack_ros.models.contract import ModelContract, write_contract
from facetrack_ros.models.resolver import resolve
from facetrack_ros.vision.embedding.onnx_face import OnnxFaceEmbedder
from facetrack_ros.vision.embedding.preprocess import FaceInput
from facetrack_ros.vision.evaluation.average_precision import precision_recall
from facetrack_ros.vision.evaluation.face_samples import enlarged
from facetrack_ros.vision.evaluation.mot_dataset import read_sequence
from facetrack_ros.vision.evaluation.verification import round_up, threshold_at
from facetrack_ros.vision.export.calibration_faces import FaceCrops, extract_face_crops, face_pipeline, find_pictures
from facetrack_ros.vision.export.int8 import (
    compare_embedders,
    int8_contract,
    quantise_embedder,
    quantise_graph,
    split_calibration,
)
from facetrack_ros.vision.export.publish import publish_model
from facetrack_ros.vision.factory import build_pipeline, open_model
from facetrack_ros.vision.inference.letterbox import Letterbox
from facetrack_ros.vision.inference.onnx_session import OnnxSession
from facetrack_ros.vision.settings import VisionSettings, vision_settings

#: Of each clip every so many frames calibrate the person detector.
EVERY = 4
#: YOLOX takes pixels as they are: with its first two convolutions in INT8 it loses every second person.
FLOAT = 2
MORE = 1.2
#: False-match rate at the threshold of the ResNet-50, on people that it was not fitted to.
RATE = 1e-3
#: Who is in the pipeline's clip and in others: not fitted to, whatever the clip.
KEPT_OUT = "A"
#: Faces that batch normalisation gets its statistics from are every so many of those fitted to.
STATISTICS = 3
#: The size at which faces of clips are looked for, and the width that their zones are given in.
SIZE, ZONES_WIDTH = (1280, 720), 480
EMBEDDERS = ("MobileFaceNet", "ResNet-50")
WAYS = ("bare", "ingest", "composed")
PRECISIONS = ("float32", "int8")


def make_models(data: Path, folder: Path, embedders: list[str]) -> tuple[dict[str, tuple[str, str]], dict[str, dict]]:
    """INT8 versions into ``folder``, which becomes a model folder.

    :return: ids by role, of float32 and of INT8; and, by embedder, how well they tell people apart.
    """
    found, told = {"person": (catalog.YOLOX_NANO.id, detector_in_int8(data, folder))}, {}
    mobile = resolve(catalog.MOBILEFACENET.id)
    embedder = OnnxFaceEmbedder(mobile.path, mobile.contract)
    crops = extract_face_crops(
        face_pipeline(embedder, VisionSettings()),
        embedder.input,
        find_pictures(data / "faces" / "att_faces", 10_000),
        enlarged(ORL_SCALE, ORL_BORDER),
    )
    if EMBEDDERS[0] in embedders:
        calibration, held_out = split_calibration(crops)
        int8 = embedder_in_int8(mobile.path, embedder, calibration, folder)
        found[EMBEDDERS[0]] = (mobile.contract.id, int8.id)
        told[EMBEDDERS[0]] = apart(embedder, OnnxFaceEmbedder(folder / int8.file, int8), held_out)[0]
    if EMBEDDERS[1] in embedders:
        began = time.perf_counter()
        fitted = np.isin(crops.people, np.unique(crops.people)[::2])
        others = crops.rows(~fitted)
        path, made = made_resnet50(data, crops.rows(fitted), folder)
        int8 = embedder_in_int8(path, made, split_calibration(crops.rows(fitted))[0], folder)
        took = time.perf_counter() - began
        told[EMBEDDERS[1]], thresholds = apart(made, OnnxFaceEmbedder(folder / int8.file, int8), others)
        told[EMBEDDERS[1]].update(
            seconds_to_make=took, auc_mobilefacenet=compare_embedders(embedder, embedder, others).auc[0]
        )
        # Their records again, now that the thresholds are known.
        kept = publish_model(path, replace(made.contract, threshold=thresholds[0]), folder)[0]
        write_contract(replace(int8, threshold=thresholds[1]), folder)
        found[EMBEDDERS[1]] = (kept.id, int8.id)
    return found, told


def made_resnet50(data: Path, crops: FaceCrops, folder: Path) -> tuple[Path, OnnxFaceEmbedder]:
    """The graph of the ResNet-50 made here, fitted to ORL faces and to those of other clips and people than the pipeline's."""
    import torch

    network_input, threads = FaceInput(catalog.RESNET50), torch.get_num_threads()
    more, people = clip_crops(data, network_input)
    faces, people = np.concatenate([crops.crops, more]), np.concatenate([crops.people, people])
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    weights = folder / "made_resnet50.pth"
    torch.save(make_network(torch.from_numpy(network_input.blob(faces[::STATISTICS]))).state_dict(), weights)
    torch.set_num_threads(threads)
    projection = fit_head(resnet50_graph(weights, folder)[1].embed_crops(faces), people)
    path, embedder = resnet50_graph(weights, folder, projection)
    contract = replace(embedder.contract, purpose="identity", threshold=1.0)
    return path, OnnxFaceEmbedder(path, contract)


def clip_crops(data: Path, face_input: FaceInput) -> tuple[np.ndarray, np.ndarray]:
    """Every fourth frame's usable faces of the other clips, but for the one person who is in the pipeline's too."""
    pipeline, crops, people = build_pipeline(VisionSettings()), [], []
    for name, zones in CLIPS.items():
        for number, frame in enumerate(frames_of(data, name) if name != CLIP else ()):
            if number % EVERY == 0:
                found = pipeline.faces(frame, pipeline.detect([frame])[0])
                usable = [face for face in found if not face.rejected]
                named = [person_at(face, zones) for face in usable]
                crops += [crop for crop, who in zip(face_input.crops(frame, usable), named) if who != KEPT_OUT]
                people += [who for who in named if who != KEPT_OUT]
    return np.stack(crops), np.array(people)


def frames_of(data: Path, name: str) -> list[np.ndarray]:
    video, pictures = cv2.VideoCapture(str(data / "clips" / name)), []
    while video.grab():
        pictures.append(cv2.resize(video.retrieve()[1], SIZE, interpolation=cv2.INTER_CUBIC))
    return pictures


def person_at(face, zones) -> str:
    middle = (face.bbox[0] + face.bbox[2]) / 2 * ZONES_WIDTH / SIZE[0]
    return next(who for end, who in zones if middle < end)


def apart(float32: OnnxFaceEmbedder, int8: OnnxFaceEmbedder, crops: FaceCrops) -> tuple[dict, list[float]]:
    """How well people are told apart that neither was fitted to, and the thresholds at :data:`RATE`."""
    found = compare_embedders(float32, int8, crops)
    thresholds = [round_up(threshold_at(impostor, RATE)) for impostor in found.impostor]
    told = {
        "people": found.people,
        "faces": len(found.cosines),
        "auc": list(found.auc),
        "thresholds": thresholds,
        "mean_cosine": float(found.cosines.mean()),
        "lowest_cosine": float(found.cosines.min()),
        "objection": found.objection,
    }
    return told, thresholds


def searched(data: Path, settings: dict[str, dict]) -> dict:
    """Each face of the clip's first half searched among the faces of its second half and of all other clips."""
    ranked, result = {}, {"first_right": {}, "right_above_threshold": {}, "stranger_above_threshold": {}}
    for kind, config in settings.items():
        pipeline = build_pipeline(vision_settings(Config(config)))
        probes, gallery, names = {}, [], []
        for name, zones in CLIPS.items():
            pictures = frames_of(data, name)
            for number, frame in enumerate(pictures):
                for face in pipeline.faces(frame, pipeline.detect([frame])[0]):
                    who = person_at(face, zones)
                    if face.embedding is not None and name == CLIP and number < len(pictures) // 2:
                        probes[number, who] = face.embedding
                    elif face.embedding is not None and (name == CLIP or who != KEPT_OUT):
                        gallery.append(face.embedding)
                        names.append(who)
        gallery, names, orders, right, strangers = np.array(gallery), np.array(names), {}, [], []
        for key, embedding in probes.items():
            best = {who: float((gallery[names == who] @ embedding).max()) for who in np.unique(names)}
            orders[key] = sorted(best, key=best.get, reverse=True)
            right.append(best.pop(key[1]))
            strangers.append(max(best.values()))
        ranked[kind] = orders
        threshold = pipeline.contract.threshold
        result["first_right"][kind] = float(np.mean([order[0] == who for (_, who), order in orders.items()]))
        result["right_above_threshold"][kind] = float(np.mean(np.array(right) >= threshold))
        result["stranger_above_threshold"][kind] = float(np.mean(np.array(strangers) >= threshold))
        result.setdefault("faces", {})[kind] = [len(probes), len(gallery)]
    both = [(ranked["float32"][key], ranked["int8"][key]) for key in ranked["float32"] if key in ranked["int8"]]
    result["same_first"] = float(np.mean([one[0] == other[0] for one, other in both]))
    result["same_first_three"] = float(np.mean([one[:3] == other[:3] for one, other in both]))
    return result


def detector_in_int8(data: Path, folder: Path) -> str:
    model = resolve(catalog.YOLOX_NANO.id)
    letterbox, pictures = Letterbox.of(model.contract), []
    for name in CLIPS:
        if name != CLIP:
            video = cv2.VideoCapture(str(data / "clips" / name))
            while video.grab():
                pictures.append(video.retrieve()[1])
    made = folder / "made.onnx"
    quantise_graph(
        model.path,
        OnnxSession(model.path).input_name,
        (letterbox.blob([one])[0] for one in pictures[::EVERY]),
        made,
        float_convolutions=FLOAT,
    )
    return publish_model(made, int8_contract(model.contract), folder)[0].id


def embedder_in_int8(path: Path, embedder: OnnxFaceEmbedder, calibration: FaceCrops, folder: Path) -> ModelContract:
    made = folder / "made.onnx"
    quantise_embedder(path, embedder, calibration, made)
    return publish_model(made, int8_contract(embedder.contract), folder)[0]


def ap50(model_id: str, data: Path) -> float:
    """Area under precision over recall on TUD-Campus, as person_detection.py has it."""
    sequence = read_sequence(data / "tracking" / "TUD-Campus")
    detector = open_model(model_id, "person", VisionSettings(person_score=LOWEST_SCORE))[1]
    found = [detector.detect([cv2.imread(str(path))])[0] for path in sequence.pictures]
    return precision_recall(sequence.truth, [one.boxes for one in found], [one.scores for one in found]).average


def people(options: dict) -> list:
    """Events of the clip, frame after frame on one thread."""
    return part("tracked", **options, frames=48, fps=6.0)["events"]


def measure(
    options: dict, settings: dict[str, dict], ways: tuple[str, ...], seconds: float, rounds: int, workers: int
) -> dict:
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
    return {
        "fps": middle,
        "ratios": {way: both["int8"] / both["float32"] for way, both in middle.items()},
        "all_fps": fps,
        "stages_ms": {
            kind: {name: float(np.median([one[name] for one in each])) for name in each[0]}
            for kind, each in stages.items()
        },
    }


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
    print(
        f"{results['processor']}, {workers} cores, load {results['load']:.1f}; frames of {arguments.size}, {arguments.rounds} rounds"
    )
    with tempfile.TemporaryDirectory(prefix="facetrack_bench_") as made:
        os.environ["FACETRACK_MODELS"] = os.pathsep.join(
            [made, os.environ.get("FACETRACK_MODELS", str(data / "models"))]
        )
        models, told = make_models(data, Path(made), arguments.embedders)
        persons = models.pop("person")
        results["ap50"] = {kind: ap50(name, data) for kind, name in zip(PRECISIONS, persons)}
        print(
            "person detector, AP50 on TUD-Campus: "
            + ", ".join(f"{kind} {area:.4f}" for kind, area in results["ap50"].items())
        )
        options = {"data": str(data), "size": tuple(int(side) for side in arguments.size.split("x"))}
        usual = people({**options, "config": {}})
        for name, embedders in models.items():
            settings = {
                kind: {"detector.model": person, "embedder.model": embedder}
                for kind, person, embedder in zip(PRECISIONS, persons, embedders)
            }
            found = measure(options, settings, tuple(arguments.ways), arguments.seconds, arguments.rounds, workers)
            seen = [people({**options, "config": settings[kind]}) for kind in PRECISIONS]
            found["events"] = [len(each) for each in seen]
            found["persons"] = [len({person for _, _, person in each}) for each in seen]
            found["same"] = seen[0] == seen[1]
            found["same_as_usual"] = [each == usual for each in seen]
            found["held_out"] = told[name]
            found["searched"] = {} if arguments.small else searched(data, settings)
            results[name] = found
            show(name, found)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


def show(name: str, found: dict) -> None:
    print(f"\n{name}\n{'way':<10}{'float32 fps':>12}{'INT8 fps':>10}{'ratio':>8}")
    for way, both in found["fps"].items():
        print(f"{way:<10}{both['float32']:>12.1f}{both['int8']:>10.1f}{found['ratios'][way]:>8.2f}")
    for kind, stages in found["stages_ms"].items():
        print(
            f"stages of the bare loop, {kind}, ms: "
            + ", ".join(f"{stage} {spent:.1f}" for stage, spent in stages.items())
        )
    print(
        f"persons {found['persons'][0]} and {found['persons'][1]}, events {found['events'][0]} and {found['events'][1]}: "
        f"{'the same' if found['same'] else 'not the same'}; as with MobileFaceNet in float32: "
        f"{' and '.join('yes' if each else 'no' for each in found['same_as_usual'])}"
    )
    held = found["held_out"]
    print(
        f"{held['faces']} faces of {held['people']} people not fitted or calibrated to: AUC {held['auc'][0]:.4f} and {held['auc'][1]:.4f}, "
        f"cosine {held['mean_cosine']:.4f}, lowest {held['lowest_cosine']:.4f}, thresholds at {RATE:g} {held['thresholds']}"
        + (
            f"; made in {held['seconds_to_make']:.0f} s, AUC of MobileFaceNet {held['auc_mobilefacenet']:.4f}"
            if "seconds_to_make" in held
            else ""
        )
        + (f"; not to be offered: {held['objection']}" if held["objection"] else "")
    )
    if found["searched"]:
        looked = found["searched"]
        print(
            "faces of the clip's first half among those of its second half and of other clips "
            + str(looked["faces"]["float32"])
            + ", float32 and INT8: "
            + "; ".join(
                f"{name.replace('_', ' ')} {looked[name]['float32']:.3f} and {looked[name]['int8']:.3f}"
                for name in ("first_right", "right_above_threshold", "stranger_above_threshold")
            )
            + f"; the same first {looked['same_first']:.3f}, the same first three {looked['same_first_three']:.3f}"
        )


if __name__ == "__main__":
    main()
