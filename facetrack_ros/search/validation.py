"""Whether a question can be asked at all."""

import numpy as np

from facetrack_ros.errors import RequestError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.search.request import DEFAULT_RESULTS, SearchRequest

_MOST_RESULTS = 10_000
_UNIT_TOLERANCE = 1e-3
# A fleet's names are in every request; whoever means all of them names none.
_MOST_NAMES = 200
_LONGEST_NAME = 255
# Robots' clocks and cameras' stamps differ by less.
_CLOCKS_APART_NS = 60_000_000_000


def validate_request(question: SearchRequest, contract: ModelContract, now_ns: int | None = None) -> None:
    """Refuse a question that has no answer, before anyone is asked.

    :param contract: of the model whose embeddings are to be compared.
    :param now_ns: the asker's time, so that a question about the future is refused; None: not known.
    :raises RequestError: what is wrong, a sentence.
    """
    if not question.search_id:
        raise RequestError("a search needs an id of its own, or answers cannot be told apart")
    if len(question.search_id) > _LONGEST_NAME or not question.search_id.isprintable():
        raise RequestError(f"a search's id is up to {_LONGEST_NAME} printable letters; leave it empty to be given one")
    for what, names in (("robots", question.robots), ("cameras", question.cameras)):
        if len(names) > _MOST_NAMES:
            raise RequestError(f"{len(names)} {what} are named; name at most {_MOST_NAMES}, or none for all")
        if any(not 0 < len(name) <= _LONGEST_NAME for name in names):
            raise RequestError(
                f"one of the {what} named is empty or longer than {_LONGEST_NAME} letters; name none for all"
            )
    if question.model_id != contract.id:
        raise RequestError(
            f"the face was embedded by {question.model_id or 'no named model'} and the history by "
            f"{contract.id}; embed the face with {contract.id}"
        )
    embedding = np.asarray(question.embedding)
    if embedding.shape != (contract.dimension,):
        raise RequestError(
            f"the embedding has shape {embedding.shape}, but {contract.id} makes {contract.dimension} numbers"
        )
    if not np.isfinite(embedding).all():
        raise RequestError("the embedding holds NaN or infinity; embed the face again")
    length = float(np.linalg.norm(embedding.astype(np.float64)))
    if abs(length - 1.0) > _UNIT_TOLERANCE:
        raise RequestError(
            f"the embedding has length {length:.4g}; divide it by that to make it a unit vector"
            if length
            else "the embedding is all zeros; embed the face again"
        )
    if not 0.0 <= question.threshold <= 1.0:  # NaN too
        raise RequestError(
            f"the threshold {question.threshold:g} is no cosine similarity from 0 to 1; 0 takes the "
            f"model's own, {contract.threshold:g}"
        )
    if question.window_ns < 0:
        raise RequestError(
            f"the time window is {question.window_ns / 1e9:g} s; give the seconds before and after, or "
            "0 for all that is kept"
        )
    if now_ns is not None and question.window_ns and question.time_range[0] > now_ns + _CLOCKS_APART_NS:
        raise RequestError(
            f"the time asked for begins {(question.time_range[0] - now_ns) / 1e9:.0f} s from now; nobody has "
            "seen that yet, check time and window"
        )
    if not 0 <= question.max_results <= _MOST_RESULTS:
        raise RequestError(
            f"max_results is {question.max_results}; give 1 to {_MOST_RESULTS}, or 0 for {DEFAULT_RESULTS}"
        )
    if question.timeout_ns <= 0:
        raise RequestError(
            f"the timeout is {question.timeout_ns / 1e9:g} s; give robots some time to answer, 2 s is usual"
        )
