"""``facetrack search --data``: searches stored histories, without ROS."""

import argparse
import os
import time
import uuid
from pathlib import Path

import numpy as np

from facetrack_ros.cli.search_output import Outcome, save_frames
from facetrack_ros.config import Config, optional_path
from facetrack_ros.errors import RequestError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.offline.persons import enrolled_face, stored_faces, stored_merges
from facetrack_ros.search.offline.search import RescanOptions, search_stored, stored_coverage
from facetrack_ros.search.offline.status import best_of_person
from facetrack_ros.search.other_people import settle_people
from facetrack_ros.search.reference_image import decode_reference
from facetrack_ros.search.report.evidence import frames_stored
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.threshold_choice import choose_threshold
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.settings import contract_of, vision_settings


def search(arguments: argparse.Namespace, image: bytes, time_ns: int, window_ns: int) -> Outcome:
    """Search the histories below ``--data``.

    :raises StoreError: no such folder, or no history in it.
    :raises RequestError: an unknown person, or an invalid request.
    """
    folder = Path(arguments.data)
    config = Config.load(arguments.config)
    embedding, contract = _reference(arguments, image, folder, config)
    scope = (time_ns, window_ns, tuple(arguments.seen_by), tuple(arguments.camera))
    options = config.backtrack_search
    threshold, name = choose_threshold(contract, options, arguments.threshold, arguments.operating_point)
    limits = (threshold, arguments.limit, round(arguments.timeout * 1e9), arguments.rescan)
    request = SearchRequest(uuid.uuid4().hex[:12], embedding, contract.id, *scope, *limits, operating_point=name)
    rescan_options = _rescan_options(arguments, contract, config)
    started = time.monotonic()
    response = search_stored(folder, request, contract, time.monotonic_ns, rescan_options, time.time_ns())
    merges = stored_merges(folder)
    response = settle_people(response, merges, stored_faces(folder, contract, merges))
    source = f"searched below {folder} in {time.monotonic() - started:.2f} s"
    missing = save_frames(arguments, response, frames_stored(folder, _frames_folder(config)))
    return Outcome(response, source, list(stored_coverage(folder, contract)), missing)


def _reference(
    arguments: argparse.Namespace, image: bytes, folder: Path, config: Config
) -> tuple[np.ndarray, ModelContract]:
    """The embedding to search for, and the contract of its model."""
    if image:
        pipeline = build_pipeline(vision_settings(config))
        embedding = pipeline.embed_reference(decode_reference(image)).embedding
        assert embedding is not None  # a reference face without one is refused
        return embedding, pipeline.contract
    if enrolled := enrolled_face(folder, arguments.name or arguments.person):
        return enrolled.embedding, contract_of(enrolled.model_id, config)
    if arguments.name:
        raise RequestError(f"nobody is enrolled as {arguments.name} below {folder}")
    best, contract = best_of_person(folder, arguments.person)
    return best.embedding, contract


def _rescan_options(arguments: argparse.Namespace, contract: ModelContract, config: Config) -> RescanOptions | None:
    """Models for ``--rescan``: one pipeline per core, of the request's embedder.

    :raises RequestError: the configured embedder is another one.
    """
    if not arguments.rescan:
        return None
    threads = config.backtrack_search.rescan_threads or len(os.sched_getaffinity(0))
    pipelines = tuple(build_pipeline(vision_settings(config)) for _ in range(threads))
    if pipelines[0].contract.id != contract.id:
        raise RequestError(
            f"the face is of {contract.id}, and frames would be rescanned with "
            f"{pipelines[0].contract.id}: search with a picture, or name {contract.id} in --config"
        )
    deadline = time.monotonic() + arguments.timeout
    return RescanOptions(pipelines, lambda: time.monotonic() >= deadline, _frames_folder(config))


def _frames_folder(config: Config) -> Path | None:
    return optional_path(config.frame_history.disk_cache_dir)
