"""Calibration of the catalog's identity models: false-match curves with ranges, operating points, mirrored references.

    python benchmarks/calibrate_catalog.py DATA_DIR --lfw DIR [--models NAME …] [--cache DIR] [--write] [--plot FILE]

DATA_DIR holds ``faces/att_faces`` (ORL: 40 people, one camera and one light). ``--lfw`` is Labeled Faces in the Wild, a
folder a person (5,749 people, press photographs). Prints Markdown; ``--write`` writes ``models/calibrations.py``.

The rate of the catalog is the geometric mean of both sets', its range the union of both ranges: how alike two people of
a robot's site are lies between people of one room and people of the whole world.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from pprint import pformat

import cv2
import numpy as np
from calibration_plot import draw_calibration
from common import argument_parser, markdown_table, parse, write_json
from datasets import ORL_PAD, ORL_UPSCALE

import facetrack_ros.models.calibrations as written
from facetrack_ros.models import catalog
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.models.false_match_rate import false_match_rate
from facetrack_ros.models.operating_points import NAMES, operating_point
from facetrack_ros.vision.evaluation.face_dataset import labelled_pictures
from facetrack_ros.vision.evaluation.face_samples import enlarged, find_faces, subject_face
from facetrack_ros.vision.evaluation.false_match_curve import FalseMatchCurve, found_curve, measure_false_matches
from facetrack_ros.vision.evaluation.verification import pair_similarities, threshold_at
from facetrack_ros.vision.faces.mirrored import embed_with_mirror
from facetrack_ros.vision.factory import build_for_measuring, open_embedder
from facetrack_ros.vision.settings import VisionSettings

#: Face detector and embedder of each model.
MODELS = {
    "mobilefacenet": VisionSettings(face_model="yunet_n_640_640", embedder="mobilefacenet_foamliu"),
    "dlib": VisionSettings(face_model="dlib-hog", embedder="dlib_resnet_v1"),
}
#: Most pictures of a person, so that no person makes up a tenth of the pairs, and most people with one picture only.
MOST_PICTURES, MOST_SINGLES = {"mobilefacenet": 5, "dlib": 2}, 5000
#: Pictures of LFW that show another person than their label or are the same file as one under another label, found
#: among the pairs of two people above a similarity of 0.65 and looked at.
MISLABELLED = frozenset(
    [
        "Carlos_Beltran_0001",
        "Bart_Hendricks_0001",
        "Emmy_Rossum_0001",
        "Gabrielle_Rose_0001",
        "Andrew_Caldecott_0001",
        "Shinya_Taniguchi_0001",
        "Carlos_Ruckauf_0001",
        "Jason_Kapono_0001",
        "Michael_Schumacher_0008",
        "Anja_Paerson_0001",
        "Shavon_Earp_0001",
        "Recep_Tayyip_Erdogan_0004",
        "Lane_Bryant_0001",
    ]
)
#: Second names of people of LFW, found likewise. Twins and siblings stay two people.
SECOND_NAMES = dict(
    pair.split("=")
    for pair in [
        "Sung_Hong_Choi=Choi_Sung-hong",
        "Noer_Muis=Noer_Moeis",
        "Hassan_Wirajuda=Hasan_Wirayuda",
        "John_Burnett=John_Barnett",
        "Yingfan_Wang=Wang_Yingfan",
        "Dai_Chul_Chyung=Chyung_Dai-chul",
        "Brian_Williams=Bison_Dele",
        "Sepp_Blatter=Joseph_Blatter",
        "Mireya_Elisa_Moscoso_Rodriguez=Mireya_Moscoso",
        "Felipe_De_Borbon=Prince_Felipe",
        "Virgina_Ruano_Pascal=Ruano_Pascual",
        "Wang_Nan=Nan_Wang",
        "Talisa_Soto=Talisa_Bratt",
        "William_Pryor_Jr=Bill_Pryor",
        "Glenn_Rivers=Doc_Rivers",
        "Odai_Hussein=Uday_Hussein",
    ]
)
FOUND_SHARES = (0.99, 0.98, 0.95, 0.9, 0.8, 0.5, 0.2)
TAIL_PEOPLE, TAIL_DRAWS, TAIL_PICTURES = (20, 40, 100), 60, (8, 10)


@dataclass(frozen=True, eq=False)
class Embedded:
    """One set: embeddings ``plain`` and, with their mirror image, ``mirrored``; the person of each."""

    plain: np.ndarray
    mirrored: np.ndarray
    people: np.ndarray


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--lfw", type=Path, required=True, metavar="DIR")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=tuple(MODELS))
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep embeddings there")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw curves and ranges of the first model")
    arguments = parse(parser)
    calibrations, results = dict(written.CALIBRATIONS), {}
    for name in arguments.models:
        sets = {each: embedded(arguments, name, each) for each in ("lfw", "orl")}
        contract, results[name] = calibrate(name, sets)
        calibrations[contract.id] = {field: getattr(contract, field) for field in written.FIELDS}
        if arguments.plot and name == arguments.models[0]:
            curves = {each.upper(): set_contract(contract, measured(data)) for each, data in sets.items()}
            draw_calibration(contract, curves, arguments.plot)
    if arguments.write:
        write(calibrations)
    write_json(arguments.json, results)


def embedded(arguments, name: str, dataset: str) -> Embedded:
    """The set's embeddings, from the cache where they are there."""
    cache = arguments.cache / f"{name}_{dataset}.npz" if arguments.cache else None
    if cache and cache.exists():
        kept = np.load(cache)
        return Embedded(kept["plain"], kept["mirrored"], kept["people"])
    if dataset == "orl":
        found = embed(name, labelled_pictures(arguments.data / "faces" / "att_faces"), enlarged(ORL_UPSCALE, ORL_PAD))
    else:
        found = embed(name, lfw_pictures(arguments.lfw, MOST_PICTURES[name], MOST_SINGLES), enlarged())
    if cache:
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez(cache, plain=found.plain, mirrored=found.mirrored, people=found.people)
    return found


