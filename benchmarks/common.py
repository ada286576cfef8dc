"""Arguments, JSON output, tables and ``/proc`` readings that the benchmark scripts share."""

import argparse
import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any


def argument_parser(description: str | None, data: bool = True, json_metavar: str = "FILE") -> argparse.ArgumentParser:
    """A parser with ``--json FILE`` and, if wanted, the positional ``DATA_DIR``.

    :param description: the script's docstring.
    :param data: whether the script reads the data folder; see :func:`parse`.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    if data:
        parser.add_argument("data", type=Path, metavar="DATA_DIR", help="folder of clips, models, faces and tracking")
    parser.add_argument("--json", type=Path, metavar=json_metavar, help="write all numbers there")
    return parser


def parse(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Parse the command line; ``data`` becomes absolute, and its ``models`` are used unless FACETRACK_MODELS is set."""
    arguments = parser.parse_args()
    if "data" in arguments:
        arguments.data = arguments.data.resolve()
        os.environ.setdefault("FACETRACK_MODELS", str(arguments.data / "models"))
    return arguments


def parse_size(text: str) -> tuple[int, int]:
    """``(width, height)`` of a word such as ``1280x720``, as an argument's type."""
    width, height = text.split("x")
    return int(width), int(height)


def write_json(path: Path | None, results: Any) -> None:
    """Write results as indented JSON, paths as text; do nothing without a path."""
    if path:
        path.write_text(json.dumps(results, indent=1, default=str) + "\n")


def print_values(values: Mapping[str, object], width: int = 42) -> None:
    """Print a line for each value, its name padded to a width."""
    for name, value in values.items():
        print(f"{name:<{width}} {value}")


def markdown_table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


def cpu_fields() -> dict[str, str]:
    """Fields of the first processor in ``/proc/cpuinfo``; empty where there is no such file."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return {}
    return dict(line.replace("\t", "").split(":", 1) for line in reversed(lines) if ":" in line)


def processor_name() -> str:
    """Model name of the processor."""
    return cpu_fields().get("model name", platform.processor() or platform.machine()).strip()


def processor() -> str:
    """Model name of the processor, and on x86 whether it has the VNNI instructions that INT8 models use."""
    flags = cpu_fields().get("flags")
    return processor_name() + (f" {'with' if 'vnni' in flags else 'without'} VNNI" if flags else "")


def load() -> str:
    """The load average of the machine."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def cpu_s(pid: int | str = "self") -> float:
    """CPU seconds a process has used so far, all its threads, in steps of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_bytes(pid: int | str = "self") -> int:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def rss_mb(pid: int | str = "self") -> float:
    """Resident memory of a process, in units of 2**20 bytes."""
    return rss_bytes(pid) / 2**20


def resident_and_private_mb(pid: int | str = "self") -> tuple[float, float]:
    """Resident memory of a process, and its part that no other process shares, in units of 1000 KiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.endswith("kB")}
    return kib["Rss"] / 1e3, (kib["Private_Clean"] + kib["Private_Dirty"]) / 1e3


def open_files(pid: int | str = "self") -> int:
    """Number of file descriptors a process holds."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def thread_count(pid: int | str = "self") -> int:
    """Number of threads of a process."""
    return len(os.listdir(f"/proc/{pid}/task"))


def has_library(pid: int | str, name: str) -> bool:
    """Whether a process has mapped a file whose path contains a name."""
    return name in Path(f"/proc/{pid}/maps").read_text()


def loopback_traffic() -> tuple[int, int]:
    """Bytes and packets that the loopback device has carried."""
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, counts = line.partition(":")
        if name.strip() == "lo":
            return int(counts.split()[0]), int(counts.split()[1])
    return 0, 0
