"""``facetrack search --data``: searches stored histories, without ROS."""

import argparse
import os
import sys
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from facetrack_ros.cli.audit.operator import record_stored, said
from facetrack_ros.cli.search_output import Outcome, save_frames
from facetrack_ros.config import Config, optional_path
from facetrack_ros.core.user import user_name
from facetrack_ros.errors import FacetrackError, ModelError, RequestError, StoreError
from facetrack_ros.history.audit.audit_log import EXPORT, SEARCH
from facetrack_ros.history.audit.verifications import MatchJudgement, MatchVerifications
from facetrack_ros.history.keeping_rules import KeepingRules
from facetrack_ros.history.layout import history_folders
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.audit.records import input_digest, search_record
from facetrack_ros.search.camera_coverage import coverage_of_response
from facetrack_ros.search.offline.open_history import RescanOptions
from facetrack_ros.search.offline.persons import stored_faces, stored_merges
from facetrack_ros.search.offline.references import StoredReference, enrolled_references, person_references
from facetrack_ros.search.offline.search import OtherRequest, search_stored
from facetrack_ros.search.other_people import settle_people
from facetrack_ros.search.reference_image import decode_reference
from facetrack_ros.search.report.evidence import frames_stored
from facetrack_ros.search.request import SearchRequest
from facetrack_ros.search.response import SearchResponse
from facetrack_ros.search.threshold_choice import choose_threshold
from facetrack_ros.tracking.identity_merges import IdentityMerges
from facetrack_ros.vision.factory import build_pipeline
from facetrack_ros.vision.settings import contract_of, vision_settings


@dataclass(frozen=True, eq=False)
class _Reference:
    """The face to search for, by one model; ``note``: what was done to its picture; ``name``: how it was given."""

    embedding: np.ndarray
    contract: ModelContract
    person_ids: tuple[str, ...] = ()
    note: str = ""
    name: str = "picture"


def search(arguments: argparse.Namespace, image: bytes, time_ns: int, window_ns: int) -> Outcome:
    """Search the histories below ``--data``.

    :raises StoreError: no such folder, or no history in it.
    :raises RequestError: an unknown person, or an invalid request.
    """
    folder = Path(arguments.data)
    config = Config.load(arguments.config)
    who = said(arguments, config)
    merges = stored_merges(folder)
    reference, *others = _references(arguments, image, folder, config, merges)
    scope = (time_ns, window_ns)
    contract = reference.contract
    chosen = choose_threshold(contract, config.backtrack_search, arguments.threshold, arguments.operating_point)
    request = _request(reference, uuid.uuid4().hex[:12], scope, arguments, chosen)
    options = _rescan_options(arguments, contract, config)
    started = time.monotonic()
    ask = partial(
        search_stored,
        *(folder, request, contract, time.monotonic_ns, options, time.time_ns()),
        settle=lambda found: settle_people(found, merges, stored_faces(folder, contract, merges)),
        merges=merges,
        events_dir=optional_path(config.event_logging.dir),
    )

    def by_others(references: Iterable[_Reference]) -> list[OtherRequest]:
        found = []
        for each in references:
            # A threshold in numbers is one of the first model.
            named = choose_threshold(each.contract, config.backtrack_search, 0.0, arguments.operating_point)
            found.append((_request(each, request.search_id, scope, arguments, named), each.contract))
        return found

    response = ask(others=by_others(others))
    models = {gap.model_id for gap in response.not_searched if gap.model_id}
    further = by_others(_by_models(sorted(models), image, arguments.face, config)) if image and models else []
    if further:
        response = ask(others=further)
    source = f"searched below {folder} in {time.monotonic() - started:.2f} s"
    asked = replace(request, requester=user_name("cli"), reference=reference.name)
    _record(arguments, replace(asked, operator=who["operator"], reason=who["reason"]), response)
    saved = save_frames(arguments, response, frames_stored(folder, _frames_folder(config)))
    rules = {each.robot_id: read for each in history_folders(folder) if (read := KeepingRules.read(each.path))}
    judged = _judged(folder, request, config) if arguments.out else {}
    return Outcome(response, source, coverage_of_response(response), saved, rules, judged)