def lfw_pictures(folder: Path, most: int, singles: int) -> list[tuple[str, Path]]:
    """Person and file of the pictures of LFW used: the first of each person, with the labels corrected."""
    people: dict[str, list[Path]] = {}
    for label, path in labelled_pictures(folder):
        if path.stem not in MISLABELLED:
            people.setdefault(SECOND_NAMES.get(label, label), []).append(path)
    several = {person: paths[:most] for person, paths in people.items() if len(paths) > 1}
    once = dict([item for item in people.items() if len(item[1]) == 1][:singles])
    return [(person, path) for person, paths in sorted({**several, **once}.items()) for path in paths]


def embed(name: str, pictures, prepare) -> Embedded:
    """Embed the subject of each picture, plain and with its mirror image."""
    pipeline, (_, embedder) = build_for_measuring(MODELS[name]), open_embedder(MODELS[name])
    plain, mirrored, people = [], [], []
    for person, path in pictures:
        image = prepare(cv2.imread(str(path), cv2.IMREAD_COLOR))
        face = subject_face(find_faces(pipeline, image), image.shape)
        if face is not None and face.embedding is not None:
            plain.append(face.embedding)
            mirrored.append(embed_with_mirror(embedder, image, [face])[0])
            people.append(person)
    return Embedded(np.array(plain, np.float32), np.array(mirrored, np.float32), np.array(people))


def measured(data: Embedded) -> FalseMatchCurve:
    """False-match curve of a set."""
    return measure_false_matches(data.plain, data.people)


def set_contract(contract: ModelContract, curve: FalseMatchCurve) -> ModelContract:
    """The contract with the curve of one set."""
    return replace(contract, false_match_curve=curve.points, false_match_interval=curve.interval)


def calibrate(name: str, sets: dict[str, Embedded]) -> tuple[ModelContract, dict]:
    """The calibrated contract, and everything measured."""
    contract = catalog.find(MODELS[name].embedder)
    print(f"\n## {contract.id}, faces by {MODELS[name].face_model}\n")
    curves = {each: measured(data) for each, data in sets.items()}
    print_sets(sets, curves)
    contract = combined(contract, curves, sets["lfw"], MODELS[name].face_model)
    points = [operating_point(contract, point) for point in NAMES]
    print_operating_points(contract, curves, sets, points)
    mirror = print_mirror(sets)
    tail = print_tail(contract, sets["lfw"]) if name == "mobilefacenet" else []
    return contract, {"points": [vars(point) for point in points], "mirror": mirror, "tail": tail}


