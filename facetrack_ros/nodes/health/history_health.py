"""Diagnoses of a history: frames and sightings of each camera, and the disk."""

import logging
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from facetrack_ros.history.set_aside import files_set_aside
from facetrack_ros.history.status import HistoryStatus
from facetrack_ros.nodes.health.stage_health import StageHealth
from facetrack_ros.nodes.health.status import ERROR, OK, STALE, Diagnosis

# The disk is written once a second: an error that is not repeated for this long is over.
OVER_S = 5.0
# How often the files set aside are listed, and how many are shown.
_ASIDE_S, _MOST_ASIDE = 60.0, 10
_LOGGER = logging.getLogger("facetrack_ros.history")


class HistoryHealth(logging.Handler):
    """Health of one robot's history. From :meth:`attach` to :meth:`close`, warnings of the package ``history`` count as
    errors of it.

    :param stage: measures the frames that arrive.
    :param folder: the robot's folder.
    """

    def __init__(self, stage: StageHealth, folder: Path):
        super().__init__(logging.WARNING)
        self._stage, self._folder = stage, folder
        self._error, self._error_s = "", float("-inf")
        self._aside: tuple[str, ...] = ()
        self._aside_s = float("-inf")
        # ``history.people`` belongs to tracker and gallery.
        self.addFilter(lambda record: not record.name.startswith(f"{_LOGGER.name}.people"))

    def attach(self) -> None:
        """Begin to receive the warnings."""
        _LOGGER.addHandler(self)

    def close(self) -> None:
        """Stop receiving the warnings."""
        _LOGGER.removeHandler(self)
        super().close()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a warning as the last error."""
        self.failed(record.getMessage())

    def failed(self, sentence: str) -> None:
        """Keep an error of writing or reading."""
        self._error, self._error_s = sentence, time.monotonic()

    def report(self, status: HistoryStatus, figures: Iterable[Callable[[], dict[str, str]]]) -> list[Diagnosis]:
        """The health of each camera's frames, and of the disk.

        :param status: what is kept now.
        :param figures: of searches and frames handed out.
        """
        kept = {camera.camera_id: camera for camera in status.cameras}
        found = []
        for camera_id in self._stage.clocks:
            camera = kept.get(camera_id)
            values = {"frames in memory": "0", "sightings": "0", "span held (s)": "0.0"}
            if camera is not None:
                span_ns = (camera.newest_ns or 0) - (camera.oldest_ns or 0)
                values = {
                    "frames in memory": str(camera.frames),
                    "frames in memory (MB)": f"{camera.frame_bytes / 1e6:.1f}",
                    "sightings": str(camera.sightings),
                    "span held (s)": f"{span_ns / 1e9:.1f}",
                }
            found.append(self._stage.report_camera(camera_id, values))
        return [*found, self._disk(status, figures)]

    def _disk(self, status: HistoryStatus, figures: Iterable[Callable[[], dict[str, str]]]) -> Diagnosis:
        ago_s = time.monotonic() - self._error_s
        values = {
            "used (MB)": f"{status.disk_bytes / 1e6:.1f}",
            "free (MB)": self._free(),
            "model": status.model_id or "none yet",
            "sightings": str(status.sightings),
            "events written": str(status.events),
            "events not written": str(status.unwritten_events),
            "set aside as damaged": ", ".join(self._set_aside()) or "none",
            **{name: value for each in figures for name, value in each().items()},
            "last error": self._error or "none",
        }
        if self._error:
            values["last error (s ago)"] = f"{ago_s:.0f}"
        if ago_s < OVER_S:
            return Diagnosis("history", ERROR, self._error, values)
        if not status.model_id:
            return Diagnosis("history", STALE, "waits for the first faces, which name the model", values)
        return Diagnosis(
            "history", OK, f"{status.sightings} sightings, {status.disk_bytes / 1e6:.1f} MB on disk", values
        )

    def _set_aside(self) -> tuple[str, ...]:
        """The first files set aside, listed anew once a minute."""
        if time.monotonic() - self._aside_s > _ASIDE_S:
            self._aside, self._aside_s = files_set_aside(self._folder)[:_MOST_ASIDE], time.monotonic()
        return self._aside

    def _free(self) -> str:
        try:
            folder = self._folder if self._folder.exists() else self._folder.parent
            return f"{shutil.disk_usage(folder).free / 1e6:.0f}"
        except OSError:
            return "unknown"
