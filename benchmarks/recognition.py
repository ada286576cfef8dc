"""How well people are recognised: ORL faces, head roll, held-out people, and the people of four real clips.

    python benchmarks/recognition.py DATA_DIR [--plot FILE.png] [--json FILE] [--pairs NAME …]

DATA_DIR holds ``faces/att_faces`` (ORL, 40 people) and ``clips``. Prints Markdown; docs/measurements/recognition.md keeps it. Whatever is
drawn by chance is seeded.
"""

import argparse
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from facetrack_ros.search.false_match_rate import expected_false_matches
from facetrack_ros.vision.evaluation.calibration import calibrate_contract
from facetrack_ros.vision.evaluation.face_dataset import labelled_pictures
from facetrack_ros.vision.evaluation.face_samples import embed_pictures, enlarged
from facetrack_ros.vision.evaluation.pair_similarities import pair_similarities
from facetrack_ros.vision.evaluation.recognition import measure_recognition
from facetrack_ros.vision.evaluation.recognition_report import metrics_json, samples_json
from facetrack_ros.vision.evaluation.roc_plot import draw_roc
from facetrack_ros.vision.evaluation.verification import auc, false_match_curve, true_accept_rate
from facetrack_ros.vision.factory import build_for_measuring, build_pipeline
from facetrack_ros.vision.settings import FROM_FACES, VisionSettings

#: Face detector and embedder that belong together.
PAIRS = {
    "mobilefacenet": ("yunet_n_640_640", "mobilefacenet_foamliu"),
    "dlib": ("dlib-hog", "dlib_resnet_v1"),
    "int8": ("yunet_n_640_640", "mobilefacenet_foamliu_int8"),
}
#: What every machine has; INT8 is there once it was made.
USUAL = ("mobilefacenet", "dlib")
#: Of these the targets are asked.
ASKED = "mobilefacenet"
ORL_UPSCALE, ORL_PAD = 2, 60
#: Who is who in the clips, from left to right: (right end of the zone in pixels of 480, person).
CLIPS = {
    "face-demographics-walking-and-pause.gif": ((150, "A"), (300, "C"), (480, "D")),
    "head-pose-face-detection-female-and-male.gif": ((180, "A"), (480, "B")),
    "head-pose-face-detection-male.gif": ((480, "B"),),
    "classroom.gif": ((120, "E"), (240, "F"), (290, "G"), (480, "H")),
}
#: Degrees that heads are turned by.
ROLLS = {
    "mobilefacenet": (-60, -45, -30, -15, 15, 30, 45, 60),
    "dlib": (-45, -30, -15, 15, 30, 45),
    "int8": (-30, -15, 15, 30),
}
HELD_OUT_REPEATS = 200


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--pairs", nargs="+", choices=PAIRS, default=USUAL)
    parser.add_argument("--plot", type=Path, help=f"draw the ROC of {ASKED} on ORL")
    parser.add_argument("--json", type=Path, help="keep all numbers in a file")
    arguments = parser.parse_args()
    os.environ.setdefault("FACETRACK_MODELS", str(arguments.data / "models"))
    results = {name: measure_pair(name, arguments) for name in arguments.pairs}
    if ASKED in results:
        results["targets"] = targets(results[ASKED])
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")


