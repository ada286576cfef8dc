"""Plot of the ROC curve beside the distributions of similarities."""

from pathlib import Path
from typing import Any

import numpy as np

from facetrack_ros.errors import EvaluationError
from facetrack_ros.vision.evaluation.recognition import RecognitionMetrics
from facetrack_ros.vision.evaluation.verification import RULE_OF_THREE, false_match_rate, roc, true_accept_rate

INK, GREY, FAINT = "#1f2a37", "#6b7785", "#e3e7ec"
SAME, DIFFERENT, IN_USE = "#0f6b57", "#b23a2e", "#2458a6"
WIDTH_IN, HEIGHT_IN, DPI = 14.0, 6.2, 100
BINS = 120
PANEL = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.0}
OPAQUE = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
ARROW = {"arrowstyle": "-", "color": GREY, "shrinkA": 0, "shrinkB": 5}


def draw_roc(metrics: RecognitionMetrics, title: str, path: Path, in_use: float = 0.0) -> None:
    """Draw ROC curve and similarities into a file. No state is shared with other figures.

    :param path: its ending chooses PNG, SVG or PDF.
    :param in_use: the model's own threshold; 0: none.
    :raises EvaluationError: the file cannot be written, or its ending names no format.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), dpi=DPI, facecolor="white")
    margins = {"left": 0.06, "right": 0.985, "top": 0.83, "bottom": 0.11, "wspace": 0.16}
    left, right = figure.subplots(1, 2, gridspec_kw=margins)
    found = metrics.open_set
    summary = (
        f"{metrics.people} people, {len(metrics.genuine):,} pairs of one person, {metrics.impostor_pairs:,} "
        f"of two.   AUC {metrics.auc:.4f}   rank-1 {metrics.rank_one:.4f}   "
        f"FNIR {found.fnir:.4f} at FPIR {metrics.fpir:g}"
    )
    figure.text(0.06, 0.945, title.replace("$", r"\$"), fontsize=15, color=INK, weight="bold")
    figure.text(0.06, 0.9, summary, fontsize=11, color=GREY)
    _draw_curve(left, metrics, in_use)
    _draw_similarities(right, metrics, in_use)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(GREY)
        axes.tick_params(colors=GREY, labelcolor=INK, labelsize=11)
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{path} cannot be drawn: {error}") from error


def _draw_curve(axes: Any, metrics: RecognitionMetrics, in_use: float) -> None:
    far, tar, _ = roc(metrics.genuine, metrics.impostor)
    least = 1.0 / len(metrics.impostor)
    bound = RULE_OF_THREE * least
    lowest = 10.0 ** np.floor(np.log10(least))
    # A rate of 0 has no place on a logarithmic axis; the curve begins at its left end.
    corners = _corners(far, tar)
    axes.axvspan(lowest, min(bound, 1.0), color=FAINT, linewidth=0)
    axes.plot(np.maximum(far, lowest)[corners], tar[corners], color=SAME, linewidth=2.2)
    points = [point for point in metrics.points if point.shown]
    visible = [point.true_accept_rate for point in points] + [float(tar[np.searchsorted(far, bound, "right") - 1])]
    bottom = _axis_start(min(visible))
    axes.set(xscale="log", xlim=(lowest, 1.0), ylim=(bottom, 1.0 + (1.0 - bottom) * 0.02))
    share = 0.08 if visible[-1] > bottom + 0.3 * (1.0 - bottom) else 0.75
    place = (np.sqrt(lowest * min(bound, 1.0)), bottom + (1.0 - bottom) * share)
    axes.text(*place, "too few\npairs\nto tell", ha="center", va="center", fontsize=9.5, color=GREY, linespacing=1.3)
    labels = []
    for point in points:
        rate, accepted = point.false_match_rate, point.true_accept_rate
        text = f"TAR {accepted:.4f} at FAR {_power(rate)}\nthreshold {point.threshold:.3f}"
        labels.append((rate, accepted, text, SAME, "o"))
    own = true_accept_rate(metrics.genuine, in_use) if in_use else 0.0
    if own >= bottom and in_use:
        rate = max(false_match_rate(metrics.impostor, in_use), lowest)
        labels.append((rate, own, f"in use: TAR {own:.4f}\nthreshold {in_use:.3f}", IN_USE, "D"))
    _label_points(axes, sorted(labels, reverse=True), bottom)
    axes.set_xlabel("false-match rate, share of pairs of two people that match (FAR)", fontsize=11.5, color=INK)
    axes.set_ylabel("share of pairs of one person that match (TAR)", fontsize=11.5, color=INK)
    axes.grid(True, color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)


def _label_points(axes: Any, labels: list[tuple[float, float, str, str, str]], bottom: float) -> None:
    """Label points of the curve, from right to left: below it, or above where there is no room, without overlap."""
    height = 1.0 - bottom
    below, above = 2.0, 0.3
    for rate, accepted, text, colour, marker in labels:
        axes.plot([rate], [accepted], marker, color=colour, markersize=8, zorder=6, clip_on=False)
        share = (accepted - bottom) / height
        if share < 0.2:
            place, alignment, above = (0.3 * rate, bottom + above * height), "bottom", above + 0.12
        else:
            below = min(share - 0.02, below - 0.12)
            place, alignment = (1.25 * rate, bottom + below * height), "top"
        moved = alignment == "bottom" or below < share - 0.05
        style = {"va": alignment, "color": IN_USE if colour == IN_USE else INK, "arrowprops": ARROW if moved else None}
        axes.annotate(text, (rate, accepted), place, fontsize=10.5, linespacing=1.35, zorder=5, bbox=PANEL, **style)


def _draw_similarities(axes: Any, metrics: RecognitionMetrics, in_use: float) -> None:
    low = float(min(metrics.genuine.min(), metrics.impostor.min()))
    edges = np.linspace(low, max(1.0, float(metrics.genuine.max())), BINS + 1)
    for values, colour, label in ((metrics.impostor, DIFFERENT, "two people"), (metrics.genuine, SAME, "one person")):
        weights = np.full(len(values), 1.0 / len(values))
        axes.hist(values, edges, weights=weights, color=colour, alpha=0.35, linewidth=0, label=label)
        axes.hist(values, edges, weights=weights, color=colour, histtype="step", linewidth=1.3)
    floor = 0.5 / max(len(metrics.genuine), len(metrics.impostor))
    shown = (point for point in metrics.points if point.shown)
    lines = [(point.threshold, f"FAR {_power(point.false_match_rate)}", DIFFERENT) for point in shown]
    lines += [(metrics.open_set.threshold, f"FPIR {_power(metrics.fpir)}", INK)] * metrics.open_set_shown
    lines += [(in_use, "in use", IN_USE)] * (in_use > 0)
    axes.set(yscale="log", ylim=(floor, 30), xlim=(edges[0], edges[-1]))  # room for the labels above 1
    axes.set_yticks([10.0**power for power in range(int(np.ceil(np.log10(floor))), 1)])
    axes.minorticks_off()
    rows = _label_rows([threshold for threshold, *_ in lines], (edges[-1] - edges[0]) * 0.16)
    for (threshold, label, colour), row in zip(lines, rows):
        axes.axvline(threshold, color=colour, linewidth=1.3, linestyle="--")
        side = "left" if threshold < edges[0] + 0.8 * (edges[-1] - edges[0]) else "right"
        style = {"ha": side, "va": "top", "fontsize": 10, "color": colour, "zorder": 7, "bbox": OPAQUE}
        place = (threshold, 1.0 - 0.045 * row)
        axes.annotate(f" {label}: {threshold:.3f} ", place, xycoords=("data", "axes fraction"), **style)
    corner = (0.01, 0.99)
    axes.legend(loc="upper left", bbox_to_anchor=corner, fontsize=11, frameon=False, labelcolor=INK, borderaxespad=0)
    axes.set_xlabel("similarity of a pair, cosine", fontsize=11.5, color=INK)
    axes.set_ylabel("share of the pairs in a bin", fontsize=11.5, color=INK)


def _corners(far: np.ndarray, tar: np.ndarray) -> np.ndarray:
    """Rows of a curve without those inside a vertical or horizontal stretch; there may be millions."""
    keep = np.ones(len(far), bool)
    keep[1:-1] = ~((far[:-2] == far[2:]) | (tar[:-2] == tar[2:]))
    return np.flatnonzero(keep)


def _axis_start(rate: float) -> float:
    """Lower end of the axis at which all rates from ``rate`` up can be told apart."""
    missed = 1.0 - rate
    return next((1.0 - span for span in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if missed <= 0.8 * span), 0.0)


def _label_rows(places: list[float], gap: float) -> list[int]:
    """The row of each label, so that labels nearer than ``gap`` are on different rows."""
    last: dict[int, float] = {}
    rows = [0] * len(places)
    for place in sorted(range(len(places)), key=places.__getitem__):
        row = next(row for row in range(len(places)) if places[place] - last.get(row, -np.inf) >= gap)
        rows[place], last[row] = row, places[place]
    return rows


def _power(rate: float) -> str:
    exponent = np.log10(rate)
    return f"$10^{{{round(exponent)}}}$" if abs(exponent - round(exponent)) < 1e-9 else f"{rate:g}"
