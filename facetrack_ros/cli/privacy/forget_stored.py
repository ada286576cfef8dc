"""``facetrack forget --data``: forgets in stored histories, without ROS."""

import argparse
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np

from facetrack_ros.cli.robot_folders import robot_folders
from facetrack_ros.config import Config, optional_path
from facetrack_ros.errors import FacetrackError, RequestError, StoreError
from facetrack_ros.history.forget.forgetter import ForgetOutcome, Forgetter
from facetrack_ros.history.forget.order import ForgetTarget
from facetrack_ros.history.forget.places import stored_places
from facetrack_ros.history.forget.returned import forget_returned
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.layout import RobotFolder
from facetrack_ros.history.sightings.database import stored_models
from facetrack_ros.search.offline.persons import stored_merges
from facetrack_ros.search.reference_image import decode_reference, read_picture
from facetrack_ros.security.keys import Identity
from facetrack_ros.security.keys_folder import KeysFolder


def forget_stored(arguments: argparse.Namespace, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """Forget in the folders below ``--data``; one line a robot.

    :raises RequestError: more than half of a store would go, without ``--yes``; nothing is deleted on any robot.
    :raises StoreError: there is no such folder.
    """
    config, folders = Config.load(arguments.config), robot_folders(arguments.data, arguments.robot)
    faces = _faces(arguments, config, folders) if arguments.image else {}
    target = ForgetTarget(**asked, faces=faces)
    merges = stored_merges(arguments.data)
    lines: dict[str, dict[str, Any]] = {}
    with ExitStack() as stack:
        opened: dict[str, Forgetter] = {}
        for folder in folders:
            try:
                opened[folder.robot_id] = _open(stack, folder, config)
            except StoreError as error:
                lines[folder.robot_id] = _line(folder.robot_id, error=str(error))
        found = {robot: forgetter.look(target, merges) for robot, forgetter in opened.items()}
        # What one robot knows of the person, by the face, helps the others.
        persons = {person for each in found.values() for person in each.order.person_ids}
        entries = {entry for each in found.values() for entry in each.order.entry_ids}
        if not target.of_time and len(found) > 1:
            target = replace(target, more_persons=tuple(sorted(persons)), more_entries=tuple(sorted(entries)))
            found = {robot: forgetter.look(target, merges) for robot, forgetter in opened.items()}
        nothing = all(each.preview.empty for each in found.values())
        if not arguments.yes and not arguments.dry_run:
            for robot, each in found.items():
                if each.preview.too_much:
                    raise RequestError(f"{robot}: {each.preview.too_much}, more than half: --yes deletes them")
        for robot, each in found.items():
            done = None
            try:
                if not arguments.dry_run and not nothing:
                    done = opened[robot].forget(each, brake=False)
                lines[robot] = _line(robot, each, done)
            except StoreError as error:
                lines[robot] = _line(robot, each, error=str(error))
    return [lines[robot] for robot in sorted(lines)]


def _open(stack: ExitStack, folder: RobotFolder, config: Config) -> Forgetter:
    """Open a robot's folder, and finish what was begun there.

    :raises StoreError: it cannot be used, or its robot is running.
    """
    if folder.error:
        raise StoreError(folder.error)
    logs = optional_path(config.event_logging.dir)
    events = logs / folder.robot_id if logs is not None else folder.path
    frames = FrameSettings.of_config(config).folder(folder.path)
    places = stack.enter_context(stored_places(folder.path, folder.robot_id, events, frames))
    key = KeysFolder().key_path(folder.robot_id)
    forgetter = Forgetter(places, time.time_ns, Identity.read(key) if key.exists() else None)
    forget_returned(places, forgetter, time.time_ns())
    return forgetter


def _line(
    robot_id: str, found: ForgetOutcome | None = None, done: ForgetOutcome | None = None, error: str = ""
) -> dict[str, Any]:
    return {
        "robot_id": robot_id,
        "error": error,
        "nothing": found is not None and found.preview.empty,
        "person_ids": list(found.order.person_ids) if found is not None else [],
        "names": list(found.order.names) if found is not None else [],
        "found": dict(found.order.found) if found is not None else {},
        "receipt": done.receipt if done is not None else None,
    }


def _faces(arguments: argparse.Namespace, config: Config, folders: list[RobotFolder]) -> dict[str, np.ndarray]:
    """The face in ``--image`` by each model with sightings.

    :raises FacetrackError: it cannot be embedded by one of them: its sightings could not be compared.
    """
    from facetrack_ros.vision.factory import build_pipeline
    from facetrack_ros.vision.settings import vision_settings

    image = decode_reference(read_picture(arguments.image))
    models = {model for folder in folders if not folder.error for model in stored_models(folder.path)}
    found = {}
    for model in sorted(models):
        try:
            pipeline = build_pipeline(replace(vision_settings(config), embedder=model))
            face = pipeline.embed_reference(image, arguments.face)
        except FacetrackError as error:
            raise RequestError(f"{arguments.image} cannot be compared with sightings of {model}: {error}") from error
        if face.embedding is not None:
            found[model] = face.embedding
    if not found:
        raise RequestError(f"no history below {arguments.data} has faces to compare with the picture")
    return found
