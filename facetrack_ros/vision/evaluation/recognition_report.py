"""The figures of recognition as text and as JSON, each with how much stands behind it."""

import math

from facetrack_ros.vision.evaluation.face_samples import FaceSamples
from facetrack_ros.vision.evaluation.recognition import RecognitionMetrics
from facetrack_ros.vision.evaluation.verification import RULE_OF_THREE

#: From so many pairs or searches on, a share of them is good to 0.1 or better (95 % confidence).
FEW = 100


def samples_lines(faces: FaceSamples) -> list[str]:
    """What became of the pictures."""
    lines = [
        f"{'faces':<22}found in {faces.found} of {faces.pictures} pictures, several in {faces.several} "
        f"(the one of the best quality counts)"
    ]
    lines += [f"{'no face':<22}in {len(faces.faceless)}: {_some(faces.faceless)}"] * bool(faces.faceless)
    lines += [f"{'unreadable':<22}{len(faces.unreadable)}: {_some(faces.unreadable)}"] * bool(faces.unreadable)
    lines += [f"{'turned down':<22}{count}: {reason}" for reason, count in faces.reasons().items()]
    return lines


def metrics_lines(figures: RecognitionMetrics) -> list[str]:
    """The figures, and a word where too little stands behind one."""
    pairs, drawn = len(figures.impostor), len(figures.impostor) < figures.impostor_pairs
    couples = figures.people * (figures.people - 1) // 2
    lines = [
        f"{'pairs':<22}{len(figures.genuine)} of one person; {figures.impostor_pairs} of two, from {couples} couples of "
        f"people" + f", of which {pairs} drawn by chance were counted" * drawn,
        f"{'AUC':<22}{figures.auc:.4f}",
    ]
    for point in figures.points:
        behind = (
            f"{point.false_matches} of {pairs} pairs of two match"
            if point.shown
            else f"means nothing: it takes {RULE_OF_THREE / point.rate:.0f} pairs of two to show that rate, {pairs} are here"
        )
        lines.append(
            f"{f'TAR at FAR {point.rate:g}':<22}{point.true_accept_rate:.4f}   "
            f"threshold {threshold_text(point.threshold)}   {behind}"
        )
    lines.append(
        f"{'rank-1':<22}{figures.rank_one:.4f}   {figures.rank_one_searches} searches, each among all other pictures"
    )
    found = figures.open_set
    behind = (
        f"{found.mated} mated and {found.non_mated} non-mated searches, of {found.distinct_non_mated} pictures"
        if figures.open_set_shown
        else f"means nothing: it takes {RULE_OF_THREE / figures.fpir:.0f} pictures of people not enrolled to show that rate, "
        f"{found.distinct_non_mated} are here"
    )
    lines.append(
        f"{f'FNIR at FPIR {figures.fpir:g}':<22}{found.fnir:.4f}   "
        f"threshold {threshold_text(found.threshold)}   {behind}"
    )
    for count, what in (
        (len(figures.genuine), "pairs of one person, TAR is"),
        (figures.rank_one_searches, "searches, rank-1 is"),
    ):
        if count < FEW:
            lines.append(f"{'too few':<22}from {count} {what} good to about {1 / math.sqrt(count):.2f} either way")
    return lines


def samples_json(faces: FaceSamples) -> dict[str, object]:
    """What became of the pictures, every one that was not used by its path."""
    return {
        "pictures": faces.pictures,
        "found": faces.found,
        "several": faces.several,
        "used": len(faces.people),
        "faceless": [str(path) for path in faces.faceless],
        "unreadable": [str(path) for path in faces.unreadable],
        "turned_down": [{"picture": str(path), "reason": why} for path, why in faces.turned_down],
    }


def metrics_json(figures: RecognitionMetrics) -> dict[str, object]:
    """The figures; ``shown`` says whether enough stands behind one."""
    found = figures.open_set
    return {
        "people": figures.people,
        "genuine_pairs": len(figures.genuine),
        "impostor_pairs": figures.impostor_pairs,
        "impostor_pairs_counted": len(figures.impostor),
        "auc": figures.auc,
        "points": [
            {
                "false_match_rate": point.rate,
                "threshold": point.threshold,
                "false_matches": point.false_matches,
                "true_accept_rate": point.true_accept_rate,
                "shown": point.shown,
            }
            for point in figures.points
        ],
        "rank_one": figures.rank_one,
        "rank_one_searches": figures.rank_one_searches,
        "open_set": {
            "fpir_wanted": figures.fpir,
            "fpir": found.fpir,
            "fnir": found.fnir,
            "threshold": found.threshold,
            "mated_searches": found.mated,
            "non_mated_searches": found.non_mated,
            "non_mated_pictures": found.distinct_non_mated,
            "shown": figures.open_set_shown,
        },
    }


def _some(paths, most: int = 3) -> str:
    """The first few, named."""
    names = ", ".join(str(path) for path in paths[:most])
    return names + ", …" * (len(paths) > most)


def threshold_text(threshold: float) -> str:
    """With more digits where an embedder's similarities crowd together below 1."""
    return f"{threshold:.3f}" if threshold < 0.9 else f"{threshold:.5f}"
