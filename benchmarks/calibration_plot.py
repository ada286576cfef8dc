"""Plot of a model's false-match curve with its range, beside the curves of the sets that it was measured on."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from facetrack_ros.models.contract import ModelContract
from facetrack_ros.models.false_match_rate import false_match_rate
from facetrack_ros.models.operating_points import NAMES, operating_point

COLOURS = ("#1b6ca8", "#c9622c", "#3a7d44")


def draw_calibration(contract: ModelContract, sets: Mapping[str, ModelContract], path: Path) -> None:
    """Draw false-match rates over thresholds, and the share of genuine pairs found over false-match rates.

    :param sets: contracts with the curve of one set each, by its name.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 6.2), dpi=100, facecolor="white")
    left, right = figure.subplots(1, 2, gridspec_kw={"left": 0.07, "right": 0.98, "top": 0.9, "bottom": 0.11})
    thresholds = np.linspace(0.0, 0.75, 301) if contract.threshold < 0.9 else np.linspace(0.85, 0.99, 301)
    told = [false_match_rate(contract, float(at)) for at in thresholds]
    left.fill_between(
        thresholds, [each.low for each in told], [each.high for each in told], color="#dddddd", label="range told"
    )
    left.plot(thresholds, [each.rate for each in told], color="black", linewidth=2, label="rate told")
    for (name, one), colour in zip(sets.items(), COLOURS):
        at, rates = zip(*one.false_match_curve)
        low, high = zip(*one.false_match_interval)
        error = [np.subtract(rates, low), np.subtract(high, rates)]
        left.errorbar(at, rates, error, fmt="o", color=colour, capsize=3, markersize=4, label=f"{name}, 95 %")
    left.set(yscale="log", ylim=(1e-9, 1), xlabel="threshold, cosine", ylabel="false-match rate")
    shares = np.array(contract.found_curve)
    rates = [false_match_rate(contract, float(at)).rate for at in shares[:, 0]]
    right.plot(rates, shares[:, 1], "-o", color="black", markersize=4)
    for name in NAMES:
        point = operating_point(contract, name)
        for axes, place in ((left, (point.threshold, point.rate.rate)), (right, (point.rate.rate, point.found))):
            axes.plot(*place, "D", color="#b0203a", markersize=8, zorder=5)
            text = f"{name}\nthreshold {point.threshold:g}" + (f"\nfound {point.found:.3f}" if axes is right else "")
            axes.annotate(
                text, place, (10, -12 if axes is right else 4), textcoords="offset points", fontsize=10, va="top"
            )
    right.set(xscale="log", xlim=(1e-8, 1), ylim=(0.5, 1.005), xlabel="false-match rate told")
    right.set_ylabel("share of pairs of one person found")
    for axes in (left, right):
        axes.grid(True, color="#eeeeee")
        axes.spines[["top", "right"]].set_visible(False)
    left.legend(frameon=False, fontsize=11)
    figure.text(0.07, 0.94, f"{contract.id}: calibration", fontsize=15, weight="bold")
    figure.savefig(path)
