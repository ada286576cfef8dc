"""What is asked of the fleet."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class SearchRequest:
    """One search, as it crosses the mesh: an embedding, never the asker's picture.

    :param search_id: unique per search.
    :param embedding: ``(dimension,)`` float32 unit vector.
    :param model_id: of the embedder that made it.
    :param time_ns: middle of the time slice asked for, nanoseconds since the epoch.
    :param window_ns: half its length; 0 asks for all that is kept, and ``time_ns`` is ignored.
    :param robots: ids asked for; empty: all.
    :param cameras: ids asked for; empty: all.
    :param threshold: lowest cosine similarity of a match; 0: the model's calibrated one.
    :param max_results: 0: 20.
    :param timeout_ns: how long the asker waits.
    :param rescan: look again at stored frames in the slice that gave no face.
    :param face_crop: the face alone, upright, JPEG, for robots with another embedder; empty: not sent.
    :param asker: the robot whose front door was asked; empty where nobody's was.
    :param reference: what was asked with: a person id, an enrolled name, or ``picture``, ``embedding``.
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
    asker: str = ""
    reference: str = ""
