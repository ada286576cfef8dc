"""A search request, as it goes to every robot."""

import hashlib
import re
from dataclasses import dataclass

import numpy as np

from facetrack_ros.models.contract import ModelContract

DEFAULT_RESULTS = 20
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_DIGEST = re.compile(r"\.q([0-9a-f]{16})")


@dataclass(frozen=True, eq=False)
class SearchRequest:
    """One search. It carries an embedding, never the requester's picture.

    :param search_id: unique per search.
    :param embedding: ``(dimension,)`` float32 unit vector.
    :param model_id: of the embedder that made it.
    :param time_ns: middle of the time range, nanoseconds since the epoch.
    :param window_ns: half the length of the time range; 0: no limit, and ``time_ns`` is ignored.
    :param robots: ids of the robots to search; empty: all.
    :param cameras: ids of the cameras to search; empty: all.
    :param threshold: lowest cosine similarity of a match; 0: the model's calibrated threshold.
    :param max_results: most matches; 0: 20.
    :param timeout_ns: how long the requester waits.
    :param rescan: whether to analyse stored frames in the time range in which no face was found.
    :param face_crop: aligned face crop, JPEG, for robots with another embedder; empty: not sent.
    :param requester: robot that received the request; empty: none, the request is offline.
    :param reference: a person id, an enrolled name, ``picture`` or ``embedding``: how the face was given.
    :param more_embeddings: ``(n, dimension)`` float32, further unit vectors of the same person; None: none.
    :param person_ids: every id of the person asked for; empty: unknown.
    :param operating_point: name of the threshold; empty: it was given as a number. Not sent to other robots.
    :param reference_note: what was done to the reference picture; empty: nothing. Not sent to other robots.
    :param operator: who searches, and why, for the audit log; empty: not said.
    :param signed_by: the member of the fleet whose signature of the request was verified; empty: it was not signed.
    """

    search_id: str
    embedding: np.ndarray
    model_id: str
    time_ns: int = 0
    window_ns: int = 0
    robots: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    threshold: float = 0.0
    max_results: int = 0
    timeout_ns: int = 2_000_000_000
    rescan: bool = False
    face_crop: bytes = b""
    requester: str = ""
    reference: str = ""
    more_embeddings: np.ndarray | None = None
    person_ids: tuple[str, ...] = ()
    operating_point: str = ""
    reference_note: str = ""
    operator: str = ""
    reason: str = ""
    signed_by: str = ""

    @property
    def embeddings(self) -> np.ndarray:
        """``(1 + n, dimension)``: :attr:`embedding` and :attr:`more_embeddings`."""
        first = np.asarray(self.embedding)[None]
        return first if self.more_embeddings is None else np.concatenate([first, self.more_embeddings])

    @property
    def time_range(self) -> tuple[int, int]:
        """First and last stamp, both included."""
        if self.window_ns == 0:
            return _INT64_MIN, _INT64_MAX
        return max(self.time_ns - self.window_ns, _INT64_MIN), min(self.time_ns + self.window_ns, _INT64_MAX)

    @property
    def result_limit(self) -> int:
        """Most matches of the response."""
        return self.max_results or DEFAULT_RESULTS

    def threshold_for(self, contract: ModelContract) -> float:
        """The threshold of the request, or the calibrated one of its model."""
        return self.threshold or contract.threshold

    @property
    def digest(self) -> str:
        """16 hex digits of what is asked; the robots it goes to, and who asks why, are not part of it."""
        texts = (self.model_id, self.requester, self.reference, *self.cameras, "", *self.person_ids)
        figures = (self.time_ns, self.window_ns, self.max_results, self.timeout_ns, self.rescan)
        threshold, faces = np.float32(self.threshold), np.asarray(self.embeddings, np.float32)
        parts = (repr((texts, *figures)).encode(), threshold.tobytes(), faces.tobytes(), self.face_crop)
        digest = hashlib.sha256()
        for part in parts:
            digest.update(len(part).to_bytes(8, "little") + part)
        return digest.hexdigest()[:16]

    @property
    def mesh_id(self) -> str:
        """The id under which robots are asked: :attr:`search_id` and :attr:`digest`.

        With it an answer is one to this question: another question cannot be asked under the same id.
        """
        return f"{self.search_id}.q{self.digest}"


def split_mesh_id(mesh_id: str) -> tuple[str, str]:
    """Search id and digest of :attr:`SearchRequest.mesh_id`; of an id without digest, as earlier versions send it, the
    id and ""."""
    search_id, digest = mesh_id[:-18], _DIGEST.fullmatch(mesh_id[-18:])
    return (search_id, digest[1]) if digest and search_id else (mesh_id, "")
