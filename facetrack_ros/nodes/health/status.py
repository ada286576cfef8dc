"""Diagnoses: level, sentence and figures of a stage or service. Free of ROS."""

import math
from dataclasses import dataclass, field

from facetrack_ros.history.clock_offsets import format_duration
from facetrack_ros.nodes.health.camera_clock import CameraClock
from facetrack_ros.nodes.health.stage_meter import StageFigures

OK, WARN, ERROR, STALE = range(4)

# A camera without frames for this long is reported; as in the log.
SILENT_S = 5.0
# A share below this is normal when another process needs the processor. Chosen by hand.
DROPPED_SHARE = 0.1
# How long an error is shown as a warning.
ERROR_SHOWN_S = 60.0


@dataclass(frozen=True)
class Diagnosis:
    """Health of one stage or service.

    :param thing: its name, such as ``front detector``.
    :param level: one of :data:`OK`, :data:`WARN`, :data:`ERROR`, :data:`STALE`.
    :param sentence: the most important finding.
    :param values: figures by name.
    """

    thing: str
    level: int
    sentence: str
    values: dict[str, str] = field(default_factory=dict)


def stage_diagnosis(
    camera_id: str,
    stage: str,
    figures: StageFigures,
    work: str = "",
    problem: str = "",
    clock: CameraClock | None = None,
    age_ns: int | None = None,
    values: dict[str, str] | None = None,
) -> Diagnosis:
    """Diagnosis of a camera's frames in a stage.

    :param stage: its name.
    :param work: name of the work that the stage times; empty: none.
    :param problem: why no frames arrive; empty: unknown.
    :param clock: of the camera, if the stage measures it.
    :param age_ns: age of the newest frame when it was finished.
    :param values: more figures.
    """
    level, sentence = _assess(camera_id, figures, work, problem, clock)
    shown = {
        "frames": str(figures.frames),
        "rate in (Hz)": f"{figures.rate_in:.1f}",
        "rate out (Hz)": f"{figures.rate_out:.1f}",
        "dropped": str(figures.dropped),
        "lost on the way": str(figures.lost),
        "dropped lately (%)": f"{100 * figures.dropped_lately:.0f}",
    }
    if work:
        shown[f"{work} (ms)"] = _number(figures.took_ms)
    shown["time in stage (ms)"] = _number(figures.waited_ms)
    shown["last frame came (s ago)"] = "never" if figures.silent_s is None else f"{figures.silent_s:.1f}"
    if age_ns is not None:
        shown["age of frames (s)"] = f"{age_ns / 1e9:.3f}"
    if clock is not None and clock.behind_ns is not None:
        shown["clock behind (s)"] = f"{clock.behind_ns / 1e9:.3f}"
    shown["unusable"] = str(figures.failed)
    shown["last error"] = figures.error or "none"
    if figures.error_ago_s is not None:
        shown["last error (s ago)"] = f"{figures.error_ago_s:.0f}"
    return Diagnosis(f"{camera_id} {stage}", level, sentence, {**shown, **(values or {})})


def _assess(
    camera_id: str, figures: StageFigures, work: str, problem: str, clock: CameraClock | None
) -> tuple[int, str]:
    if problem:
        return ERROR, problem
    silent = figures.silent_s is None or figures.silent_s >= SILENT_S
    if silent and figures.error_ago_s is not None and figures.error_ago_s < SILENT_S:
        return ERROR, f"no frame that can be used: {figures.error}"
    if figures.silent_s is None:
        if figures.running_s < SILENT_S:
            return STALE, "waits for its first frame"
        return ERROR, f"no frame came within {format_duration(round(figures.running_s * 1e9))} of its start"
    if figures.silent_s >= SILENT_S:
        return STALE, f"no frames for {format_duration(round(figures.silent_s * 1e9))}"
    if figures.rate_out == 0 and figures.stuck_s >= SILENT_S:
        return ERROR, f"frames arrive, but none was finished for {format_duration(round(figures.stuck_s * 1e9))}"
    if figures.error_ago_s is not None and figures.error_ago_s < ERROR_SHOWN_S:
        return WARN, figures.error
    if figures.dropped_lately >= DROPPED_SHARE:
        lost = f", and {figures.lost} got lost on the way" if figures.lost else ""
        takes = f"; {work} takes {figures.took_ms:.0f} ms a frame" if work and not math.isnan(figures.took_ms) else ""
        return WARN, (
            f"{figures.rate_in:.1f} frames a second arrive and {figures.rate_out:.1f} are processed: "
            f"{100 * figures.dropped_lately:.0f} % are dropped, {figures.dropped} so far{lost}{takes}"
        )
    if clock is not None and clock.off:
        return WARN, clock.sentence(camera_id)
    return OK, f"{figures.rate_out:.1f} frames a second"


def _number(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.1f}"