def measure_pair(name: str, arguments) -> dict:
    """Everything about one face detector with one embedder."""
    face_model, embedder = PAIRS[name]
    settings = VisionSettings(person_model=FROM_FACES, face_model=face_model, embedder=embedder)
    pipeline = build_for_measuring(settings)
    contract = pipeline.contract
    print(f"\n## {contract.id}, faces by {face_model}, threshold {contract.threshold:g}")
    pictures = labelled_pictures(arguments.data / "faces" / "att_faces")
    orl = embed_pictures(pipeline, pictures, enlarged(ORL_UPSCALE, ORL_PAD))
    figures = measure_recognition(orl.embeddings, orl.people)
    result = {
        "contract": contract.id,
        "face_model": face_model,
        "threshold": contract.threshold,
        "orl": {**samples_json(orl), **metrics_json(figures)},
    }
    print_orl(orl, figures, contract)
    if arguments.plot and name == ASKED:
        draw_roc(figures, f"{contract.id} on ORL, faces by {face_model}", arguments.plot, contract.threshold)
    result["roll"] = head_roll(pipeline, pictures, orl, ROLLS[name])
    result["held_out"] = held_out(contract, orl)
    result["clips"] = {}
    ways = {"persons from faces": pipeline}
    if name == ASKED:
        ways["persons by the default model"] = build_pipeline(replace(settings, person_model="auto"))
    for way, looks in ways.items():
        clips = clip_faces(looks, arguments.data / "clips")
        result["clips"][way] = report_clips(way, clips, contract)
    clips = next(iter(result["clips"].values()))
    shown = calibrate_contract(contract, figures, 1e-4, f"ORL faces by {face_model}")
    curve = false_match_curve(figures.impostor, clips["highest_of_two"])
    result["record"] = {
        "threshold_at_1e-4": shown.threshold,
        "false_match_curve": curve,
        "measured_on": shown.measured_on,
    }
    print(f"\nFor the record, the curve: {', '.join(f'({threshold:g}, {rate:g})' for threshold, rate in curve)}")
    return result


def print_orl(faces, figures, contract):
    """The ORL figures as tables."""
    print(
        f"\n### ORL\n\n{faces.found} of {faces.pictures} faces found, {len(faces.people)} usable, {len(figures.genuine)} pairs of "
        f"one person, {figures.impostor_pairs} of two."
    )
    for path, why in faces.rejected:
        print(f"\nTurned down: {path.parent.name}/{path.name}, {why}.")
    if faces.faceless:
        print()
        print(f"No face found in {', '.join(f'{path.parent.name}/{path.name}' for path in faces.faceless)}.")
    print()
    at_own = (figures.impostor >= contract.threshold).sum()
    rows = [
        ("AUC", f"{figures.auc:.5f}", "", ""),
        ("rank-1", f"{figures.rank_one:.4f}", "", f"{figures.rank_one_searches} searches"),
    ]
    rows += [
        (
            f"TAR at FAR {point.rate:g}",
            f"{point.true_accept_rate:.4f}",
            f"{point.threshold:.3f}",
            f"{point.false_matches} of {figures.impostor_pairs} pairs match",
        )
        for point in figures.points
    ]
    rows += [
        (
            "TAR at the default threshold",
            f"{true_accept_rate(figures.genuine, contract.threshold):.4f}",
            f"{contract.threshold:.3f}",
            f"{at_own} of {figures.impostor_pairs} pairs match",
        )
    ]
    found = figures.open_set
    rows += [
        (
            f"FNIR at FPIR {figures.fpir:g}, 20 enrolled",
            f"{found.fnir:.4f}",
            f"{found.threshold:.3f}",
            f"{found.mated} mated, {found.non_mated} non-mated searches in 20 draws",
        )
    ]
    print(table(("", "value", "threshold", "behind it"), rows))


def head_roll(pipeline, pictures, upright, rolls) -> list[dict]:
    """Turn the pictures before anything is looked for in them; compare with the upright ones."""
    row_of = {path: row for row, path in enumerate(upright.sources)}
    larger, result = enlarged(ORL_UPSCALE, ORL_PAD), []
    for degrees in rolls:
        turned = embed_pictures(pipeline, pictures, lambda picture: turn(larger(picture), degrees))
        paired = np.array([row_of.get(path, -1) for path in turned.sources], int)
        own = np.einsum("ij,ij->i", turned.embeddings[paired >= 0], upright.embeddings[paired[paired >= 0]])
        similarity = turned.embeddings @ upright.embeddings.T
        same = turned.people[:, None] == upright.people[None]
        itself = paired[:, None] == np.arange(len(upright.people))[None]
        genuine, impostor = similarity[same & ~itself], similarity[~same]
        if not len(genuine):
            print(f"Turned by {degrees} degrees {turned.found} faces are found.")
            continue
        result.append(
            {
                "degrees": degrees,
                "found": turned.found,
                "usable": len(turned.people),
                "median_cosine": float(np.median(own)),
                "cosine_5_percent": float(np.quantile(own, 0.05)),
                "auc": auc(genuine, impostor),
                "tar": true_accept_rate(genuine, pipeline.contract.threshold),
            }
        )
    print(
        "\n### Head roll\n\nEach ORL picture turned, then compared with the upright ones, its own left out of AUC and TAR.\n"
    )
    print(
        table(
            (
                "degrees",
                "found",
                "usable",
                "cosine to itself upright, median",
                "5 %",
                "AUC",
                "TAR at the default threshold",
            ),
            [
                (
                    f"{row['degrees']:+d}",
                    row["found"],
                    row["usable"],
                    f"{row['median_cosine']:.3f}",
                    f"{row['cosine_5_percent']:.3f}",
                    f"{row['auc']:.4f}",
                    f"{row['tar']:.4f}",
                )
                for row in result
            ],
        )
    )
    return result


