"""The pipeline against its bare models, in several ways of running it: frames a second, latency, CPU time, memory.

    python benchmarks/pipeline.py DATA_DIR [--sizes 1280x720 1920x1080] [--cameras 1 2 4 8] [--seconds 6] [--rounds 3]
                                  [--small] [--same] [--settings JSON] [--json FILE] [--plot FILE]

DATA_DIR holds ``clips`` and ``models``. The limit is the bare loop: decode JPEG, detect, find faces, align, embed; no
ROS, nothing stored; one worker a core with one model thread each, as threads of one process and as processes, whichever
is faster. Compared with it, in the same run and on the same clip: ``facetrack ingest``; a robot in one process, live,
with cameras somewhat faster than it can analyse; the same with ``faces.embed: improving``; a process a node, offered
somewhat less than the limit, since it cannot slow its detector down. The limit is measured between them, since other
programs on the same processor change it. Last, the robot in one process at half of what it bears, and at twice.

Rows of other sizes and cameras that are in the ``--json`` file stay there.
"""

import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import argument_parser, cpu_s, parse, parse_size, processor_name, rss_mb, write_json

PARTS = Path(__file__).resolve().parent / "pipeline_parts.py"
NODES = ("detector", "embedder", "tracker", "history", "search", "gallery", "overlay")
#: Share of the limit that is offered to a process a node.
OFFERED_TO_NODES = 0.8
#: Length of the recording that is ingested, seconds of the limit.
LONG_S = 12.0
HALF, TWICE, MORE = 0.5, 2.0, 1.2
#: Ways that are measured one after the other, the limit before and after.
BETWEEN_LIMITS = (("ingest", "composed"), ("nodes", "improving"))
WARM_S = 2.0


def part_command(name: str, options: dict) -> list[str]:
    """The command of a part of pipeline_parts.py."""
    return [sys.executable, str(PARTS), name, json.dumps(options)]


def node_command(name: str, namespace: str, folder: str, *more: str) -> list[str]:
    """The command of a node with its data in a folder, and more ROS arguments."""
    program = f"from facetrack_ros.nodes.{name}_node import main; main()"
    ros = ["--ros-args", "-r", f"__ns:={namespace}", "-p", f"data_dir:={folder}", *more]
    return [sys.executable, "-c", program, *ros]


