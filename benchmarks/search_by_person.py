"""Searches by person: what a template of several faces finds that its best face alone does not.

    python benchmarks/search_by_person.py DATA_DIR [--json FILE] [--pairs NAME …]

DATA_DIR holds ``faces/att_faces`` (ORL, 40 people) and ``clips``. ORL: a person's template is of five pictures, in
twenty draws, and the other pictures of all people are the sightings. Clips: a template of the faces in one clip, and
the faces of all other clips are the sightings. Prints Markdown. All random draws are seeded.
"""

from collections.abc import Callable

import numpy as np
from common import argument_parser, markdown_table, parse, write_json
from datasets import ORL_PAD, ORL_UPSCALE
from recognition import PAIRS, USUAL, clip_faces

from facetrack_ros.tracking.identity.face_template import FaceTemplate
from facetrack_ros.vision.evaluation.face_dataset import labelled_pictures
from facetrack_ros.vision.evaluation.face_samples import embed_pictures, enlarged
from facetrack_ros.vision.evaluation.verification import auc, threshold_at, true_accept_rate
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.settings import FROM_FACES, VisionSettings

_DRAWS, _TEMPLATE = 20, 5
RATES = (0.01, 0.001)

#: Of each template, the mean of all faces it was made of, weighted by quality.
all_faces_of: dict[int, np.ndarray] = {}

#: Similarities of ``(n, d)`` sightings to a template.
Score = Callable[[FaceTemplate, np.ndarray], np.ndarray]


def _mean(template: FaceTemplate, faces: np.ndarray) -> np.ndarray:
    assert template.mean is not None
    return faces @ template.mean


def _best_pair(template: FaceTemplate, faces: np.ndarray) -> np.ndarray:
    return (faces @ template.embeddings.T).max(axis=1)


SCORES: dict[str, Score] = {
    "the face of best quality": lambda template, faces: faces @ template.embeddings[int(template.qualities.argmax())],
    "mean of the template": _mean,
    "best of the template": _best_pair,
    "mean of all faces": lambda template, faces: faces @ all_faces_of[id(template)],
    "lower of mean and best": lambda template, faces: np.minimum(_mean(template, faces), _best_pair(template, faces)),
}


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--pairs", nargs="+", choices=PAIRS, default=USUAL)
    arguments = parse(parser)
    results = {}
    for name in arguments.pairs:
        face_model, embedder = PAIRS[name]
        pipeline = build_pipeline(VisionSettings(FROM_FACES, face_model, embedder))
        pictures = labelled_pictures(arguments.data / "faces" / "att_faces")
        orl = embed_pictures(pipeline, pictures, enlarged(ORL_UPSCALE, ORL_PAD))
        clips, threshold = clip_faces(pipeline, arguments.data), pipeline.contract.threshold
        results[name] = {
            "ORL": report(f"{name}, ORL", orl_scores(orl), threshold),
            "clips": report(f"{name}, clips", clip_scores(clips), threshold),
        }
    write_json(arguments.json, results)


def template_of(embeddings: np.ndarray, qualities: np.ndarray) -> FaceTemplate:
    """A template of a person's faces, as robots make it."""
    template = FaceTemplate()
    for embedding, quality in zip(embeddings, qualities):
        template.add(embedding, float(quality))
    mean = (qualities + 1e-3) @ embeddings
    all_faces_of[id(template)] = mean / np.linalg.norm(mean)
    return template


def orl_scores(faces) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Genuine and impostor similarities by way of scoring."""
    found: dict[str, tuple[list, list]] = {name: ([], []) for name in SCORES}
    rng = np.random.default_rng(0)
    for _ in range(_DRAWS):
        order = rng.permutation(len(faces.people))
        of_template = np.zeros(len(order), bool)
        for person in np.unique(faces.people):
            of_template[order[faces.people[order] == person][:_TEMPLATE]] = True
        for person in np.unique(faces.people):
            rows = of_template & (faces.people == person)
            template = template_of(faces.embeddings[rows], faces.qualities[rows])
            _add(found, template, faces.embeddings[~of_template], faces.people[~of_template] == person)
    return {name: (np.concatenate(own), np.concatenate(others)) for name, (own, others) in found.items()}


def clip_scores(faces) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Genuine and impostor similarities by way of scoring; the widest face stands for that of best quality."""
    found: dict[str, tuple[list, list]] = {name: ([], []) for name in SCORES}
    for person in np.unique(faces.people):
        for clip in np.unique(faces.clips[faces.people == person]):
            rows = (faces.people == person) & (faces.clips == clip)
            template = template_of(faces.embeddings[rows], faces.widths[rows] / faces.widths.max())
            elsewhere = faces.clips != clip
            _add(found, template, faces.embeddings[elsewhere], faces.people[elsewhere] == person)
    return {name: (np.concatenate(own), np.concatenate(others)) for name, (own, others) in found.items()}


def _add(found: dict, template: FaceTemplate, sightings: np.ndarray, same: np.ndarray) -> None:
    for name, score in SCORES.items():
        similarity = score(template, sightings)
        found[name][0].append(similarity[same])
        found[name][1].append(similarity[~same])


def report(title: str, scores: dict[str, tuple[np.ndarray, np.ndarray]], threshold: float) -> dict:
    """Print one table; its values."""
    values = {}
    for name, (genuine, impostor) in scores.items():
        values[name] = {
            "auc": auc(genuine, impostor),
            **{f"tar_at_{rate:g}": true_accept_rate(genuine, threshold_at(impostor, rate)) for rate in RATES},
            "found_at_threshold": true_accept_rate(genuine, threshold),
            "false_at_threshold": int((impostor >= threshold).sum()),
            "impostors": len(impostor),
            "highest_impostor": float(impostor.max()),
        }
    head = ("asked with", "AUC", *(f"TAR at FAR {rate:g}" for rate in RATES), "found", "false", "highest of two people")
    rows = [
        (
            name,
            f"{each['auc']:.5f}",
            *(f"{each[f'tar_at_{rate:g}']:.4f}" for rate in RATES),
            f"{each['found_at_threshold']:.4f}",
            f"{each['false_at_threshold']} of {each['impostors']}",
            f"{each['highest_impostor']:.3f}",
        )
        for name, each in values.items()
    ]
    print(f"\n### {title}, threshold {threshold:g}\n\n{markdown_table(head, rows)}")
    return values


if __name__ == "__main__":
    main()