def turn(picture: np.ndarray, degrees: float) -> np.ndarray:
    """The picture turned counter-clockwise about its middle."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def held_out(contract, faces) -> list[dict]:
    """Whether expected false matches are honest: the curve of half the people, counted on the other half."""
    names, chance, counts = np.unique(faces.people), np.random.default_rng(0), {}
    for _ in range(HELD_OUT_REPEATS):
        fitted = np.isin(faces.people, chance.permutation(names)[: len(names) // 2])
        curve = false_match_curve(pair_similarities(faces.embeddings[fitted], faces.people[fitted])[1])
        ours = replace(contract, false_match_curve=curve)
        others = pair_similarities(faces.embeddings[~fitted], faces.people[~fitted])[1]
        for rate in (1e-2, 3e-3, 1e-3, 3e-4, None):
            # The threshold at which this curve promises the rate, as a search with that threshold would state it; last,
            # where it promises no more than its bound.
            threshold = (
                curve[-1][0]
                if rate is None
                else np.interp(-np.log(rate), -np.log([point[1] for point in curve]), [point[0] for point in curve])
            )
            counts.setdefault(rate, []).append(
                (expected_false_matches(ours, float(threshold), len(others)), int((others >= threshold).sum()))
            )
    result = []
    for rate, rows in counts.items():
        expected, counted = np.array(rows, float).T
        result.append(
            {
                "rate": rate,
                "expected": float(expected.mean()),
                "counted": float(counted.mean()),
                "counted_5_percent": float(np.quantile(counted, 0.05)),
                "counted_95_percent": float(np.quantile(counted, 0.95)),
                "more": float((counted > expected).mean()),
                "more_than_twice": float((counted > 2 * expected).mean()),
            }
        )
    print(
        f"\n### Expected false matches on held-out people\n\nThe curve is measured on half of the ORL people and counted on the "
        f"other half, {HELD_OUT_REPEATS} draws.\n"
    )
    print(
        table(
            (
                "rate promised",
                "expected",
                "counted, mean",
                "counted, 5 to 95 %",
                "more than expected",
                "more than twice",
            ),
            [
                (
                    f"{row['rate']:g}" if row["rate"] else "the bound, beyond all seen",
                    f"{row['expected']:.1f}",
                    f"{row['counted']:.1f}",
                    f"{row['counted_5_percent']:.0f} to {row['counted_95_percent']:.0f}",
                    f"{row['more']:.0%} of draws",
                    f"{row['more_than_twice']:.0%}",
                )
                for row in result
            ],
        )
    )
    return result


@dataclass(frozen=True, eq=False)
class ClipFaces:
    """Usable faces of every frame: ``(n, d)`` unit rows; who, in which clip, how wide, ``(n,)``; and, by clip, how wide those
    are that the quality gate turned down."""

    embeddings: np.ndarray
    people: np.ndarray
    clips: np.ndarray
    widths: np.ndarray
    turned_down: dict[str, list[float]]


def clip_faces(pipeline, folder: Path) -> ClipFaces:
    """Every usable face in every frame of the clips."""
    rows, turned_down = [], {}
    for name, zones in CLIPS.items():
        video = cv2.VideoCapture(str(folder / name))
        while True:
            more, frame = video.read()
            if not more:
                break
            for face in pipeline.faces(frame, pipeline.detect([frame])[0]):
                width = float(face.bbox[2] - face.bbox[0])
                if face.embedding is None:
                    turned_down.setdefault(name, []).append(width)
                else:
                    middle = (face.bbox[0] + face.bbox[2]) / 2
                    rows.append((face.embedding, next(who for end, who in zones if middle < end), name, width))
    return ClipFaces(*(np.array(column) for column in zip(*rows)), turned_down)


def report_clips(way: str, faces: ClipFaces, contract) -> dict:
    """Who is found where, and how alike strangers are, over all pairs of frames."""
    similarity = faces.embeddings @ faces.embeddings.T
    upper = np.triu(np.ones_like(similarity, bool), 1)
    same = faces.people[:, None] == faces.people[None]
    strangers, matches = similarity[upper & ~same], similarity >= contract.threshold
    result = {
        "faces": {who: int((faces.people == who).sum()) for who in sorted(set(faces.people))},
        "pairs_of_two": len(strangers),
        "highest_of_two": float(strangers.max()),
        "matches_of_two": int((strangers >= contract.threshold).sum()),
        "across": {},
        "expected": [],
    }
    print(
        f"\n### Clips, {way}\n\n{len(faces.people)} usable faces from {faces.widths.min():.0f} px wide: "
        + ", ".join(f"{who} {count}" for who, count in result["faces"].items())
        + f". Two people: {len(strangers)} pairs of frames, at most {strangers.max():.3f} alike, "
        f"{result['matches_of_two']} match."
    )
    for name, widths in faces.turned_down.items():
        print(f"\nTurned down: {len(widths)} in {name}, {min(widths):.0f} to {max(widths):.0f} px wide.")
    print()
    rows = []
    for who in "AB":
        first, second = sorted({clip for clip, person in zip(faces.clips, faces.people) if person == who})[:2]
        mine, other = ((faces.people == who) & (faces.clips == clip) for clip in (first, second))
        across = similarity[np.ix_(mine, other)]
        found = matches[np.ix_(mine, other)]
        result["across"][who] = row = {
            "pairs": across.size,
            "best": float(across.max()),
            "median": float(np.median(across)),
            "pairs_that_match": float(found.mean()),
            "faces_that_find": [float(found.any(axis=axis).mean()) for axis in (1, 0)],
        }
        rows.append(
            (
                who,
                row["pairs"],
                f"{row['best']:.3f}",
                f"{row['median']:.3f}",
                f"{row['pairs_that_match']:.1%}",
                f"{row['faces_that_find'][0]:.1%} and {row['faces_that_find'][1]:.1%}",
            )
        )
    print(
        table(
            ("person", "pairs across clips", "best", "median", "pairs that match", "faces that find the other clip"),
            rows,
        )
    )
    thresholds = [point[0] for point in contract.false_match_curve]
    for threshold in thresholds:
        result["expected"].append(
            (
                threshold,
                expected_false_matches(contract, threshold, len(strangers)),
                int((strangers >= threshold).sum()),
            )
        )
    print("\nWhat the model's own curve expects of these pairs of two people, and what there is:\n")
    print(
        table(
            ("threshold", *(f"{row[0]:g}" for row in result["expected"])),
            [
                ("expected", *(f"{row[1]:.1f}" for row in result["expected"])),
                ("counted", *(row[2] for row in result["expected"])),
            ],
        )
    )
    return result


def targets(result: dict) -> dict[str, bool]:
    """What is asked, and whether it holds."""
    orl, clips = result["orl"], result["clips"]
    held = {
        f"every ORL face found ({orl['found']} of {orl['pictures']})": orl["found"] == orl["pictures"] == 400,
        f"ORL AUC at least 0.999 ({orl['auc']:.5f})": orl["auc"] >= 0.999,
        f"ORL rank-1 at least 0.99 ({orl['rank_one']:.4f})": orl["rank_one"] >= 0.99,
    }
    for way, clip in clips.items():
        for who, across in clip["across"].items():
            held[f"{who} found in the other clip, {way} (best {across['best']:.3f})"] = (
                across["best"] >= result["threshold"]
            )
        held[f"no two people match in any pair of frames, {way} (highest {clip['highest_of_two']:.3f})"] = not clip[
            "matches_of_two"
        ]
    print(f"\n## Targets, {ASKED}\n")
    print(table(("asked", "holds"), [(what, "yes" if holds else "NO") for what, holds in held.items()]))
    return held


def table(head, rows) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


if __name__ == "__main__":
    main()
