"""All benchmarks, one after the other: what each prints, and at the end which ran, for how long and where its JSON is.

    python benchmarks/run_all.py DATA_DIR [--small] [--only NAME …] [--json DIR]

DATA_DIR holds ``clips``, ``models``, ``faces`` and ``tracking``. ``--small`` only sees whether they run, in half a minute: its
numbers mean nothing. Exit code 1 where one failed.
"""

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
DATA = "DATA_DIR"


@dataclass(frozen=True)
class Benchmark:
    """One run of a script.

    :param script: its name below ``benchmarks``.
    :param full: its arguments; ``DATA_DIR`` stands for the folder of data.
    :param small: those for a quick look; None: it has no quick one.
    """

    script: str
    full: tuple[str, ...] = (DATA,)
    small: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """The script, with the first word of what it is asked where there are several."""
        word = (
            self.full[0] if self.full and not self.full[0].startswith(DATA) and not self.full[0].startswith("-") else ""
        )
        return f"{self.script}_{word}" if word else self.script


BENCHMARKS = (
    Benchmark("pipeline", small=(DATA, "--small")),
    Benchmark("small_robot", small=(DATA, "--small")),
    Benchmark("chosen_faces"),
    Benchmark("pipeline_profile", small=(DATA, "--size", "480x270", "--frames", "5")),
    Benchmark("stages"),
    Benchmark("embedder_stage", small=(DATA, "--rounds", "2")),
    Benchmark("int8"),
    Benchmark("int8_whole"),
    Benchmark("person_detection"),
    Benchmark("yunet"),
    Benchmark("cdr", ()),
    Benchmark("body_appearance"),
    Benchmark("recognition"),
    Benchmark("clips_people"),
    Benchmark("track_walkers"),
    Benchmark("track_crowd", (), ("--people", "5", "--minutes", "0.05")),
    Benchmark("search_memory", ("search",), ("search", "--sightings", "2000", "--rounds", "2")),
    Benchmark("search_memory", ("open",)),
    Benchmark("frames_on_disk", ("write",), ("write", "--seconds", "0.5")),
    Benchmark("frames_on_disk", ("find",)),
    Benchmark("event_log", (), ("--kills", "2", "--events", "10")),
    Benchmark("cdr", (), ("--kilobytes", "1", "--matches", "1")),
    Benchmark("killed", (), ("--kills", "1", "--longest", "0.5")),
    Benchmark(
        "frames_as_video",
        (f"{DATA}/clips/head-pose-face-detection-female-and-male.gif",),
        (
            f"{DATA}/clips/head-pose-face-detection-female-and-male.gif",
            "--frames",
            "4",
            "--noise",
            "0",
            "--seconds",
            "0",
        ),
    ),
    Benchmark("event_times"),
    Benchmark("box_height"),
    Benchmark("rescan", small=(DATA, "--frames", "2", "--rounds", "1", "--scene", "room")),
    Benchmark("lifecycle_memory", (), ("--rounds", "1")),
    Benchmark("mesh", (), ("--robots", "2", "--sightings", "2000", "--searches", "2", "--settle", "0")),
    Benchmark("mesh_killed", ()),
    Benchmark("mesh_row", ()),
    Benchmark("cut_cable", ()),
    Benchmark("day", ()),
)
#: Files that others import, or that hold a part each in a process of its own.
PARTS = (
    "common",
    "datasets",
    "run_all",
    "pipeline_parts",
    "pipeline_clip",
    "face_resnet50",
    "mot_scores",
    "synthetic_fleet",
    "cable",
)


def run(benchmark: Benchmark, data: Path, small: bool, folder: Path | None) -> tuple[int, float]:
    """Exit code and seconds of one benchmark."""
    words = [word.replace(DATA, str(data)) for word in (benchmark.small if small else benchmark.full)]
    keep = ["--json", str(folder / f"{benchmark.name}.json")] if folder else []
    began = time.perf_counter()
    done = subprocess.run([sys.executable, str(HERE / f"{benchmark.script}.py"), *words, *keep])
    return done.returncode, time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--only", nargs="+", choices=sorted({benchmark.name for benchmark in BENCHMARKS}))
    parser.add_argument("--json", type=Path, metavar="DIR", help="where each keeps its numbers, NAME.json")
    arguments = parser.parse_args()
    if arguments.json:
        arguments.json.mkdir(parents=True, exist_ok=True)
    chosen = [
        each
        for each in BENCHMARKS
        if (not arguments.only or each.name in arguments.only) and not (arguments.small and each.small is None)
    ]
    results = {}
    for benchmark in chosen:
        print(f"\n== {benchmark.name}", flush=True)
        code, seconds = run(benchmark, arguments.data.resolve(), arguments.small, arguments.json)
        results[benchmark.name] = {"exit_code": code, "seconds": round(seconds, 1)}
    print(f"\n{'benchmark':<22}{'seconds':>9}  outcome")
    for name, result in results.items():
        print(f"{name:<22}{result['seconds']:>9.1f}  {'ran' if result['exit_code'] == 0 else 'failed'}")
    if arguments.json:
        (arguments.json / "run_all.json").write_text(json.dumps(results, indent=1))
    return int(any(result["exit_code"] for result in results.values()))


if __name__ == "__main__":
    sys.exit(main())
