"""Arguments, JSON output, Markdown tables and ``/proc`` readings that the benchmark scripts share."""

import argparse
import json
import os
import platform
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any


def argument_parser(description: str, data: bool = True) -> argparse.ArgumentParser:
    """A parser with ``--json FILE`` and, if wanted, the positional ``DATA_DIR``.

    :param description: the script's docstring.
    :param data: whether the script reads the data folder; see :func:`parse`.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    if data:
        parser.add_argument("data", type=Path, metavar="DATA_DIR", help="folder of clips, models, faces and tracking")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers to this file")
    return parser


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse the command line; ``data`` becomes absolute, and its ``models`` are used unless FACETRACK_MODELS is set."""
    arguments = parser.parse_args()
    if "data" in arguments:
        arguments.data = arguments.data.resolve()
        os.environ.setdefault("FACETRACK_MODELS", str(arguments.data / "models"))
    return arguments


def write_json(path: Path | None, results: Any) -> None:
    """Write results as indented JSON, paths as text; do nothing without a path."""
    if path:
        path.write_text(json.dumps(results, indent=1, default=str) + "\n")


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


def processor() -> str:
    """Model name of the processor, and on x86 whether it has the VNNI instructions that INT8 models use."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields = dict(line.replace("\t", "").split(":", 1) for line in reversed(lines) if ":" in line)
    name = fields.get("model name", platform.machine()).strip()
    return f"{name}{' with' if 'vnni' in fields['flags'] else ' without'} VNNI" if "flags" in fields else name


def cpu_s(pid: int | str = "self") -> float:
    """CPU seconds a process has used so far, all its threads, in steps of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_bytes(pid: int | str = "self") -> int:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_files(pid: int | str = "self") -> int:
    """Number of file descriptors a process holds."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def thread_count(pid: int | str = "self") -> int:
    """Number of threads of a process."""
    return len(os.listdir(f"/proc/{pid}/task"))


def parse_size(text: str) -> tuple[int, int]:
    """``(width, height)`` of a word such as ``1280x720``, as an argument's type."""
    width, height = text.split("x")
    return int(width), int(height)