def _judged(folder: Path, request: SearchRequest, config: Config) -> dict[str, MatchJudgement]:
    """What people said of matches when this face was searched for before."""
    found: dict[str, MatchJudgement] = {}
    for robot in history_folders(folder):
        if robot.error:
            continue
        try:
            verifications = MatchVerifications(robot.path, robot.robot_id)
            found |= verifications.of_input(input_digest(request), config.audit.confirmations)
        except StoreError as error:
            print(f"what people said of matches of {robot.robot_id} is left out: {error}", file=sys.stderr)
    return found


def _record(arguments: argparse.Namespace, request: SearchRequest, response: SearchResponse) -> None:
    """Record the search in the audit log of each robot that was searched, and that its matches are exported."""
    folders = {folder.robot_id: folder for folder in history_folders(arguments.data) if not folder.error}
    for line in response.robots:
        if line.robot_id not in folders or line.model_id:
            continue
        matches = tuple(match for match in response.matches if match.robot_id == line.robot_id)
        record_stored(folders[line.robot_id], SEARCH, search_record(request, line, matches))
        if arguments.out and matches:
            files = [name for name in ("frames", "clips") if getattr(arguments, name)]
            who = {"operator": request.operator, "reason": request.reason, "search_id": request.search_id}
            record_stored(
                folders[line.robot_id],
                EXPORT,
                {**who, "what": ["matches", *files], "matches": len(matches), "to": str(arguments.out)},
            )


def _request(
    reference: _Reference,
    search_id: str,
    scope: tuple[int, int],
    arguments: argparse.Namespace,
    chosen: tuple[float, str],
) -> SearchRequest:
    """The request for a reference.

    :param scope: middle of the time range, and half its length.
    :param chosen: threshold, and the name of its operating point.
    """
    threshold, name = chosen
    time_ns, window_ns = scope
    return SearchRequest(
        search_id,
        reference.embedding,
        reference.contract.id,
        time_ns,
        window_ns,
        tuple(arguments.seen_by),
        tuple(arguments.camera),
        threshold,
        arguments.limit,
        round(arguments.timeout * 1e9),
        arguments.rescan,
        operating_point=name,
        person_ids=reference.person_ids,
        reference_note=reference.note,
    )


def _references(
    arguments: argparse.Namespace, image: bytes, folder: Path, config: Config, merges: IdentityMerges
) -> list[_Reference]:
    """The face to search for, and the same by further models of the histories, where they are known here."""
    if image:
        pipeline = build_pipeline(vision_settings(config))
        face = pipeline.embed_reference(decode_reference(image), arguments.face)
        assert face.embedding is not None  # a reference face without one is refused
        return [_Reference(face.embedding, pipeline.contract, note=face.note)]
    found = enrolled_references(folder, arguments.name or arguments.person)
    if not found and arguments.name:
        raise RequestError(f"nobody is enrolled as {arguments.name} below {folder}")
    first, *others = found or person_references(folder, arguments.person, merges)
    named = replace(_known(first, config), name=arguments.name or arguments.person)
    return [named, *_where_known(others, config)]


def _known(reference: StoredReference, config: Config) -> _Reference:
    return _Reference(reference.embedding, contract_of(reference.model_id, config), reference.person_ids)


def _where_known(references: list[StoredReference], config: Config) -> Iterator[_Reference]:
    for reference in references:
        try:
            yield _known(reference, config)
        except ModelError:
            continue  # the answer says that its sightings were not compared


def _by_models(models: list[str], image: bytes, number: int, config: Config) -> Iterator[_Reference]:
    """The face of a picture by other models, as far as they are here and find it."""
    for model_id in models:
        try:
            pipeline = build_pipeline(replace(vision_settings(config), embedder=model_id))
            embedding = pipeline.embed_reference(decode_reference(image), number).embedding
        except FacetrackError:
            continue  # the answer says that its sightings were not compared
        if embedding is not None:
            yield _Reference(embedding, pipeline.contract)


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