def start_part(name: str, options: dict) -> subprocess.Popen:
    """Start a part that prints ``ready`` and waits for a line."""
    return subprocess.Popen(part_command(name, options), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def wait_until_ready(processes) -> None:
    """Read the output of parts up to their line ``ready``."""
    for process in processes:
        while process.stdout.readline().strip() != "ready":
            pass


def send(processes, line: str) -> None:
    """Write a line to parts that wait for it."""
    for process in processes:
        process.stdin.write(f"{line}\n")
        process.stdin.flush()


def part(name: str, **options) -> dict:
    """The result of a part, run in a process and a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="facetrack_bench_") as folder:
        done = subprocess.run(part_command(name, {"folder": folder, **options}), capture_output=True, text=True)
    return result_of(done.stdout, done.stderr)


def result_of(output: str, errors: str = "") -> dict:
    """The result that a part printed; exit with its output where there is none."""
    lines = [line for line in output.splitlines() if line.startswith("result ")]
    if not lines:
        sys.exit(f"no result:\n{output}\n{errors}")
    return json.loads(lines[-1][len("result ") :])


def as_threads(options: dict, workers: int) -> dict:
    """The bare loop, its workers threads of one process."""
    return part("bare", workers=workers, **options)


def as_processes(options: dict, workers: int) -> dict:
    """The bare loop, each of its workers a process."""
    processes = [start_part("bare", {**options, "workers": 1, "barrier": True}) for _ in range(workers)]
    wait_until_ready(processes)
    send(processes, "go")
    each = [result_of(process.communicate()[0]) for process in processes]
    return {
        **each[0],
        "fps": sum(found["fps"] for found in each),
        "rss_mb": sum(found["rss_mb"] for found in each),
        "cpu_ms": sum(found["cpu_ms"] * found["frames"] for found in each) / sum(found["frames"] for found in each),
    }


def bare(options: dict, workers: int) -> dict:
    """The bare loop as it is faster, as threads or as processes; ``arrangement`` says which."""
    found = {"threads": as_threads(options, workers), "processes": as_processes(options, workers)}
    best = max(found, key=lambda name: found[name]["fps"])
    return {**found[best], "arrangement": best}


def nodes(options: dict, cameras: int, fps: float, seconds: float, sizes: bool = False) -> dict:
    """A process a node, and one a camera."""
    names = [f"camera{number}" for number in range(cameras)]
    count = round(fps / cameras * (seconds + 2 * WARM_S))
    with tempfile.TemporaryDirectory(prefix="facetrack_bench_") as folder:
        more = ("-p", f"cameras:={names}", "--log-level", "error")
        robot = {name: subprocess.Popen(node_command(name, "/robot1", folder, *more)) for name in NODES}
        playing = {
            name: start_part(
                "camera", {"count": count, **options, "name": name, "fps": fps / cameras, "lead_s": row / fps}
            )
            for row, name in enumerate(names)
        }
        listener = start_part("listen", {**options, "cameras": cameras, "seconds": seconds, "sizes": sizes})
        try:
            wait_until_ready((*playing.values(), listener))
            time.sleep(4.0)  # until DDS has connected the nodes
            send(playing.values(), "go")
            time.sleep(WARM_S)
            measured = {**robot, **playing}
            used = {name: cpu_s(process.pid) for name, process in measured.items()}
            send([listener], str(time.perf_counter()))
            time.sleep(seconds)
            used = {name: cpu_s(process.pid) - used[name] for name, process in measured.items()}
            memory = {name: rss_mb(process.pid) for name, process in measured.items()}
            send([listener], "end")
            found = result_of(listener.communicate(timeout=60)[0])
        finally:
            for process in playing.values():
                process.terminate()
            for process in robot.values():
                process.send_signal(signal.SIGINT)
            for process in (*robot.values(), *playing.values(), listener):
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()
    frames = max(1, found["frames"])
    return {
        **found,
        "cpu_ms": sum(used.values()) / frames * 1e3,
        "cpu_ms_by_node": {name: spent / frames * 1e3 for name, spent in used.items()},
        "rss_mb": sum(memory.values()),
        "rss_mb_by_node": memory,
    }


def mean_of(found: list[dict]) -> dict:
    """Several runs of one way as one: means of numbers, all else from the last run."""
    means = {}
    for key, last in found[-1].items():
        values = [each[key] for each in found if key in each]
        if isinstance(last, dict):
            means[key] = mean_of(values)
        else:
            means[key] = float(np.mean(values)) if isinstance(last, (int, float)) else last
    return means


def measure(
    data: Path, size: tuple[int, int], cameras: int, seconds: float, rounds: int, settings: dict, workers: int
) -> dict:
    """All ways of running it with so many cameras of a size.

    The speed of the machine changes from minute to minute: the limit is measured every two ways; a ratio is to the mean
    of the limit before and after, and its median over the rounds counts.
    """
    options = {"data": str(data), "size": size, "seconds": seconds, "config": settings}
    live = {**options, "cameras": cameras}
    load, limits = os.getloadavg()[0], [bare(options, workers)]
    limit, arrangement = limits[0]["fps"], limits[0]["arrangement"]
    improving = {**live, "config": {**settings, "faces.embed": "improving"}}
    ways = {
        "ingest": lambda: part("ingest", **live, frames=round(limit * LONG_S)),
        "composed": lambda: part("composed", **live, fps=MORE * limit),
        "nodes": lambda: nodes(options, cameras, OFFERED_TO_NODES * limit, seconds),
        "improving": lambda: part("composed", **improving, fps=3 * MORE * limit),
    }
    found: dict[str, list[dict]] = {way: [] for way in ways}
    ratios: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for pair in BETWEEN_LIMITS:
            for way in pair:
                found[way].append(ways[way]())
            limits.append((as_threads if arrangement == "threads" else as_processes)(options, workers))
            for way in pair:
                ratios[way].append(found[way][-1]["fps"] / np.mean([each["fps"] for each in limits[-2:]]))
    row = {
        "size": f"{size[0]}x{size[1]}",
        "cameras": cameras,
        "load": load,
        "limit": {**mean_of(limits), "arrangement": arrangement, "rounds_fps": [each["fps"] for each in limits]},
        **{way: {**mean_of(runs), "rounds_fps": [run["fps"] for run in runs]} for way, runs in found.items()},
        "rounds_ratios": ratios,
        "ratios": {way: float(np.median(each)) for way, each in ratios.items()},
    }
    row["half"] = part("composed", **live, fps=HALF * row["composed"]["fps"])
    row["twice"] = part("composed", **live, fps=TWICE * row["composed"]["fps"])
    wire = nodes(options, cameras, 0.4 * limit, min(3.0, seconds), sizes=True)["bytes"]
    # The listener is one of the readers; of faces and tracks, two.
    row["wire_bytes"] = {
        topic.rpartition("camera0/")[2]: size * max(0, readers - (2 if topic.endswith(("/faces", "/tracks")) else 1))
        for topic, (size, readers) in wire.items()
        if "/camera0/" in topic
    }
    rates = row["twice"]["rates"].values()
    row["fairness"] = min(rates) / max(rates)
    row["overload_p95"] = row["twice"]["latency_ms"]["p95"] / row["half"]["latency_ms"]["p95"]
    return row


def same(data: Path, size: tuple[int, int], settings: dict, fps: float = 6.0, frames: int = 48) -> dict:
    """Persons and events that each way finds in the same frames, at a rate that every way bears."""
    options = {"data": str(data), "size": size, "config": settings, "cameras": 1, "frames": frames, "fps": fps}
    ways = {"bare loop and tracker": part("tracked", **options)["events"]}
    for run in (1, 2):
        ways[f"ingest, run {run}"] = part("ingest", **options)["events"]
    live = {**options, "seconds": frames / fps, "to_the_end": True}
    ways["composed, live"] = part("composed", **live)["events"]
    live["config"] = {**settings, "faces.embed": "improving"}
    chosen = part("composed", **live)
    ways["composed, chosen faces"] = chosen["events"]
    ways["a process a node"] = nodes({**options, "count": frames}, 1, fps, frames / fps + 5.0)["events"]
    rows = {}
    for way, events in ways.items():
        rows[way] = {
            "persons": len({person for _, _, person in events}),
            **{
                kind: sum(event == kind for event, _, _ in events)
                for kind in ("PERSON_IN", "PERSON_OUT", "FACE_MATCHED")
            },
        }
        print(f"{way:<24}" + "".join(f"{name} {count:<4}" for name, count in rows[way].items()))
    rows["embeddings_a_frame"] = chosen["embeddings_a_frame"]
    return rows


def try_out(data: Path) -> dict:
    """A test of the script: half a second of three ways, on one thread."""
    options = {"data": str(data), "size": (480, 270), "seconds": 0.5, "workers": 1, "cameras": 1, "frames": 4, "fps": 5}
    found = {name: part(name, **options) for name in ("bare", "ingest", "composed")}
    for name, each in found.items():
        print(f"{name:<10}{each['fps']:>7.1f} fps, {each['fps'] / found['bare']['fps']:.2f} of one worker's bare loop")
    return found


def show(row: dict) -> None:
    """Print the table of a size and a number of cameras."""
    print(
        f"\n{row['size']}, {row['cameras']} camera{'s' if row['cameras'] > 1 else ''}, load before {row['load']:.1f}; "
        f"bare loop as {row['limit']['arrangement']}, a round "
        + ", ".join(f"{fps:.1f}" for fps in row["limit"]["rounds_fps"])
    )
    print(
        f"{'way':<24}{'fps':>7}{'of limit':>10}{'CPU ms':>8}{'p50':>7}{'p95':>7}{'p99 ms':>8}{'added p95':>11}{'MB':>7}"
    )
    ways = (
        ("bare loop", "limit"),
        ("ingest", "ingest"),
        ("composed, live", "composed"),
        ("  chosen faces", "improving"),
        ("a process a node", "nodes"),
        ("composed, half load", "half"),
        ("composed, twice", "twice"),
    )
    for name, way in ways:
        each, latency = row[way], row[way].get("latency_ms", {})
        numbers = "".join(
            f"{latency[key]:>{width}.0f}" if key in latency else " " * width
            for key, width in (("p50", 7), ("p95", 7), ("p99", 8))
        )
        added = f"{each['added_ms']['p95']:>11.1f}" if each.get("added_ms") else " " * 11
        ratio = f"{row['ratios'][way]:>10.2f}" if way in row["ratios"] else " " * 10
        print(f"{name:<24}{each['fps']:>7.1f}{ratio}{each['cpu_ms']:>8.1f}{numbers}{added}{each['rss_mb']:>7.0f}")
    print(
        "stages of the bare loop, ms: "
        + ", ".join(f"{name} {spent:.1f}" for name, spent in row["limit"]["stages_ms"].items())
    )
    print(
        f"twice the load: slowest camera's rate over fastest's {row['fairness']:.2f}, p95 {row['overload_p95']:.2f} "
        f"times that at half load, {row['twice']['dropped']} frames dropped and counted"
    )
    print(
        f"embeddings a frame, every face against chosen ones: {row['composed']['embeddings_a_frame']:.2f} and "
        f"{row['improving']['embeddings_a_frame']:.2f}; bytes sent a frame, a process a node: "
        f"{sum(row['wire_bytes'].values())}"
    )


def plot(rows: list[dict], path: Path) -> None:
    """Frames a second over cameras, a panel a size."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    sizes = list(dict.fromkeys(row["size"] for row in rows))
    figure, panels = pyplot.subplots(1, len(sizes), figsize=(5.2 * len(sizes), 4), sharey=True, squeeze=False)
    ways = (
        ("limit", "bare loop", "black", "--"),
        ("ingest", "ingest", "#4363d8", "-"),
        ("composed", "one process, live", "#3cb44b", "-"),
        ("improving", "one process, chosen faces", "#f58231", "-"),
        ("nodes", "a process a node", "#911eb4", "-"),
    )
    for panel, size in zip(panels[0], sizes):
        here = sorted((row for row in rows if row["size"] == size), key=lambda row: row["cameras"])
        for way, name, colour, line in ways:
            panel.plot(
                [row["cameras"] for row in here],
                [row[way]["fps"] for row in here],
                line,
                color=colour,
                marker="o",
                label=name,
            )
        panel.set(title=size, xlabel="cameras", xscale="log", xticks=[row["cameras"] for row in here], ylim=(0, None))
        panel.set_xticklabels([row["cameras"] for row in here])
        panel.minorticks_off()
        panel.grid(alpha=0.3)
    panels[0][0].set_ylabel("frames a second, all cameras together")
    panels[0][-1].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--sizes", nargs="+", type=parse_size, default=[(1280, 720), (1920, 1080)])
    parser.add_argument("--cameras", nargs="+", type=int, default=[1, 2, 4, 8])
    parser.add_argument("--seconds", type=float, default=6.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="of all ways; ratios are medians, all else means")
    parser.add_argument("--settings", type=json.loads, default={}, help="of the robot, by name")
    parser.add_argument("--small", action="store_true", help="a short test of the script")
    parser.add_argument("--same", action="store_true", help="only compare the persons and events that each way finds")
    parser.add_argument("--plot", type=Path, metavar="FILE")
    arguments = parse(parser)
    workers = len(os.sched_getaffinity(0))
    known = json.loads(arguments.json.read_text()) if arguments.json and arguments.json.exists() else {}
    print(f"{processor_name()}, {workers} cores, Python {platform.python_version()}")
    if arguments.small:
        write_json(arguments.json, try_out(arguments.data))
        return
    if arguments.same:
        found = {f"{size[0]}x{size[1]}": same(arguments.data, size, arguments.settings) for size in arguments.sizes}
        write_json(arguments.json, found)
        return
    rows = {(row["size"], row["cameras"]): row for row in known.get("rows", ())}
    for size in arguments.sizes:
        for cameras in arguments.cameras:
            row = measure(
                arguments.data, size, cameras, arguments.seconds, arguments.rounds, arguments.settings, workers
            )
            rows[row["size"], cameras] = row
            show(row)
            write_json(arguments.json, {"processor": processor_name(), "cores": workers, "rows": list(rows.values())})
    if arguments.plot:
        plot(list(rows.values()), arguments.plot)


if __name__ == "__main__":
    main()
