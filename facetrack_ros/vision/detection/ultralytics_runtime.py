"""Ultralytics as a plain library: no downloads, installations, telemetry, output or files."""

import functools
import logging
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import numpy as np

from facetrack_ros.errors import ModelError
from facetrack_ros.vision.inference.letterbox import Letterbox
from facetrack_ros.vision.inference.onnx_session import NO_TELEMETRY

_LOCK = threading.Lock()
#: Environment variables that Ultralytics reads when it is imported.
FORCED = {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_VERBOSE": "false"}
#: Whether weights that contain code are refused, and the default where the user sets none.
SAFE_LOAD = ("ULTRALYTICS_SAFE_LOAD", "true")
#: Modules that send usage figures, in newer and older versions.
REPORTERS = ("ultralytics.utils.events", "ultralytics.hub.utils")


def load_yolo() -> type:
    """The class ``ultralytics.YOLO``.

    By default Ultralytics probes the network, sends usage figures to a web statistics service, installs packages it
    misses, writes a settings file into the home folder, logs to stdout, and sets OpenCV's threads and numpy's print
    options for the whole process. All that is turned off or restored, also where other code has imported it before.
    Weights (``.pt``) may contain code: they are loaded without running it, which needs torch 2.6 or later. The
    user's ``YOLO_CONFIG_DIR`` and ``ULTRALYTICS_SAFE_LOAD`` are respected.

    :raises ModelError: it is not installed.
    """
    with _LOCK:
        os.environ.setdefault(*NO_TELEMETRY)  # it may run onnxruntime
        threads, printing = cv2.getNumThreads(), np.get_printoptions()
        try:
            with _environment():
                from ultralytics import YOLO, utils
                from ultralytics.nn import tasks
                from ultralytics.utils import checks
        except ImportError as error:
            raise ModelError(f"Ultralytics is missing ({error}): pip install facetrack_ros[torch]") from error
        finally:
            cv2.setNumThreads(threads)
            np.set_printoptions(**printing)
        for module in (utils, checks):
            vars(module).update(ONLINE=False, AUTOINSTALL=False)
        safe = os.environ.get(*SAFE_LOAD).strip().lower() not in ("0", "false", "no", "off")
        utils.SAFE_LOAD = tasks.SAFE_LOAD = safe
        for reporter in REPORTERS:
            if reporter in sys.modules:
                sys.modules[reporter].events.enabled = False
        utils.LOGGER.setLevel(logging.ERROR)
        for handler in utils.LOGGER.handlers:
            if getattr(handler, "stream", None) is sys.stdout:
                handler.setStream(sys.stderr)
        return YOLO


def fast_predictor(base: type) -> type:
    """A subclass of an Ultralytics predictor that prepares its input by :class:`.Letterbox`, in a third of the time.

    :param base: ``DetectionPredictor`` or a kin; one that does not letterbox keeps its own preprocessing.
    """

    class FastPredictor(base):
        def preprocess(self, im):
            import torch

            if (
                isinstance(im, torch.Tensor)
                or getattr(self, "scale_fill", False)
                or any(image.shape[2] != 3 for image in im)
            ):
                return super().preprocess(im)
            height, width = self.imgsz
            letterbox = Letterbox((width, height), "RGB", std=(255.0, 255.0, 255.0), centred=True)
            one_shape = len({image.shape for image in im}) == 1
            if one_shape and self.args.rect and (self.model.format == "pt" or getattr(self.model, "dynamic", False)):
                letterbox = letterbox.shrunk(im[0].shape[1], im[0].shape[0], int(self.model.stride))
            blob = torch.from_numpy(letterbox.blob(im)[0]).to(self.device)
            return blob.half() if self.model.fp16 else blob

    return FastPredictor


@contextmanager
def _environment() -> Iterator[None]:
    """Environment variables for the import; restored afterwards."""
    wanted = {"YOLO_CONFIG_DIR": _settings_folder().name, **dict([SAFE_LOAD]), **os.environ, **FORCED}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@functools.cache
def _settings_folder() -> tempfile.TemporaryDirectory:
    """Folder of Ultralytics' settings, deleted with the process."""
    return tempfile.TemporaryDirectory(prefix="facetrack-ultralytics-")
