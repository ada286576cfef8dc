"""Ask stored histories, without ROS."""

import argparse
import os
import time
import uuid
from pathlib import Path

import numpy as np

from facetrack_ros.config import Config
from facetrack_ros.errors import RequestError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.aliased import apply_merges
from facetrack_ros.search.camera_coverage import CameraCoverage
from facetrack_ros.search.offline.persons import enrolled_face, stored_aliases
from facetrack_ros.search.offline.search import RescanOptions, search_stored, stored_coverage
from facetrack_ros.search.offline.status import best_of_person
from facetrack_ros.search.reference_image import decode_reference
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import SearchResponse
from facetrack_ros.search.validation import validate_request
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.settings import contract_of, vision_settings


def ask_stored(
    arguments: argparse.Namespace, picture: bytes, time_ns: int, window_ns: int
) -> tuple[SearchResponse, str, list[CameraCoverage], list[str]]:
    """The answer, how it came, the lanes of the cameras stored, and a sentence for each picture that is not there.

    :raises StoreError: no such folder, no history in it, or nobody of that id.
    """
    folder = Path(arguments.data)
    config = Config.load(arguments.config) if arguments.config else Config()
    embedding, contract = _face(arguments, picture, folder, config)
    question = SearchRequest(
        uuid.uuid4().hex[:12],
        embedding,
        contract.id,
        time_ns,
        window_ns,
        tuple(arguments.seen_by),
        tuple(arguments.camera),
        arguments.threshold,
        arguments.limit,
        round(arguments.timeout * 1e9),
        arguments.rescan,
    )
    validate_request(question, contract, time.time_ns())
    again = _again(arguments, contract, config)
    started = time.monotonic()
    answer = search_stored(folder, question, contract, time.monotonic_ns, again)
    answer = apply_merges(answer, stored_aliases(folder))
    took = time.monotonic() - started
    missing = []
    if arguments.frames or arguments.clips:
        from facetrack_ros.search.report.evidence import frames_stored, save_evidence

        Path(arguments.out).mkdir(parents=True, exist_ok=True)
        missing = save_evidence(
            answer.matches,
            frames_stored(folder, _cache_dir(config)),
            Path(arguments.out),
            arguments.frames,
            arguments.clips,
        )
    return answer, f"searched below {folder} in {took:.2f} s", list(stored_coverage(folder, contract)), missing


def _face(
    arguments: argparse.Namespace, picture: bytes, folder: Path, config: Config
) -> tuple[np.ndarray, ModelContract]:
    if picture:
        pipeline = build_pipeline(vision_settings(config))
        return pipeline.embed_reference(decode_reference(picture)).embedding, pipeline.contract
    if enrolled := enrolled_face(folder, arguments.name or arguments.person):
        return enrolled.embedding, contract_of(enrolled.model_id, config)
    if arguments.name:
        raise RequestError(f"nobody is enrolled as {arguments.name} below {folder}")
    best, contract = best_of_person(folder, arguments.person)
    return best.embedding, contract


def _again(arguments: argparse.Namespace, contract: ModelContract, config: Config) -> RescanOptions | None:
    """The models to look again with: a set a core, of the question's embedder.

    :raises RequestError: the configuration's embedder is another.
    """
    if not arguments.rescan:
        return None
    threads = config.backtrack_search.rescan_threads or len(os.sched_getaffinity(0))
    pipelines = tuple(build_pipeline(vision_settings(config)) for _ in range(threads))
    if pipelines[0].contract.id != contract.id:
        raise RequestError(
            f"the face is of {contract.id}, and frames would be looked at again with "
            f"{pipelines[0].contract.id}: ask with a picture, or name {contract.id} in --config"
        )
    deadline = time.monotonic() + arguments.timeout
    return RescanOptions(pipelines, lambda: time.monotonic() >= deadline, _cache_dir(config))


def _cache_dir(config: Config) -> Path | None:
    given = config.frame_history.disk_cache_dir
    return Path(given).expanduser() if given else None
