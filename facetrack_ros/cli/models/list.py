"""``facetrack models list``: prints which models are known, which are here, which run and why."""

import argparse
import math
import os

from facetrack_ros.config import Config
from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.models.false_match_rate import false_match_rate
from facetrack_ros.models.operating_points import describe
from facetrack_ros.models.resolver import ModelFile, resolve_contract
from facetrack_ros.models.summary import ROLES
from facetrack_ros.vision.factory import PREFERRED, build_pipeline
from facetrack_ros.vision.settings import AUTO, FROM_FACES, vision_settings

HEADER = ("", "task", "model", "licence", "size", "embedding", "match from", "at false-match rate", "where")
LICENCE_WIDTH = 15


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the action."""
    parser.add_argument("--config", metavar="FILE", help="settings, a YAML file")


def run(arguments: argparse.Namespace) -> int:
    """Print a table of models, then the model of each role; 2 where the configured models cannot run."""
    os.environ["FACETRACK_DOWNLOAD"] = "0"
    settings = vision_settings(Config.load(arguments.config))
    try:
        description, obstacle = build_pipeline(settings).describe(), ""
    except ModelError as error:
        description, obstacle = {}, str(error)
    wanted = {"person": settings.person_model, "face": settings.face_model, "embedder": settings.embedder}
    running = {role["record"] for role in description.values()}
    rows, warnings = [HEADER], list[str]()
    contracts, invalid = catalog.records()
    for contract in sorted(contracts, key=lambda record: _TASK_ORDER.index(record.task)):
        stored = _stored(contract)
        if isinstance(stored, ModelFile):
            warnings += stored.rejected
        names = ("*" if contract.id in running else "", contract.task, contract.id, _short(contract.licence))
        size = f"{contract.size / 1e6:.1f} MB" if contract.size else "-"
        rows.append((*names, size, *_embedding(contract), _where(contract, stored)))
        warnings += [stored] if isinstance(stored, str) and "refused" in stored else []
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER) - 1)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[-1]]).rstrip())
    print("\nWhat runs (*):" if description else f"\nNothing runs: {obstacle}")
    for role, model in description.items():
        print(
            f"  {ROLES[role]}: {model['model']} ({model['licence']}, {model['origin']}), "
            f"{_why(role, wanted[role], model['record'])}"
        )
    for contract in contracts:
        if contract.id in running and (lines := describe(contract)):
            print(f"\nOperating points of {contract.id}, measured on {contract.calibration_people} people:")
            print("\n".join(f"  {line}" for line in lines))
    for sentence in dict.fromkeys([*invalid, *warnings]):
        print(f"! {sentence}")
    return 2 if obstacle else 0


_TASK_ORDER = ("person", "face", "landmarks", "embedding", "body")
_TASKS = {"person": "person", "face": "face", "embedder": "embedding"}


def _stored(contract: ModelContract) -> ModelFile | str:
    try:
        return resolve_contract(contract)
    except ModelError as error:
        return str(error)


def _short(licence: str) -> str:
    return licence if len(licence) <= LICENCE_WIDTH else licence[: LICENCE_WIDTH - 1] + "…"


def _embedding(contract: ModelContract) -> tuple[str, str, str]:
    """Purpose and dimension of an embedder, its threshold, and the false-match rate there."""
    if not contract.purpose:
        return "", "", ""
    kind = f"{contract.purpose}, {contract.dimension}-d"
    if not contract.threshold:
        return kind, "-", "-"
    rate = false_match_rate(contract, contract.threshold).rate
    return kind, f"{contract.threshold:g}", "not measured" if math.isnan(rate) else f"{rate:.0e}".replace("e-0", "e-")


def _where(contract: ModelContract, stored: ModelFile | str) -> str:
    if isinstance(stored, ModelFile):
        return stored.origin
    if not contract.file and not contract.package:
        return f"your own file: {contract.id}=PATH"
    return "not here, can be pulled" if contract.urls else "not here"


def _why(role: str, wanted: str, model_id: str) -> str:
    if wanted == FROM_FACES:
        return "since the configuration takes persons from faces"
    if wanted != AUTO:
        return f"since the configuration names {wanted}"
    preferred = PREFERRED[_TASKS[role]]
    if model_id not in preferred:
        return f"since none of {', '.join(preferred)} is here"
    if before := preferred[: preferred.index(model_id)]:
        return f"since {' and '.join(before)} {'are' if len(before) > 1 else 'is'} not here"
    return "the first choice"
