"""Ask stored histories, without ROS."""

import argparse
import time
import uuid
from pathlib import Path

from facetrack_ros.config import Config
from facetrack_ros.search.aliased import follow_aliases
from facetrack_ros.search.answer import Answer
from facetrack_ros.search.lane import Lane
from facetrack_ros.search.question import Question
from facetrack_ros.search.reference import read_reference
from facetrack_ros.search.stored import search_stored, stored_lanes
from facetrack_ros.search.stored_status import best_of_person
from facetrack_ros.search.stored_persons import enrolled_face, stored_aliases
from facetrack_ros.vision.build import build_pipeline
from facetrack_ros.vision.from_config import contract_of, vision_settings


def ask_stored(arguments: argparse.Namespace, picture: bytes, time_ns: int, window_ns: int) -> "tuple[Answer, str, list[Lane]]":
    """The answer, how it came, and the lanes of the cameras stored.

    :raises StoreError: no such folder, no history in it, or nobody of that id.
    """
    folder = Path(arguments.data)
    if picture:
        pipeline = build_pipeline(vision_settings(Config.load(arguments.config) if arguments.config else Config()))
        embedding, contract = pipeline.embed_reference(read_reference(picture)).embedding, pipeline.contract
    elif enrolled := enrolled_face(folder, arguments.person):
        config = Config.load(arguments.config) if arguments.config else Config()
        embedding, contract = enrolled.embedding, contract_of(enrolled.model_id, config)
    else:
        best, contract = best_of_person(folder, arguments.person)
        embedding = best.embedding
    question = Question(uuid.uuid4().hex[:12], embedding, contract.id, time_ns, window_ns, threshold=arguments.threshold)
    started = time.monotonic()
    answer = search_stored(folder, question, contract, time.monotonic_ns)
    answer = follow_aliases(answer, stored_aliases(folder))
    return (answer, f"searched below {folder} in {time.monotonic() - started:.2f} s",
            list(stored_lanes(folder, contract)))
