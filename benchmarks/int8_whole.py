"""The whole pipeline with float32 and with INT8 models: frames a second in turns, and whether results agree.

    python benchmarks/int8_whole.py DATA_DIR [--seconds S] [--rounds N] [--size 1280x720] [--embedders NAME …]
                                    [--ways WAY …] [--small] [--json FILE]

DATA_DIR holds ``clips``, ``models``, ``faces/att_faces`` and ``tracking/TUD-Campus``. The person detector is calibrated
on frames of clips that the pipeline does not run on, and checked by AP50 on TUD-Campus; embedders are calibrated on a
quarter of ORL. YuNet stays float32, since INT8 makes it no faster. Ways of running: the bare loop (see pipeline.py),
offline ingest, one process live. Each round runs every way with float32 and INT8 in turns; medians over rounds.
Embedders: MobileFaceNet, and a ResNet-50 made here (see face_resnet50.py) in place of a trained one, fitted to half of
the ORL people and to clips and people that the pipeline does not run on, with thresholds at one false match in a
thousand pairs of the other half. Events must be the same with both precisions and as with MobileFaceNet. Then faces
alone: each face of the first half of the clip is searched among those of its second half and of all other clips.
"""

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from common import argument_parser, parse, parse_size, processor, write_json
from datasets import CLIPS, clip_frames, orl_crops, person_in_zone, tud_campus
from face_resnet50 import fit_head, make_network
from int8 import resnet50_graph
from person_detection import LOWEST_SCORE, average_precision
from pipeline import bare, part
from pipeline_clip import CLIP

from facetrack_ros.config import Config
from facetrack_ros.models import catalog
from facetrack_ros.models.contract import ModelContract, write_contract
from facetrack_ros.models.resolver import resolve
from facetrack_ros.vision.embedding.onnx_face import OnnxFaceEmbedder
from facetrack_ros.vision.embedding.preprocess import FaceInput
from facetrack_ros.vision.evaluation.face_samples import find_faces
from facetrack_ros.vision.evaluation.verification import round_up, threshold_at
from facetrack_ros.vision.export.calibration_faces import FaceCrops
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

#: Every so many frames of a clip calibrate the person detector.
EVERY = 4
#: First convolutions of YOLOX kept in float32: it takes unscaled pixels, and in INT8 they lose every second person.
FLOAT_CONVOLUTIONS = 2
#: Frames offered live, in units of the bare loop's rate.
OFFERED = 1.2
#: False-match rate at the threshold of the ResNet-50, on people that it was not fitted to.
RATE = 1e-3
#: Person of the pipeline's clip who is in others, too: never fitted to.
HELD_OUT_PERSON = "A"
#: Every so many of the fitted faces give the statistics of batch normalisation.
STATISTICS = 3
#: Size at which the clips' faces are found.
SIZE = (1280, 720)
EMBEDDERS = ("MobileFaceNet", "ResNet-50")
WAYS = ("bare", "ingest", "composed")
PRECISIONS = ("float32", "int8")


def make_models(data: Path, folder: Path, embedders: list[str]) -> tuple[dict[str, tuple[str, str]], dict[str, dict]]:
    """Write INT8 versions into ``folder``, which becomes a model folder.

    :return: ids of float32 and INT8 by role; and by embedder its metrics on held-out people.
    """
    ids, metrics = {"person": (catalog.YOLOX_NANO.id, int8_detector(data, folder))}, {}
    mobile = resolve(catalog.MOBILEFACENET.id)
    embedder = OnnxFaceEmbedder(mobile.path, mobile.contract)
    crops = orl_crops(data, embedder)
    mobilefacenet, resnet50 = EMBEDDERS
    if mobilefacenet in embedders:
        calibration, held_out = split_calibration(crops)
        int8 = int8_embedder(mobile.path, embedder, calibration, folder)
        ids[mobilefacenet] = (mobile.contract.id, int8.id)
        metrics[mobilefacenet] = held_out_metrics(embedder, OnnxFaceEmbedder(folder / int8.file, int8), held_out)
    if resnet50 in embedders:
        began = time.perf_counter()
        fitted = np.isin(crops.people, np.unique(crops.people)[::2])
        held_out = crops.rows(~fitted)
        path, made = make_resnet50(data, crops.rows(fitted), folder)
        int8 = int8_embedder(path, made, split_calibration(crops.rows(fitted))[0], folder)
        took = time.perf_counter() - began
        metrics[resnet50] = held_out_metrics(made, OnnxFaceEmbedder(folder / int8.file, int8), held_out)
        auc_mobilefacenet = compare_embedders(embedder, embedder, held_out).auc[0]
        metrics[resnet50].update(seconds_to_make=took, auc_mobilefacenet=auc_mobilefacenet)
        # The contracts again, with the thresholds.
        thresholds = metrics[resnet50]["thresholds"]
        published = publish_model(path, replace(made.contract, threshold=thresholds[0]), folder)[0]
        write_contract(replace(int8, threshold=thresholds[1]), folder)
        ids[resnet50] = (published.id, int8.id)
    return ids, metrics


