"""Checks of a search request."""

import numpy as np

from facetrack_ros.core.vectors import UNIT_TOLERANCE
from facetrack_ros.errors import RequestError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.request import DEFAULT_RESULTS, SearchRequest

# Limits on what one request may cost, chosen by hand. Names are sent with every request; a search of all robots names
# none.
_MOST_RESULTS = 10_000
MOST_NAMES = 200
_LONGEST_NAME = 255
# Assumed upper bound on the difference between the clocks of robots and cameras, chosen by hand.
_CLOCK_TOLERANCE_NS = 60_000_000_000


def validate_request(request: SearchRequest, contract: ModelContract, now_ns: int | None = None) -> None:
    """Refuse a request that cannot be answered.

    Called once by the requester, before the request is sent, and once by each responder.

    :param contract: of the model whose embeddings are compared.
    :param now_ns: current time, to refuse a time range in the future; None: not checked.
    :raises RequestError: what is wrong, in one sentence.
    """
    _check_names(request)
    _check_embedding(request, contract)
    if not 0.0 <= request.threshold <= 1.0:  # NaN too
        raise RequestError(
            f"the threshold {request.threshold:g} is no cosine similarity from 0 to 1; 0 takes the "
            f"model's own, {contract.threshold:g}"
        )
    if request.window_ns < 0:
        raise RequestError(
            f"the time window is {request.window_ns / 1e9:g} s; give the seconds before and after, or "
            "0 for all that is kept"
        )
    if now_ns is not None and request.window_ns:
        ahead_ns = request.time_range[0] - now_ns
        if ahead_ns > _CLOCK_TOLERANCE_NS:
            raise RequestError(f"the time range begins {ahead_ns / 1e9:.0f} s from now; check time and window")
    if not 0 <= request.max_results <= _MOST_RESULTS:
        raise RequestError(
            f"max_results is {request.max_results}; give 1 to {_MOST_RESULTS}, or 0 for {DEFAULT_RESULTS}"
        )
    if request.timeout_ns <= 0:
        raise RequestError(f"the timeout is {request.timeout_ns / 1e9:g} s; give a time above 0, usually 2 s")


def _check_names(request: SearchRequest) -> None:
    if not request.search_id:
        raise RequestError("a search needs an id of its own, or its responses cannot be recognised")
    if len(request.search_id) > _LONGEST_NAME or not request.search_id.isprintable():
        raise RequestError(
            f"the search id has more than {_LONGEST_NAME} or unprintable letters; leave it empty to be given one"
        )
    for kind, names in (("robots", request.robots), ("cameras", request.cameras)):
        if len(names) > MOST_NAMES:
            raise RequestError(f"{len(names)} {kind} are named; name at most {MOST_NAMES}, or none for all")
        if any(not 0 < len(name) <= _LONGEST_NAME for name in names):
            raise RequestError(
                f"one of the {kind} named is empty or longer than {_LONGEST_NAME} letters; name none for all"
            )


def _check_embedding(request: SearchRequest, contract: ModelContract) -> None:
    if request.model_id != contract.id:
        raise RequestError(
            f"the face was embedded by {request.model_id or 'no named model'} and the history by "
            f"{contract.id}; embed the face with {contract.id}"
        )
    embedding = np.asarray(request.embedding)
    if embedding.shape != (contract.dimension,):
        raise RequestError(
            f"the embedding has shape {embedding.shape}, but {contract.id} makes {contract.dimension} numbers"
        )
    if not np.isfinite(embedding).all():
        raise RequestError("the embedding holds NaN or infinity; embed the face again")
    length = float(np.linalg.norm(embedding.astype(np.float64)))
    if length == 0.0:
        raise RequestError("the embedding is all zeros; embed the face again")
    if abs(length - 1.0) > UNIT_TOLERANCE:
        raise RequestError(f"the embedding has length {length:.4g}; divide it by that to make it a unit vector")
