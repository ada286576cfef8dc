"""What must be known of a model before its numbers mean anything."""

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path

from facetrack_ros.errors import ModelError

#: What a model may be for.
TASKS = ("person", "face", "landmarks", "embedding", "body")
#: ``identity``: alike means the same person. ``appearance``: alike means looking alike, clothes and light included.
PURPOSES = ("identity", "appearance")
#: Ending of a record kept as a file beside its model.
SUFFIX = ".contract.json"
#: What a measurement on somebody's own data may change of a record.
CALIBRATION = ("threshold", "false_match_curve", "measured_on")


@dataclass(frozen=True)
class ModelContract:
    """One model's record. Embeddings of different contracts are never compared.

    :param id: unique name, also the key of stored embeddings.
    :param task: ``person`` or ``face`` (detectors), ``landmarks``, ``embedding`` (of a face) or ``body`` (of a whole
        person).
    :param architecture: who reads the file and how its output is understood, a key of
        :data:`facetrack_ros.vision.factory.LOADERS`.
    :param file: file name, as looked for in model folders; empty: part of a library or of this package.
    :param sha256: of the file, lower-case hex.
    :param size: of the file, bytes.
    :param licence: SPDX id, or a short name.
    :param urls: where a pinned copy can be downloaded, tried in this order; empty: nowhere.
    :param package: pip package that carries the file, as ``module:relative/path``; empty: none.
    :param input_size: ``(width, height)`` in pixels.
    :param colour: ``BGR`` or ``RGB``.
    :param mean: per channel, in units of 0..255 inputs.
    :param std: likewise; pixels are ``(value - mean) / std``.
    :param template: how a face is brought to ``input_size``: ``arcface``, ``dlib``; empty: not aligned.
    :param dimension: of an embedding, else 0.
    :param purpose: of an embedder, one of :data:`PURPOSES`.
    :param threshold: of an embedder: lowest cosine similarity called a match by default; 0: never measured.
    :param false_match_curve: of an embedder: ``(threshold, rate)`` pairs, rising in threshold, measured
        on pairs of different people; the last pair is an upper bound that holds from there on.
    :param measured_on: the data behind threshold and curve.
    :param derived_from: id of the model this one was made from, by quantisation or projection.
    :param note: what else its user must know.
    """

    id: str
    task: str
    architecture: str
    file: str
    sha256: str
    size: int
    licence: str
    urls: tuple[str, ...] = ()
    package: str = ""
    input_size: tuple[int, int] = (0, 0)
    colour: str = "BGR"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    template: str = ""
    dimension: int = 0
    purpose: str = ""
    threshold: float = 0.0
    false_match_curve: tuple[tuple[float, float], ...] = ()
    measured_on: str = ""
    derived_from: str = ""
    note: str = ""

    def to_json(self) -> str:
        """The record as a JSON object, one field a line."""
        return json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "ModelContract":
        """The record that :meth:`to_json` wrote, or somebody by hand; fields at their default may be missing.

        :raises ModelError: no such object, an unknown or missing field, a value of the wrong type or out of range.
        """
        try:
            fields = json.loads(text)
        except ValueError as error:
            raise ModelError(f"no JSON: {error}") from error
        if not isinstance(fields, dict):
            raise ModelError("no JSON object")
        known = {field.name: field for field in dataclasses.fields(cls)}
        unknown = sorted(set(fields) - set(known))
        if unknown:
            raise ModelError(f"unknown field {unknown[0]}; known are {', '.join(known)}")
        missing = [name for name, field in known.items() if field.default is dataclasses.MISSING and name not in fields]
        if missing:
            raise ModelError(f"the field {missing[0]} is missing")
        return cls(**{name: _checked(name, value) for name, value in fields.items()})


def read_contract(path: Path) -> ModelContract:
    """The record in a file.

    :raises ModelError: it cannot be read or is no record; names the file.
    """
    try:
        return ModelContract.from_json(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error
    except ModelError as error:
        raise ModelError(f"{path} is no model contract: {error}") from error


def write_contract(contract: ModelContract, folder: Path) -> Path:
    """Keep a record as ``<id>.contract.json`` in a model folder, whole or not at all.

    :return: the file's path.
    :raises ModelError: it cannot be written there.
    """
    path = folder / f"{contract.id}{SUFFIX}"
    part = folder / f".{path.name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_text(contract.to_json())
        part.replace(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be written: {error.strerror or error}") from error
    return path


def require_identity_model(contract: ModelContract, appearance_as_identity: bool) -> None:
    """Check that an embedder may identify persons: it is an identity model with a threshold.

    :param appearance_as_identity: accept an appearance model too.
    :raises ModelError: it may not; with what to do.
    """
    if contract.purpose == "appearance" and not appearance_as_identity:
        raise ModelError(
            f"{contract.id} tells what somebody looks like, not who it is, so it cannot judge faces; choose "
            f"another embedder.model, or set embedder.appearance_as_identity if you know what that means"
        )
    if contract.threshold <= 0:
        raise ModelError(
            f"{contract.id} has no threshold from which on two faces are one person; measure it with "
            f"facetrack eval faces DIR --write, DIR a folder a person"
        )


def _checked(name: str, value: object) -> object:
    check, wanted = _CHECKS.get(name, (lambda value: isinstance(value, str), "a text"))
    if not check(value):
        raise ModelError(f"{name} must be {wanted}, not {value!r}")
    if name == "false_match_curve":
        return tuple((float(threshold), float(rate)) for threshold, rate in value)
    return tuple(value) if isinstance(value, list) else value


def _number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _list(value: object, length: int | None, each) -> bool:
    return isinstance(value, list) and (length is None or len(value) == length) and all(map(each, value))


def _curve(value: object) -> bool:
    if not _list(value, None, lambda pair: _list(pair, 2, _number) and 0 <= pair[1] <= 1):
        return False
    thresholds, rates = [pair[0] for pair in value], [pair[1] for pair in value]
    return thresholds == sorted(thresholds) and rates == sorted(rates, reverse=True)


_CHECKS = {
    "id": (
        lambda value: isinstance(value, str) and value != "" and not set(value) & set("/\\=: \t\n"),
        "a name without blanks, slashes, colons and equals signs",
    ),
    "task": (TASKS.__contains__, f"one of {', '.join(TASKS)}"),
    "file": (
        lambda value: isinstance(value, str) and value not in (".", "..") and "/" not in value,
        "a file name without folders",
    ),
    "sha256": (
        lambda value: isinstance(value, str) and len(value) in (0, 64) and set(value) <= set("0123456789abcdef"),
        "64 lower-case hex digits",
    ),
    "size": (_count, "a whole number"),
    "urls": (
        lambda value: _list(value, None, lambda url: isinstance(url, str) and url.startswith("https://")),
        "a list of https addresses",
    ),
    "input_size": (lambda value: _list(value, 2, _count), "[width, height]"),
    "colour": (("BGR", "RGB").__contains__, "BGR or RGB"),
    "mean": (lambda value: _list(value, 3, _number), "three numbers"),
    "std": (lambda value: _list(value, 3, lambda number: _number(number) and number > 0), "three numbers above 0"),
    "template": (("", "arcface", "dlib").__contains__, "arcface, dlib or empty"),
    "dimension": (_count, "a whole number"),
    "purpose": (("", *PURPOSES).__contains__, f"one of {', '.join(PURPOSES)} or empty"),
    "threshold": (lambda value: _number(value) and -1 <= value <= 1, "a number from -1 to 1"),
    "false_match_curve": (_curve, "[threshold, rate] pairs, thresholds rising and rates falling within 0 to 1"),
}
