"""Run all benchmarks, one after the other, and print how long each took.

    python benchmarks/run_all.py DATA_DIR [--small] [--only NAME …] [--json DIR]

DATA_DIR holds ``clips``, ``models``, ``faces`` and ``tracking``. ``--small`` is a test of the scripts in half a minute;
its numbers mean nothing. ``--json`` is a folder for the numbers of each, NAME.json. Exit code 1 if one failed.
"""

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from common import argument_parser, parse, write_json

HERE = Path(__file__).resolve().parent
DATA = "DATA_DIR"
CLIP = f"{DATA}/clips/head-pose-face-detection-female-and-male.gif"


@dataclass(frozen=True)
class Benchmark:
    """One run of a script.

    :param script: file name without suffix.
    :param full: its arguments; ``DATA_DIR`` stands for the data folder.
    :param small: arguments of a short test; None: the script has none.
    """

    script: str
    full: tuple[str, ...] = (DATA,)
    small: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """The script, and its subcommand if it has one."""
        word = self.full[0] if self.full else ""
        return f"{self.script}_{word}" if word.isalpha() else self.script


BENCHMARKS = (
    Benchmark("pipeline", small=(DATA, "--small")),
    Benchmark("small_robot", small=(DATA, "--small")),
    Benchmark("chosen_faces"),
    Benchmark("face_gate"),
    Benchmark("picture_memory", (), ("--megapixels", "1", "--rounds", "20")),
    Benchmark("one_room"),
    Benchmark("search_by_person"),
    Benchmark("pipeline_profile", small=(DATA, "--size", "480x270", "--frames", "5")),
    Benchmark("stages"),
    Benchmark("dlib_network", small=(DATA, "--faces", "2")),
    Benchmark("dlib_alignment", small=(DATA, "--step", "8", "--detectors", "dlib-hog", "--widths")),
    Benchmark("embedder_stage", small=(DATA, "--rounds", "2")),
    Benchmark("int8"),
    Benchmark("int8_whole"),
    Benchmark("person_detection"),
    Benchmark("yunet"),
    Benchmark("body_appearance"),
    Benchmark("recognition"),
    Benchmark("one_room_search"),
    Benchmark("clips_people"),
    Benchmark("visit_frames"),
    Benchmark("track_walkers"),
    Benchmark("track_crowd", (), ("--people", "5", "--minutes", "0.05")),
    Benchmark("search_memory", ("search",), ("search", "--sightings", "2000", "--rounds", "2")),
    Benchmark("search_memory", ("open",)),
    Benchmark("frames_on_disk", ("write",), ("write", "--seconds", "0.5")),
    Benchmark("frames_on_disk", ("find",)),
    Benchmark("audit_log", (), ("--records", "50", "--edits", "30")),
    Benchmark("encryption", (), ("--sightings", "200", "--rounds", "1")),
    Benchmark("event_log", (), ("--kills", "2", "--events", "10")),
    Benchmark("cdr", (), ("--kilobytes", "1", "--matches", "1")),
    Benchmark("forget", ("time",), ("time", "--sightings", "5000", "--of-person", "50")),
    Benchmark("forget", ("kills",), ("kills", "--kills", "1")),
    Benchmark("killed", (), ("--kills", "1", "--longest", "0.5")),
    Benchmark("frames_as_video", (CLIP,), (CLIP, "--frames", "4", "--noise", "0", "--seconds", "0")),
    Benchmark("event_times"),
    Benchmark("box_height"),
    Benchmark("rescan", small=(DATA, "--frames", "2", "--rounds", "1", "--scene", "room")),
    Benchmark("lifecycle_memory", (), ("--rounds", "1")),
    Benchmark("image_transport", ()),
    Benchmark("mesh", (), ("--robots", "2", "--sightings", "2000", "--searches", "2", "--settle", "0")),
    Benchmark("signed_search", (), ("--sightings", "2000", "--searches", "2", "--rounds", "1")),
    Benchmark("mesh_killed", ()),
    Benchmark("mesh_row", ()),
    Benchmark("people_list", (), ("--robots", "2", "--lists", "2", "--sightings", "2000")),
    Benchmark("cut_cable", ()),
    Benchmark("day", ()),
    Benchmark("soak"),
    Benchmark("killed_robot"),
    Benchmark("disk_faults"),
)
#: Files that benchmarks import or start.
PARTS = (
    "common",
    "datasets",
    "run_all",
    "pipeline_parts",
    "pipeline_clip",
    "face_resnet50",
    "failing_disk",
    "mot_scores",
    "synthetic_fleet",
    "cable",
    "calibration_plot",
    "one_room_faces",
    "one_room_histories",
)
#: Benchmarks of pictures that are not in DATA_DIR, such as Labeled Faces in the Wild: run them by themselves.
OF_OTHER_PICTURES = ("calibrate_catalog", "reference_faces")


def run(benchmark: Benchmark, data: Path, small: bool, folder: Path | None) -> tuple[int, float]:
    """Exit code and seconds of one benchmark."""
    words = [word.replace(DATA, str(data)) for word in (benchmark.small if small else benchmark.full)]
    keep = ["--json", str(folder / f"{benchmark.name}.json")] if folder else []
    began = time.perf_counter()
    done = subprocess.run([sys.executable, str(HERE / f"{benchmark.script}.py"), *words, *keep])
    return done.returncode, time.perf_counter() - began


def main() -> int:
    parser = argument_parser(__doc__, json_metavar="DIR")
    parser.add_argument("--small", action="store_true", help="a short test of the scripts that have one")
    parser.add_argument("--only", nargs="+", choices=sorted({benchmark.name for benchmark in BENCHMARKS}))
    arguments = parse(parser)
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
        code, seconds = run(benchmark, arguments.data, arguments.small, arguments.json)
        results[benchmark.name] = {"exit_code": code, "seconds": round(seconds, 1)}
    print(f"\n{'benchmark':<22}{'seconds':>9}  outcome")
    for name, result in results.items():
        print(f"{name:<22}{result['seconds']:>9.1f}  {'ran' if result['exit_code'] == 0 else 'failed'}")
    write_json(arguments.json and arguments.json / "run_all.json", results)
    return int(any(result["exit_code"] for result in results.values()))


if __name__ == "__main__":
    sys.exit(main())
