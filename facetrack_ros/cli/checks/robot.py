"""Checks of the settings, models, data folder and cameras of a robot."""

import errno
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from facetrack_ros.cli.checks.check_result import ERROR, OK, WARNING, CheckResult
from facetrack_ros.config import Config, data_folder
from facetrack_ros.core.frame import Frame
from facetrack_ros.errors import FacetrackError, ModelError, StoreError
from facetrack_ros.models.summary import NOT_HERE, ROLES
from facetrack_ros.sources.factory import open_source

# Longest wait for the first picture of a camera.
FIRST_PICTURE_S = 10.0


def check_models(config: Config) -> Iterator[CheckResult]:
    """Which models run, each checked against its record's hash; nothing is downloaded."""
    from facetrack_ros.vision.factory import build_pipeline
    from facetrack_ros.vision.settings import vision_settings

    try:
        roles = build_pipeline(vision_settings(config)).describe()
    except ModelError as error:
        yield CheckResult(ERROR, "models", str(error), "facetrack models list")
        return
    for role, model in roles.items():
        found = f"{ROLES[role]}: {model['model']} ({model['licence']}, {model['origin']})"
        reasons = [reason for reason in model["rejected"].split("; ") if reason]
        absent = [reason.partition(NOT_HERE)[0] for reason in reasons if NOT_HERE in reason]
        damaged = [reason for reason in reasons if "is refused" in reason]
        if damaged:
            yield CheckResult(ERROR, "models", f"{found}; {'; '.join(damaged)}", "facetrack models verify")
        elif absent:
            advice = "facetrack models pull downloads it; FACETRACK_MODELS=FOLDER names a folder that holds it"
            yield CheckResult(WARNING, "models", f"{found}; better and not here: {', '.join(absent)}", advice)
        else:
            yield CheckResult(OK, "models", found)


def check_data(config: Config) -> Iterator[CheckResult]:
    """Whether the data folder can be used, is private and has room."""
    from facetrack_ros.history.disk_room import free_bytes

    folder = data_folder(config.data_dir)
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield CheckResult(ERROR, "data", f"{folder} cannot be written", "choose another --data, or change its owner")
        return
    free_mb, kept_mb = free_bytes(there) / 1e6, config.frame_history.min_free_mb
    room = f"{free_mb / 1000:.1f} GB are free in {folder}"
    if free_mb < kept_mb:
        advice = f"make room: below frame_history.min_free_mb ({kept_mb} MB) no frame is stored"
        yield CheckResult(ERROR, "data", room, advice)
    elif free_mb < 4 * kept_mb:
        yield CheckResult(WARNING, "data", room, f"make room: below {kept_mb} MB no frame is stored")
    else:
        yield CheckResult(OK, "data", room)
    if folder.is_dir():
        mode = folder.stat().st_mode & 0o777
        if mode & 0o077:
            yield CheckResult(
                WARNING, "data", f"{folder} is open to other users (mode {mode:03o})", f"chmod 700 {folder}"
            )
        yield from _histories(folder)


def _histories(folder: Path) -> Iterator[CheckResult]:
    from facetrack_ros.history.layout import history_folders
    from facetrack_ros.search.offline.status import stored_status

    try:
        if not history_folders(folder):
            return
    except StoreError as error:  # an encrypted robot without its key
        yield CheckResult(ERROR, "data", str(error))
        return
    for status in stored_status(str(folder)):
        if status.error:
            yield CheckResult(ERROR, "data", f"{status.robot_id}: {status.error}", "facetrack status --data shows more")
            continue
        others = sum(model.sightings for model in status.other_models)
        held = f"{status.robot_id}: {status.sightings} sightings of {status.model_id or 'no model'}"
        if others:
            yield CheckResult(WARNING, "data", f"{held}, and {others} that it does not compare", "facetrack reindex")
        else:
            yield CheckResult(OK, "data", held)


def check_camera(name: str, source: str) -> CheckResult:
    """Whether a camera opens and sends pictures."""
    subject = f"camera {name}"
    device = Path(f"/dev/video{source}" if source.isdigit() else source)
    if device.is_char_device() and not os.access(device, os.R_OK | os.W_OK):
        advice = f"sudo usermod -aG video {os.environ.get('USER', '$USER')}, then log in again"
        return CheckResult(ERROR, subject, f"{device}: {os.strerror(errno.EACCES)}", advice)
    try:
        opened = open_source(source)
    except FacetrackError as error:
        return CheckResult(ERROR, subject, str(error))
    began_s, found = time.monotonic(), list[CheckResult]()

    def read() -> None:
        try:
            picture = next(iter(opened), None)
            if picture is None:
                found.append(CheckResult(ERROR, subject, f"{opened.name} has no picture that can be used"))
                return
            height, width = Frame(name, 0, 0, picture.to_jpeg()).image.shape[:2]
            took = f"after {time.monotonic() - began_s:.1f} s" if opened.live else "of a recording"
            found.append(
                CheckResult(OK, subject, f"{opened.name}: the first picture {took} has {width}x{height} pixels")
            )
        except FacetrackError as error:
            found.append(CheckResult(ERROR, subject, str(error)))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(FIRST_PICTURE_S)
    opened.close()
    if found:
        return found[0]
    return CheckResult(ERROR, subject, f"{opened.name} opens, but sent no picture within {FIRST_PICTURE_S:g} s")