def combined(contract: ModelContract, curves: dict[str, FalseMatchCurve], lfw: Embedded, faces: str) -> ModelContract:
    """The contract with the geometric mean of the sets' rates and the union of their ranges."""
    each = [set_contract(contract, curve) for curve in curves.values()]
    thresholds = [threshold for threshold, _ in curves["lfw"].points]
    ranges = [[false_match_rate(one, threshold) for one in each] for threshold in thresholds]
    rates = [float(f"{np.exp(np.mean([np.log(one.rate) for one in row])):.3g}") for row in ranges]
    limits = [(min(one.low for one in row), max(one.high for one in row)) for row in ranges]
    genuine = pair_similarities(lfw.plain, lfw.people)[0]
    at = {*thresholds, *(round(float(np.quantile(genuine, 1 - share)), 3) for share in FOUND_SHARES)}
    people, pairs = (sum(getattr(curve, field) for curve in curves.values()) for field in ("people", "pairs"))
    measured_on = (
        f"faces by {faces}: LFW, {curves['lfw'].people} people, {curves['lfw'].pairs} pairs of two; ORL, "
        f"{curves['orl'].people} people, {curves['orl'].pairs} pairs. Rates are the geometric mean of both sets', "
        "ranges cover both; shares found are LFW's"
    )
    return replace(
        contract,
        false_match_curve=tuple(zip(thresholds, rates)),
        false_match_interval=tuple((float(f"{low:.2g}"), float(f"{high:.2g}")) for low, high in limits),
        found_curve=found_curve(lfw.plain, lfw.people, tuple(sorted(at))),
        calibration_people=people,
        calibration_pairs=pairs,
        measured_on=measured_on,
    )


def print_sets(sets: dict[str, Embedded], curves: dict[str, FalseMatchCurve]) -> None:
    """People, pictures, pairs and curve of each set."""
    for each, curve in curves.items():
        print(
            f"\n{each.upper()}: {len(sets[each].people)} faces of {curve.people} people, {curve.pairs} pairs of two.\n"
        )
        rows = [
            (f"{at:g}", f"{rate:.3g}", f"{low:.2g} to {high:.2g}")
            for (at, rate), (low, high) in zip(curve.points, curve.interval)
        ]
        print(markdown_table(("threshold", "false-match rate", "95 % interval"), rows))


def print_operating_points(contract, curves, sets, points) -> None:
    """Both error rates of each operating point and of the model's own threshold, on both sets and by visit on ORL."""
    print("\nOperating points\n")
    own = (("the model's threshold", contract.threshold),)
    rows = []
    for label, threshold in (*((point.name, point.threshold) for point in points), *own):
        rate = false_match_rate(contract, threshold)
        cells = [label, f"{threshold:g}", f"{rate.rate:.1e}", f"{rate.low:.1e} to {rate.high:.1e}"]
        for data in sets.values():
            matching, found = exceeding(data.plain, data.plain, data.people, threshold)
            cells += [f"{matching:.1e}", f"{found:.3f}"]
        rows.append((*cells, f"{visits_found(sets['orl'], threshold):.4f}"))
    head = (
        "",
        "threshold",
        "rate told",
        "range told",
        *("LFW false", "found", "ORL false", "found", "ORL visits found"),
    )
    print(markdown_table(head, rows))


def exceeding(references: np.ndarray, rows: np.ndarray, people: np.ndarray, threshold: float) -> tuple[float, float]:
    """Shares of the pairs of two people, and of the pairs of one, at or above a threshold; all pairs count alike."""
    false = total = right = own = 0
    for start in range(0, len(people), 1000):
        block = slice(start, start + 1000)
        matches = references[block] @ rows.T >= threshold
        same = people[block, None] == people[None]
        itself = np.arange(len(people))[block, None] == np.arange(len(people))[None]
        false, total = false + (matches & ~same).sum(), total + (~same).sum()
        right, own = right + (matches & same & ~itself).sum(), own + (same & ~itself).sum()
    return float(false / total), float(right / max(own, 1))


