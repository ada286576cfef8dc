"""``facetrack models``: which models are known, which are here, which run, and under which licence."""

import argparse
import os
import sys

from facetrack_ros.cli import models_export, models_quantize
from facetrack_ros.config import Config
from facetrack_ros.errors import ModelError
from facetrack_ros.vision import catalog
from facetrack_ros.vision.build import build_pipeline
from facetrack_ros.vision.contract import ModelContract
from facetrack_ros.vision.description import description_lines
from facetrack_ros.vision.from_config import vision_settings
from facetrack_ros.vision.resolve import ModelFile, resolve_contract

MAKERS = {"export": models_export.run, "quantize": models_quantize.run}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The subcommand's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, summary in (("list", "what is known and here"), ("pull", "download what is missing"),
                          ("verify", "check every file")):
        actions.add_parser(name, help=summary).add_argument("--config", metavar="FILE", help="settings, a YAML file")
    models_export.add_arguments(actions.add_parser("export", help="torch's ResNet-50 as an ONNX model"))
    models_quantize.add_arguments(actions.add_parser("quantize", help="an INT8 version of an ONNX embedder"))


def run(arguments: argparse.Namespace) -> int:
    """Do one of the five."""
    if arguments.action in MAKERS:
        return MAKERS[arguments.action](arguments)
    if arguments.action == "pull":
        return _pull()
    # Looking does not download.
    os.environ["FACETRACK_DOWNLOAD"] = "0"
    if arguments.action == "verify":
        return _verify()
    return _list(Config.load(arguments.config) if arguments.config else Config())


def _stored(contract: ModelContract) -> "ModelFile | str":
    try:
        return resolve_contract(contract)
    except ModelError as error:
        return str(error)


def _list(config: Config) -> int:
    for contract in catalog.CATALOG:
        stored = _stored(contract)
        where = stored.origin if isinstance(stored, ModelFile) else "not here"
        print(f"{contract.id:<30} {contract.task:<10} {contract.licence:<12} {contract.size / 1e6:6.1f} MB  {where}")
        for sentence in stored.passed_over if isinstance(stored, ModelFile) else ():
            print(f"  {sentence}")
    print()
    for line in description_lines(build_pipeline(vision_settings(config)).describe()):
        print(line)
    return 0


def _pull() -> int:
    failed = 0
    for contract in catalog.CATALOG:
        if not contract.urls:
            continue
        try:
            found = resolve_contract(contract, progress=_show_progress if sys.stderr.isatty() else None)
            print(f"{contract.id}: {found.path} ({found.origin})")
        except ModelError as error:
            failed += 1
            print(f"{contract.id}: {error}", file=sys.stderr)
    return 2 if failed else 0


def _show_progress(done: int, total: int) -> None:
    print(f"\r{done / 1e6:.1f} of {total / 1e6:.1f} MB ", end="" if done < total else "\n", file=sys.stderr, flush=True)


def _verify() -> int:
    wrong = 0
    for contract in catalog.CATALOG:
        stored = _stored(contract)
        if isinstance(stored, ModelFile):
            print(f"{contract.id}: {'in order' if stored.path else 'no file to check'} ({stored.path or stored.origin})")
            refused = stored.passed_over
        else:
            refused = [stored] if "refused" in stored else []
        for sentence in refused:
            wrong += 1
            print(f"{contract.id}: {sentence}", file=sys.stderr)
    return 2 if wrong else 0
