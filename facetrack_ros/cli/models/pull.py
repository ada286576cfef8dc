"""``facetrack models pull``: download what is missing."""

import argparse
import sys

from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.resolver import ModelFile, resolve_contract
from facetrack_ros.vision.factory import PREFERRED

BAR = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments."""
    parser.add_argument(
        "models", nargs="*", metavar="MODEL", help="ids of models; without any, the first choice for each task"
    )
    parser.add_argument("--all", action="store_true", help="every model that can be downloaded")


def run(arguments: argparse.Namespace) -> int:
    """Fetch them one after another; a download that broke off goes on. 2 where one could not be had."""
    if arguments.all:
        wanted = [contract.id for contract in catalog.CATALOG if contract.urls]
    else:
        wanted = arguments.models or [choices[0] for choices in PREFERRED.values()]
    contracts = [catalog.find(model_id) for model_id in wanted]
    failed = 0
    for contract in contracts:
        bar = _Bar(contract.id) if sys.stderr.isatty() else None
        try:
            found = resolve_contract(contract, progress=bar)
        except ModelError as error:
            failed += 1
            _end_line(bar)
            print(f"{contract.id}: {error}", file=sys.stderr)
            continue
        _end_line(bar)
        print(f"{contract.id}: {_where(found)}")
    return 2 if failed else 0


def _where(found: ModelFile) -> str:
    return f"{found.path} ({found.origin})" if found.path else found.origin


def _end_line(bar: "_Bar | None") -> None:
    if bar is not None and bar.drawn:
        print(file=sys.stderr)


class _Bar:
    """A progress bar on standard error."""

    def __init__(self, model_id: str):
        self._model_id = model_id
        self.drawn = -1

    def __call__(self, done: int, total: int) -> None:
        permille = 1000 * done // max(total, 1)
        if permille != self.drawn:
            self.drawn = permille
            print(
                f"\r{self._model_id}  [{'#' * (BAR * done // max(total, 1)):<{BAR}}] "
                f"{done / 1e6:.1f} of {total / 1e6:.1f} MB",
                end="",
                file=sys.stderr,
                flush=True,
            )
