"""What must be known of a model before its numbers mean anything."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelContract:
    """One model's record. Embeddings of different contracts are never compared.

    :param id: unique name, also the key of stored embeddings.
    :param task: ``person``, ``face``, ``embedding`` or ``landmarks``.
    :param file: file name, as looked for in model folders.
    :param sha256: of the file, lower-case hex.
    :param size: of the file, bytes.
    :param licence: SPDX id, or a short name.
    :param url: where a pinned copy can be downloaded; empty: nowhere.
    :param package: pip package that carries the file, as ``module:relative/path``; empty: none.
    :param input_size: ``(width, height)`` in pixels.
    :param colour: ``BGR`` or ``RGB``.
    :param mean: per channel, in units of 0..255 inputs.
    :param std: likewise; pixels are ``(value - mean) / std``.
    :param dimension: of an embedding, else 0.
    :param threshold: of an embedder: lowest cosine similarity called a match by default.
    :param false_match_curve: of an embedder: ``(threshold, rate)`` pairs, rising in threshold, measured
        on pairs of different people; the last pair is an upper bound that holds from there on.
    :param measured_on: the data behind threshold and curve.
    :param note: what else its user must know.
    """

    id: str
    task: str
    file: str
    sha256: str
    size: int
    licence: str
    url: str = ""
    package: str = ""
    input_size: "tuple[int, int]" = (0, 0)
    colour: str = "BGR"
    mean: "tuple[float, float, float]" = (0.0, 0.0, 0.0)
    std: "tuple[float, float, float]" = (1.0, 1.0, 1.0)
    dimension: int = 0
    threshold: float = 0.0
    false_match_curve: "tuple[tuple[float, float], ...]" = ()
    measured_on: str = ""
    note: str = ""
