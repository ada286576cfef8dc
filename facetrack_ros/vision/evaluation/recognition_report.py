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
    several = f"several in {faces.several} (the widest near the centre counts)"
    lines = [("faces", f"found in {faces.found} of {faces.pictures} pictures, {several}")]
    for label, paths in (("no face", faces.faceless), ("unreadable", faces.unreadable)):
        if paths:
            lines.append((label, f"in {len(paths)}: {_first_few(paths)}"))
    lines += [("turned down", f"{count}: {reason}") for reason, count in faces.rejection_counts().items()]
    return _aligned(lines)


def metrics_lines(metrics: RecognitionMetrics) -> list[str]:
    """Metrics as text, marked where too few pairs or searches stand behind one."""
    pairs, drawn = len(metrics.impostor), len(metrics.impostor) < metrics.impostor_pairs
    couples = metrics.people * (metrics.people - 1) // 2
    chance = f", of which {pairs} drawn by chance were counted" * drawn
    two = f"{metrics.impostor_pairs} of two, from {couples} couples of people{chance}"
    lines = [("pairs", f"{len(metrics.genuine)} of one person; {two}"), ("AUC", f"{metrics.auc:.4f}")]
    for point in metrics.points:
        rate = point.false_match_rate
        behind = f"{point.false_matches} of {pairs} pairs of two match"
        if not point.shown:
            behind = _too_few(rate, "pairs of two", pairs)
        lines.append((f"TAR at FAR {rate:g}", _rate_text(point.true_accept_rate, point.threshold, behind)))
    searches, found = metrics.rank_one_searches, metrics.open_set
    lines.append(("rank-1", f"{metrics.rank_one:.4f}   {searches} searches, each among all other pictures"))
    both = f"{found.mated_searches} mated and {found.non_mated_searches} non-mated searches"
    behind = f"{both}, of {found.non_mated_pictures} pictures"
    if not metrics.open_set_shown:
        behind = _too_few(metrics.fpir, "pictures of people not enrolled", found.non_mated_pictures)
    lines.append((f"FNIR at FPIR {metrics.fpir:g}", _rate_text(found.fnir, found.threshold, behind)))
    for count, what in ((len(metrics.genuine), "pairs of one person, TAR"), (searches, "searches, rank-1")):
        if count < FEW:
            good_to = 1 / math.sqrt(count)
            lines.append(("too few", f"from {count} {what} is good to about {good_to:.2f} either way"))
    return _aligned(lines)


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


def _aligned(lines: list[tuple[str, str]]) -> list[str]:
    return [f"{label:<22}{text}" for label, text in lines]


def _rate_text(rate: float, threshold: float, behind: str) -> str:
    return f"{rate:.4f}   threshold {threshold_text(threshold)}   {behind}"


def _too_few(rate: float, what: str, count: int) -> str:
    return f"means nothing: it takes {RULE_OF_THREE / rate:.0f} {what} to show that rate, {count} are here"


def _first_few(paths: Sequence[Path], most: int = 3) -> str:
    return ", ".join(str(path) for path in paths[:most]) + ", …" * (len(paths) > most)