def make_resnet50(data: Path, crops: FaceCrops, folder: Path) -> tuple[Path, OnnxFaceEmbedder]:
    """A ResNet-50 graph, fitted to ORL faces and to those of other clips and people than the pipeline's."""
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
    """Usable faces of every fourth frame of the other clips, without the held-out person."""
    pipeline, crops, people = build_pipeline(VisionSettings()), [], []
    for name, zones in CLIPS.items():
        for number, frame in enumerate(clip_frames(data, name, SIZE) if name != CLIP else ()):
            if number % EVERY == 0:
                usable = [face for face in find_faces(pipeline, frame) if not face.rejected]
                for crop, face in zip(face_input.crops(frame, usable), usable):
                    person = person_in_zone(face.bbox, zones, SIZE[0])
                    if person != HELD_OUT_PERSON:
                        crops.append(crop)
                        people.append(person)
    return np.stack(crops), np.array(people)


def held_out_metrics(float32: OnnxFaceEmbedder, int8: OnnxFaceEmbedder, crops: FaceCrops) -> dict:
    """AUC, cosines and thresholds at :data:`RATE` on faces that neither model was fitted to."""
    found = compare_embedders(float32, int8, crops)
    return {
        "people": found.people,
        "faces": len(found.cosines),
        "auc": list(found.auc),
        "thresholds": [round_up(threshold_at(impostor, RATE)) for impostor in found.impostor],
        "mean_cosine": float(found.cosines.mean()),
        "lowest_cosine": float(found.cosines.min()),
        "objection": found.objection,
    }


def search_clip(data: Path, settings: dict[str, dict]) -> dict:
    """Search each face of the clip's first half among the faces of its second half and of all other clips."""
    rankings, result = {}, {"first_right": {}, "right_above_threshold": {}, "stranger_above_threshold": {}, "faces": {}}
    for kind, config in settings.items():
        pipeline = build_pipeline(vision_settings(Config(config)))
        probes, gallery, names = {}, [], []
        for name, zones in CLIPS.items():
            frames = list(clip_frames(data, name, SIZE))
            for number, frame in enumerate(frames):
                for face in find_faces(pipeline, frame):
                    person = person_in_zone(face.bbox, zones, SIZE[0])
                    if face.embedding is not None and name == CLIP and number < len(frames) // 2:
                        probes[number, person] = face.embedding
                    elif face.embedding is not None and (name == CLIP or person != HELD_OUT_PERSON):
                        gallery.append(face.embedding)
                        names.append(person)
        gallery, names, rankings[kind], right, strangers = np.array(gallery), np.array(names), {}, [], []
        for key, embedding in probes.items():
            best = {person: float((gallery[names == person] @ embedding).max()) for person in np.unique(names)}
            rankings[kind][key] = sorted(best, key=best.get, reverse=True)
            right.append(best.pop(key[1]))
            strangers.append(max(best.values()))
        threshold = pipeline.contract.threshold
        first_right = [ranking[0] == person for (_, person), ranking in rankings[kind].items()]
        result["first_right"][kind] = float(np.mean(first_right))
        result["right_above_threshold"][kind] = float(np.mean(np.array(right) >= threshold))
        result["stranger_above_threshold"][kind] = float(np.mean(np.array(strangers) >= threshold))
        result["faces"][kind] = [len(probes), len(gallery)]
    float32, int8 = rankings["float32"], rankings["int8"]
    both = float32.keys() & int8.keys()
    result["same_first"] = float(np.mean([float32[key][0] == int8[key][0] for key in both]))
    result["same_first_three"] = float(np.mean([float32[key][:3] == int8[key][:3] for key in both]))
    return result


def int8_detector(data: Path, folder: Path) -> str:
    """Publish the person detector's INT8 version; its id."""
    model = resolve(catalog.YOLOX_NANO.id)
    letterbox = Letterbox.of(model.contract)
    frames = [frame for name in CLIPS if name != CLIP for frame in clip_frames(data, name)][::EVERY]
    made = folder / "made.onnx"
    blobs = (letterbox.blob([frame])[0] for frame in frames)
    input_name = OnnxSession(model.path).input_name
    quantise_graph(model.path, input_name, blobs, made, float_convolutions=FLOAT_CONVOLUTIONS)
    return publish_model(made, int8_contract(model.contract), folder)[0].id