def visits_found(data: Embedded, threshold: float) -> float:
    """Share of the pictures that, as a reference, find a visit made of the other pictures of the person."""
    similarity = data.mirrored @ data.plain.T
    same = data.people[:, None] == data.people[None]
    np.fill_diagonal(same, False)
    return float(np.where(same, similarity, -1).max(axis=1)[same.any(axis=1)].__ge__(threshold).mean())


def print_mirror(sets: dict[str, Embedded]) -> list[tuple]:
    """Share of pairs of one person found at equal false-match rates, references with and without their mirror image."""
    print("\nReferences with their mirror image: share of pairs of one person found\n")
    rows = []
    for each, data in sets.items():
        for rate in (1e-2, 1e-3, 1e-4, 1e-5):
            cells = []
            for references in (data.plain, data.mirrored):
                impostor = impostors(references, data.plain, data.people, rate)
                cells.append(exceeding(references, data.plain, data.people, impostor)[1])
            rows.append((each.upper(), f"{rate:g}", *(f"{cell:.4f}" for cell in cells)))
    print(markdown_table(("set", "false-match rate", "plain", "with mirror image"), rows))
    return rows


def impostors(references: np.ndarray, rows: np.ndarray, people: np.ndarray, rate: float) -> float:
    """The threshold of a false-match rate of references against rows."""
    highest = []
    for start in range(0, len(people), 1000):
        block = slice(start, start + 1000)
        similarity = references[block] @ rows.T
        highest.append(similarity[(people[block, None] != people[None]) & (similarity > 0.1)])
    values = np.concatenate(highest)
    total = len(people) ** 2 - int((np.unique(people, return_counts=True)[1] ** 2).sum())
    return threshold_at(values, rate * total / len(values))


def print_tail(contract: ModelContract, lfw: Embedded) -> list[dict]:
    """How well curves of few people tell the rates of all, within what was measured and beyond."""
    everyone = measured(lfw)
    thresholds, rates = (np.array(part) for part in zip(*everyone.points))
    names, counts = np.unique(lfw.people, return_counts=True)
    often = names[counts >= min(counts.max(), 5)]
    rows, result = [], []
    for count in TAIL_PEOPLE:
        told: dict[float, list[tuple[bool, bool, float]]] = {float(at): [] for at in thresholds}
        for seed in range(TAIL_DRAWS):
            chosen = np.isin(lfw.people, np.random.default_rng(seed).choice(often, count, replace=False))
            curve = measure_false_matches(lfw.plain[chosen], lfw.people[chosen])
            few = set_contract(contract, curve)
            for at, rate in zip(thresholds, rates):
                estimate = false_match_rate(few, float(at))
                beyond = bool(at > curve.points[-1][0])
                told[float(at)].append((beyond, estimate.low <= rate <= estimate.high, estimate.rate / rate))
        for at, rate in zip(thresholds, rates):
            beyond, covered, ratio = (np.array(part) for part in zip(*told[float(at)]))
            row = (count, f"{at:g}", f"{rate:.2g}", f"{beyond.mean():.0%}", f"{covered.mean():.0%}")
            rows.append((*row, f"{np.median(ratio):.2f}", "{:.2f} to {:.2f}".format(*np.quantile(ratio, (0.05, 0.95)))))
            result.append(dict(zip(("people", "threshold", "rate", "beyond", "covered", "median"), rows[-1])))
    print(f"\nCurves of few people of LFW against all of them, {TAIL_DRAWS} draws each\n")
    head = ("people", "threshold", "true rate", "extrapolated", "range covers it", "told / true, median", "5 to 95 %")
    print(markdown_table(head, rows))
    return result


def write(calibrations: dict) -> None:
    """Write ``models/calibrations.py``."""
    body = pformat(calibrations, width=118, compact=True, sort_dicts=False)
    fields = pformat(written.FIELDS, width=118, compact=True)
    path = Path(written.__file__)
    path.write_text(
        f'"""{written.__doc__}"""\n\n'
        "from typing import Any\n\n#: Fields of a contract that a calibration sets.\n"
        f"FIELDS = {fields}\n\n#: By model id.\nCALIBRATIONS: dict[str, dict[str, Any]] = {body}\n"
    )
    print(f"\n{path} is written; format it")


if __name__ == "__main__":
    main()
