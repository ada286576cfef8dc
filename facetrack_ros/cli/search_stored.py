"""Ask stored histories, without ROS."""

import argparse
import uuid
from pathlib import Path

from facetrack_ros.config import Config
from facetrack_ros.errors import StoreError
from facetrack_ros.search.answer import Answer
from facetrack_ros.search.question import Question
from facetrack_ros.search.reference import read_reference
from facetrack_ros.search.stored import best_of_person, search_stored, stored_status
from facetrack_ros.search.timeline import Lane, lanes_of
from facetrack_ros.vision.build import build_pipeline
from facetrack_ros.vision.from_config import vision_settings


def ask_stored(arguments: argparse.Namespace, picture: bytes, time_ns: int, window_ns: int) -> "tuple[Answer, list[Lane]]":
    """The answer, and the lanes of the cameras stored.

    :raises StoreError: no such folder, or no history in it.
    """
    folder = Path(arguments.data)
    statuses = stored_status(folder)
    if not statuses:
        raise StoreError(f"no robot's history below {folder}")
    if picture:
        pipeline = build_pipeline(vision_settings(Config.load(arguments.config) if arguments.config else Config()))
        embedding = pipeline.embed_reference(read_reference(picture)).embedding
        model_id = pipeline.contract.id
    else:
        best = best_of_person(folder, arguments.person)
        embedding, model_id = best.embedding, best.model_id
    question = Question(uuid.uuid4().hex[:12], embedding, model_id, time_ns, window_ns, threshold=arguments.threshold)
    return search_stored(folder, question), lanes_of(statuses)
