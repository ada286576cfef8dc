"""Recognition metrics as text and as JSON, each with the number of pairs or searches behind it."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from facetrack_ros.vision.evaluation.face_samples import FaceSamples
from facetrack_ros.vision.evaluation.recognition import RecognitionMetrics
from facetrack_ros.vision.evaluation.verification import RULE_OF_THREE

#: Pairs or searches from which a share of them is accurate to 0.1 or better (95 % confidence).
FEW = 100


def samples_lines(faces: FaceSamples) -> list[str]:
    """Outcomes of the pictures as text."""
    lines = [
        f"{'faces':<22}found in {faces.found} of {faces.pictures} pictures, several in {faces.several} "
        f"(the one of the best quality counts)"
    ]
    for label, paths in (("no face", faces.faceless), ("unreadable", faces.unreadable)):
        if paths:
            lines.append(f"{label:<22}in {len(paths)}: {_first_few(paths)}")
    lines += [f"{'turned down':<22}{count}: {reason}" for reason, count in faces.rejection_counts().items()]
    return lines


def metrics_lines(metrics: RecognitionMetrics) -> list[str]:
    """Metrics as text, marked where too few pairs or searches stand behind one."""
    pairs, drawn = len(metrics.impostor), len(metrics.impostor) < metrics.impostor_pairs
    couples = metrics.people * (metrics.people - 1) // 2
    lines = [
        f"{'pairs':<22}{len(metrics.genuine)} of one person; {metrics.impostor_pairs} of two, from {couples} couples "
        f"of people" + f", of which {pairs} drawn by chance were counted" * drawn,
        f"{'AUC':<22}{metrics.auc:.4f}",
    ]
    for point in metrics.points:
        behind = (
            f"{point.false_matches} of {pairs} pairs of two match"
            if point.shown
            else f"means nothing: it takes {RULE_OF_THREE / point.false_match_rate:.0f} pairs of two to show that "
            f"rate, {pairs} are here"
        )
        lines.append(
            _rate_line(f"TAR at FAR {point.false_match_rate:g}", point.true_accept_rate, point.threshold, behind)
        )
    lines.append(
        f"{'rank-1':<22}{metrics.rank_one:.4f}   {metrics.rank_one_searches} searches, each among all other pictures"
    )
    found = metrics.open_set
    behind = (
        f"{found.mated_searches} mated and {found.non_mated_searches} non-mated searches, of "
        f"{found.non_mated_pictures} pictures"
        if metrics.open_set_shown
        else f"means nothing: it takes {RULE_OF_THREE / metrics.fpir:.0f} pictures of people not enrolled to show that "
        f"rate, {found.non_mated_pictures} are here"
    )
    lines.append(_rate_line(f"FNIR at FPIR {metrics.fpir:g}", found.fnir, found.threshold, behind))
    for count, what in (
        (len(metrics.genuine), "pairs of one person, TAR is"),
        (metrics.rank_one_searches, "searches, rank-1 is"),
    ):
        if count < FEW:
            lines.append(f"{'too few':<22}from {count} {what} good to about {1 / math.sqrt(count):.2f} either way")
    return lines


def samples_json(faces: FaceSamples) -> dict[str, object]:
    """Outcomes of the pictures, with the path of each picture that was not used."""
    return {
        "pictures": faces.pictures,
        "found": faces.found,
        "several": faces.several,
        "used": len(faces.people),
        "faceless": [str(path) for path in faces.faceless],
        "unreadable": [str(path) for path in faces.unreadable],
        "turned_down": [{"picture": str(path), "reason": why} for path, why in faces.rejected],
    }


def metrics_json(metrics: RecognitionMetrics) -> dict[str, object]:
    """Metrics; ``shown`` says whether there are pairs or searches enough for the rate."""
    return {
        "people": metrics.people,
        "genuine_pairs": len(metrics.genuine),
        "impostor_pairs": metrics.impostor_pairs,
        "impostor_pairs_counted": len(metrics.impostor),
        "auc": metrics.auc,
        "points": [asdict(point) for point in metrics.points],
        "rank_one": metrics.rank_one,
        "rank_one_searches": metrics.rank_one_searches,
        "open_set": {"fpir_wanted": metrics.fpir, **asdict(metrics.open_set), "shown": metrics.open_set_shown},
    }


def threshold_text(threshold: float) -> str:
    """A threshold in three digits, in five where an embedder's similarities lie close to 1."""
    return f"{threshold:.3f}" if threshold < 0.9 else f"{threshold:.5f}"


def _rate_line(label: str, rate: float, threshold: float, behind: str) -> str:
    return f"{label:<22}{rate:.4f}   threshold {threshold_text(threshold)}   {behind}"


def _first_few(paths: Sequence[Path], most: int = 3) -> str:
    return ", ".join(str(path) for path in paths[:most]) + ", …" * (len(paths) > most)
