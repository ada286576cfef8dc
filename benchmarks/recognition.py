"""Face recognition: ORL faces, head roll, held-out people, and the people of four real clips.

    python benchmarks/recognition.py DATA_DIR [--plot FILE.png] [--json FILE] [--pairs NAME …]

DATA_DIR holds ``faces/att_faces`` (ORL, 40 people) and ``clips``. Prints Markdown. All random draws are seeded.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from common import argument_parser, markdown_table, parse, write_json
from datasets import CLIPS, ORL_PAD, ORL_UPSCALE, clip_frames, person_in_zone

from facetrack_ros.models.false_match_rate import threshold_at_rate
from facetrack_ros.search.false_match_rate import estimate_false_matches
from facetrack_ros.vision.evaluation.face_dataset import labelled_pictures
from facetrack_ros.vision.evaluation.face_samples import embed_pictures, enlarged, find_faces
from facetrack_ros.vision.evaluation.false_match_curve import measure_false_matches
from facetrack_ros.vision.evaluation.recognition import measure_recognition
from facetrack_ros.vision.evaluation.recognition_report import metrics_json, samples_json
from facetrack_ros.vision.evaluation.roc_plot import draw_roc
from facetrack_ros.vision.evaluation.verification import auc, pair_similarities, true_accept_rate
from facetrack_ros.vision.factory import build_for_measuring, build_pipeline
from facetrack_ros.vision.settings import FROM_FACES, VisionSettings

#: Face detector and embedder that belong together.
PAIRS = {
    "mobilefacenet": ("yunet_n_640_640", "mobilefacenet_foamliu"),
    "pip": ("centerface", "dlib_resnet_v1"),
    "dlib": ("dlib-hog", "dlib_resnet_v1"),
    "int8": ("yunet_n_640_640", "mobilefacenet_foamliu_int8"),
}
#: Pairs that every machine has; INT8 has to be made first.
USUAL = ("mobilefacenet", "pip", "dlib")
#: The pair that the targets are set for.
TARGETED = "mobilefacenet"
#: Degrees that heads are rolled by.
ROLLS = {
    "mobilefacenet": (-60, -45, -30, -15, 15, 30, 45, 60),
    "pip": (-60, -45, -30, 30, 45, 60),
    "dlib": (-45, -30, -15, 15, 30, 45),
    "int8": (-30, -15, 15, 30),
}
HELD_OUT_REPEATS = 200


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--pairs", nargs="+", choices=PAIRS, default=USUAL)
    parser.add_argument("--plot", type=Path, help=f"draw the ROC of {TARGETED} on ORL")
    arguments = parse(parser)
    results = {name: measure_pair(name, arguments.data, arguments.plot) for name in arguments.pairs}
    if TARGETED in results:
        results["targets"] = targets(results[TARGETED])
    write_json(arguments.json, results)


def measure_pair(name: str, data: Path, plot: Path | None) -> dict:
    """All measurements of one face detector with one embedder."""
    face_model, embedder = PAIRS[name]
    settings = VisionSettings(person_model=FROM_FACES, face_model=face_model, embedder=embedder)
    pipeline = build_for_measuring(settings)
    contract = pipeline.contract
    print(f"\n## {contract.id}, faces by {face_model}, threshold {contract.threshold:g}")
    pictures = labelled_pictures(data / "faces" / "att_faces")
    orl = embed_pictures(pipeline, pictures, enlarged(ORL_UPSCALE, ORL_PAD))
    metrics = measure_recognition(orl.embeddings, orl.people)
    result = {
        "contract": contract.id,
        "face_model": face_model,
        "threshold": contract.threshold,
        "orl": {**samples_json(orl), **metrics_json(metrics)},
    }
    print_orl(orl, metrics, contract)
    if plot and name == TARGETED:
        draw_roc(metrics, f"{contract.id} on ORL, faces by {face_model}", plot, contract.threshold)
    result["roll"] = head_roll(pipeline, pictures, orl, ROLLS[name])
    result["held_out"] = held_out(contract, orl)
    pipelines = {"persons from faces": pipeline}
    if name == TARGETED:
        pipelines["persons by the default model"] = build_pipeline(replace(settings, person_model="auto"))
    result["clips"] = {way: report_clips(way, clip_faces(each, data), contract) for way, each in pipelines.items()}
    return result


def print_orl(faces, metrics, contract) -> None:
    """The ORL metrics as tables."""
    pairs = metrics.impostor_pairs
    print(
        f"\n### ORL\n\n{faces.found} of {faces.pictures} faces found, {len(faces.people)} usable, "
        f"{len(metrics.genuine)} pairs of one person, {pairs} of two."
    )
    for path, why in faces.rejected:
        print(f"\nTurned down: {path.parent.name}/{path.name}, {why}.")
    if faces.faceless:
        print(f"\nNo face found in {', '.join(f'{path.parent.name}/{path.name}' for path in faces.faceless)}.")
    found = metrics.open_set
    own_tar = true_accept_rate(metrics.genuine, contract.threshold)
    own_matches = (metrics.impostor >= contract.threshold).sum()
    rows = [
        ("AUC", f"{metrics.auc:.5f}", "", ""),
        ("rank-1", f"{metrics.rank_one:.4f}", "", f"{metrics.rank_one_searches} searches"),
        *(
            (
                f"TAR at FAR {point.false_match_rate:g}",
                f"{point.true_accept_rate:.4f}",
                f"{point.threshold:.3f}",
                f"{point.false_matches} of {pairs} pairs match",
            )
            for point in metrics.points
        ),
        (
            "TAR at the default threshold",
            f"{own_tar:.4f}",
            f"{contract.threshold:.3f}",
            f"{own_matches} of {pairs} pairs match",
        ),
        (
            f"FNIR at FPIR {metrics.fpir:g}, 20 enrolled",
            f"{found.fnir:.4f}",
            f"{found.threshold:.3f}",
            f"{found.mated_searches} mated, {found.non_mated_searches} non-mated searches in 20 draws",
        ),
    ]
    print()
    print(markdown_table(("", "value", "threshold", "behind it"), rows))


def head_roll(pipeline, pictures, upright, rolls) -> list[dict]:
    """Rotate the pictures before detection and compare with the upright ones."""
    row_of = {path: row for row, path in enumerate(upright.sources)}
    enlarge, result = enlarged(ORL_UPSCALE, ORL_PAD), []
    for degrees in rolls:
        rolled = embed_pictures(pipeline, pictures, lambda picture, degrees=degrees: rotate(enlarge(picture), degrees))
        paired = np.array([row_of.get(path, -1) for path in rolled.sources], int)
        own = np.einsum("ij,ij->i", rolled.embeddings[paired >= 0], upright.embeddings[paired[paired >= 0]])
        similarity = rolled.embeddings @ upright.embeddings.T
        same = rolled.people[:, None] == upright.people[None]
        itself = paired[:, None] == np.arange(len(upright.people))[None]
        genuine, impostor = similarity[same & ~itself], similarity[~same]
        if not len(genuine):
            print(f"Rotated by {degrees} degrees {rolled.found} faces are found.")
            continue
        result.append(
            {
                "degrees": degrees,
                "found": rolled.found,
                "usable": len(rolled.people),
                "median_cosine": float(np.median(own)),
                "cosine_5_percent": float(np.quantile(own, 0.05)),
                "auc": auc(genuine, impostor),
                "tar": true_accept_rate(genuine, pipeline.contract.threshold),
            }
        )
    print(
        "\n### Head roll\n\nEach ORL picture rotated, then compared with the upright ones, its own left out of AUC and "
        "TAR.\n"
    )
    head = (
        "degrees",
        "found",
        "usable",
        "cosine to itself upright, median",
        "5 %",
        "AUC",
        "TAR at the default threshold",
    )
    rows = [
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
    ]
    print(markdown_table(head, rows))
    return result


def rotate(picture: np.ndarray, degrees: float) -> np.ndarray:
    """The picture rotated counter-clockwise about its middle."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def held_out(contract, faces) -> list[dict]:
    """Expected false matches by the curve of half the people against those counted on the other half."""
    names, rng, counts = np.unique(faces.people), np.random.default_rng(0), defaultdict(list)
    for _ in range(HELD_OUT_REPEATS):
        fitted = np.isin(faces.people, rng.permutation(names)[: len(names) // 2])
        curve = measure_false_matches(faces.embeddings[fitted], faces.people[fitted])
        half = replace(contract, false_match_curve=curve.points, false_match_interval=curve.interval)
        impostor = pair_similarities(faces.embeddings[~fitted], faces.people[~fitted])[1]
        for rate in (1e-2, 3e-3, 1e-3, 3e-4, 1e-4):
            threshold = threshold_at_rate(half, rate)
            told = estimate_false_matches(half, threshold, len(impostor))
            counted = int((impostor >= threshold).sum())
            counts[rate].append((told.expected, told.low, told.high, counted))
    result = []
    for rate, rows in counts.items():
        expected, low, high, counted = np.array(rows, float).T
        result.append(
            {
                "rate": rate,
                "expected": float(expected.mean()),
                "low": float(np.median(low)),
                "high": float(np.median(high)),
                "counted": float(counted.mean()),
                "counted_5_percent": float(np.quantile(counted, 0.05)),
                "counted_95_percent": float(np.quantile(counted, 0.95)),
                "below": float((counted < np.floor(low)).mean()),
                "above": float((counted > np.ceil(high)).mean()),
            }
        )
    print(
        f"\n### Expected false matches on held-out people\n\nThe curve is measured on half of the ORL people and "
        f"counted on the other half, {HELD_OUT_REPEATS} draws.\n"
    )
    head = (
        "rate",
        "expected",
        "range told, median",
        "counted, mean",
        "counted, 5 to 95 %",
        "below the range",
        "above it",
    )
    rows = [
        (
            f"{row['rate']:g}",
            f"{row['expected']:.1f}",
            f"{row['low']:.1f} to {row['high']:.1f}",
            f"{row['counted']:.1f}",
            f"{row['counted_5_percent']:.0f} to {row['counted_95_percent']:.0f}",
            f"{row['below']:.0%} of draws",
            f"{row['above']:.0%}",
        )
        for row in result
    ]
    print(markdown_table(head, rows))
    return result


@dataclass(frozen=True, eq=False)
class ClipFaces:
    """Usable faces of every frame of the clips.

    :param embeddings: ``(n, d)`` unit rows; ``people``, ``clips``: ``(n,)`` names; ``widths``: ``(n,)`` pixels.
    :param rejected: by clip, widths of the faces that failed the quality gate.
    """

    embeddings: np.ndarray
    people: np.ndarray
    clips: np.ndarray
    widths: np.ndarray
    rejected: dict[str, list[float]]


def clip_faces(pipeline, data: Path) -> ClipFaces:
    """Every usable face in every frame of the clips."""
    rows, rejected = [], defaultdict(list)
    for name, zones in CLIPS.items():
        for frame in clip_frames(data, name):
            for face in find_faces(pipeline, frame):
                width = float(face.bbox[2] - face.bbox[0])
                if face.embedding is None:
                    rejected[name].append(width)
                else:
                    rows.append((face.embedding, person_in_zone(face.bbox, zones), name, width))
    return ClipFaces(*(np.array(column) for column in zip(*rows)), rejected)


def report_clips(way: str, faces: ClipFaces, contract) -> dict:
    """Matches across clips, and similarities of different people, over all pairs of frames."""
    similarity = faces.embeddings @ faces.embeddings.T
    upper = np.triu(np.ones_like(similarity, bool), 1)
    same = faces.people[:, None] == faces.people[None]
    strangers, matches = similarity[upper & ~same], similarity >= contract.threshold
    result = {
        "faces": {person: int((faces.people == person).sum()) for person in sorted(set(faces.people))},
        "pairs_of_two": len(strangers),
        "highest_of_two": float(strangers.max()),
        "matches_of_two": int((strangers >= contract.threshold).sum()),
        "across": {},
    }
    print(
        f"\n### Clips, {way}\n\n{len(faces.people)} usable faces from {faces.widths.min():.0f} px wide: "
        + ", ".join(f"{person} {count}" for person, count in result["faces"].items())
        + f". Two people: {len(strangers)} pairs of frames, at most {strangers.max():.3f} alike, "
        f"{result['matches_of_two']} match."
    )
    for name, widths in faces.rejected.items():
        print(f"\nTurned down: {len(widths)} in {name}, {min(widths):.0f} to {max(widths):.0f} px wide.")
    rows = []
    for person in "AB":
        clips = sorted(set(faces.clips[faces.people == person]))[:2]
        first, second = ((faces.people == person) & (faces.clips == clip) for clip in clips)
        across, found = similarity[np.ix_(first, second)], matches[np.ix_(first, second)]
        result["across"][person] = row = {
            "pairs": across.size,
            "best": float(across.max()),
            "median": float(np.median(across)),
            "pairs_that_match": float(found.mean()),
            "faces_that_find": [float(found.any(axis=axis).mean()) for axis in (1, 0)],
        }
        rows.append(
            (
                person,
                row["pairs"],
                f"{row['best']:.3f}",
                f"{row['median']:.3f}",
                f"{row['pairs_that_match']:.1%}",
                f"{row['faces_that_find'][0]:.1%} and {row['faces_that_find'][1]:.1%}",
            )
        )
    head = ("person", "pairs across clips", "best", "median", "pairs that match", "faces that find the other clip")
    print()
    print(markdown_table(head, rows))
    result["expected"] = [
        (
            threshold,
            estimate_false_matches(contract, threshold, len(strangers)).expected,
            int((strangers >= threshold).sum()),
        )
        for threshold, _ in contract.false_match_curve
    ]
    print("\nWhat the model's own curve expects of these pairs of two people, and what there is:\n")
    rows = [
        ("expected", *(f"{expected:.1f}" for _, expected, _ in result["expected"])),
        ("counted", *(counted for _, _, counted in result["expected"])),
    ]
    print(markdown_table(("threshold", *(f"{threshold:g}" for threshold, _, _ in result["expected"])), rows))
    return result


def targets(result: dict) -> dict[str, bool]:
    """The targets, and whether they are met."""
    orl = result["orl"]
    met = {
        f"every ORL face found ({orl['found']} of {orl['pictures']})": orl["found"] == orl["pictures"] == 400,
        f"ORL AUC at least 0.999 ({orl['auc']:.5f})": orl["auc"] >= 0.999,
        f"ORL rank-1 at least 0.99 ({orl['rank_one']:.4f})": orl["rank_one"] >= 0.99,
    }
    for way, clip in result["clips"].items():
        for person, across in clip["across"].items():
            found = across["best"] >= result["threshold"]
            met[f"{person} found in the other clip, {way} (best {across['best']:.3f})"] = found
        apart = not clip["matches_of_two"]
        met[f"no two people match in any pair of frames, {way} (highest {clip['highest_of_two']:.3f})"] = apart
    print(f"\n## Targets, {TARGETED}\n")
    print(markdown_table(("asked", "holds"), [(target, "yes" if holds else "NO") for target, holds in met.items()]))
    return met


if __name__ == "__main__":
    main()