def int8_embedder(path: Path, embedder: OnnxFaceEmbedder, calibration: FaceCrops, folder: Path) -> ModelContract:
    """Publish an embedder's INT8 version; its contract."""
    made = folder / "made.onnx"
    quantise_embedder(path, embedder, calibration, made)
    return publish_model(made, int8_contract(embedder.contract), folder)[0]


def ap50(model_id: str, data: Path) -> float:
    """Average precision on TUD-Campus, as in person_detection.py."""
    sequence, images = tud_campus(data)
    detector = open_model(model_id, "person", VisionSettings(person_score=LOWEST_SCORE))[1]
    return average_precision(detector, images, sequence.truth).average


def person_events(options: dict) -> list:
    """Events of the clip, frame by frame on one thread."""
    return part("tracked", **options, frames=48, fps=6.0)["events"]


def measure(
    options: dict, settings: dict[str, dict], ways: tuple[str, ...], seconds: float, rounds: int, workers: int
) -> dict:
    """Frames a second by way and precision, in turns, and the bare loop's stages."""
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
                    found = part("composed", **own, cameras=1, fps=OFFERED * limit[kind])
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


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", type=parse_size, default=(1280, 720))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--embedders", nargs="+", choices=EMBEDDERS, default=EMBEDDERS)
    parser.add_argument("--small", action="store_true", help="one short round, to test the script")
    arguments = parse(parser)
    if arguments.small:
        arguments.seconds, arguments.rounds, arguments.ways, arguments.embedders = 0.5, 1, ("bare",), EMBEDDERS[:1]
    data, workers = arguments.data, len(os.sched_getaffinity(0))
    results = {"processor": processor(), "cores": workers, "load": os.getloadavg()[0]}
    print(
        f"{results['processor']}, {workers} cores, load {results['load']:.1f}; frames of {arguments.size[0]}x"
        f"{arguments.size[1]}, {arguments.rounds} rounds"
    )
    with tempfile.TemporaryDirectory(prefix="facetrack_bench_") as made:
        os.environ["FACETRACK_MODELS"] = os.pathsep.join([made, os.environ["FACETRACK_MODELS"]])
        models, held_out = make_models(data, Path(made), arguments.embedders)
        persons = models.pop("person")
        results["ap50"] = {kind: ap50(name, data) for kind, name in zip(PRECISIONS, persons)}
        print(
            "person detector, AP50 on TUD-Campus: "
            + ", ".join(f"{kind} {area:.4f}" for kind, area in results["ap50"].items())
        )
        options = {"data": str(data), "size": arguments.size}
        usual = person_events({**options, "config": {}})
        for name, embedders in models.items():
            settings = {
                kind: {"detector.model": person, "embedder.model": embedder}
                for kind, person, embedder in zip(PRECISIONS, persons, embedders)
            }
            found = measure(options, settings, tuple(arguments.ways), arguments.seconds, arguments.rounds, workers)
            events = [person_events({**options, "config": settings[kind]}) for kind in PRECISIONS]
            found["events"] = [len(each) for each in events]
            found["persons"] = [len({person for _, _, person in each}) for each in events]
            found["same"] = events[0] == events[1]
            found["same_as_usual"] = [each == usual for each in events]
            found["held_out"] = held_out[name]
            found["searched"] = {} if arguments.small else search_clip(data, settings)
            results[name] = found
            show(name, found)
    write_json(arguments.json, results)


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
        f"persons {found['persons'][0]} and {found['persons'][1]}, events {found['events'][0]} and "
        f"{found['events'][1]}: {'the same' if found['same'] else 'not the same'}; as with MobileFaceNet in float32: "
        f"{' and '.join('yes' if each else 'no' for each in found['same_as_usual'])}"
    )
    held = found["held_out"]
    print(
        f"{held['faces']} faces of {held['people']} people not fitted or calibrated to: AUC {held['auc'][0]:.4f} and "
        f"{held['auc'][1]:.4f}, cosine {held['mean_cosine']:.4f}, lowest {held['lowest_cosine']:.4f}, thresholds at "
        f"{RATE:g} {held['thresholds']}"
    )
    if "seconds_to_make" in held:
        print(f"made in {held['seconds_to_make']:.0f} s, AUC of MobileFaceNet {held['auc_mobilefacenet']:.4f}")
    if held["objection"]:
        print(f"not to be offered: {held['objection']}")
    if found["searched"]:
        search = found["searched"]
        print(
            f"faces of the clip's first half among those of its second half and of other clips "
            f"{search['faces']['float32']}, float32 and INT8: "
            + "; ".join(
                f"{name.replace('_', ' ')} {search[name]['float32']:.3f} and {search[name]['int8']:.3f}"
                for name in ("first_right", "right_above_threshold", "stranger_above_threshold")
            )
            + f"; the same first {search['same_first']:.3f}, the same first three {search['same_first_three']:.3f}"
        )


if __name__ == "__main__":
    main()
