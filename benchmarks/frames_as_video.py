"""Size, CPU time and access time of frames stored as H.264, compared with JPEG.

    python benchmarks/frames_as_video.py CLIP [--frames 300] [--noise 0 3] [--cameras 4] [--hz 30] [--seconds 15]
                                         [--json FILE]

CLIP is a video file. Its pictures are scaled to 1280x720, get the noise of a sensor (standard deviation in grey levels;
scaling up leaves none, and most bytes of H.264 go into it), and are encoded as JPEG of quality 90. For each noise, both
ways: bytes a frame on disk; PSNR relative to the JPEGs; CPU time a frame and frames a second of a writer at full
speed; time to read a frame by a random stamp, and all frames in order. Then with cameras at their own rate: frames
stored and lost, and the share of a core of the whole process.
"""

import argparse
import os
import tempfile
import time

import common
import cv2
import numpy as np
from datasets import video_frames

from facetrack_ros.core.frame import Frame, encode_jpeg
from facetrack_ros.history.frames.archive import FrameArchive
from facetrack_ros.history.frames.recorder import FrameRecorder
from facetrack_ros.history.frames.retention import Limits
from facetrack_ros.history.frames.settings import FrameSettings
from facetrack_ros.history.frames.video_encoder import VideoEncoder

START_NS = 1_700_000_000 * 10**9
STEP_NS = 33_333_333
SIZE = (1280, 720)


def jpegs(clip: str, count: int, noise: float) -> list[bytes]:
    """JPEGs of the clip's pictures, forwards and backwards, with noise."""
    pictures = [picture.astype(np.float32) for picture in video_frames(clip, SIZE)]
    chance, pictures = np.random.default_rng(0), pictures + pictures[-2:0:-1]
    shape, encoded = pictures[0].shape, []
    grain = [chance.normal(0, noise, shape).astype(np.float32) for _ in range(8)] if noise else [np.float32(0)]
    for i in range(count):
        noisy = pictures[i % len(pictures)] + grain[i % len(grain)]
        encoded.append(encode_jpeg(np.clip(noisy, 0, 255).astype(np.uint8)))
    return encoded


def stored(folder: str, pictures: list[bytes], encoder: VideoEncoder | None) -> tuple[FrameArchive, float, float]:
    """Store pictures; the archive, CPU milliseconds a frame, and frames a second."""
    archive = FrameArchive(folder, "robot1", Limits(frames=0))
    cpu, started = time.thread_time(), time.perf_counter()
    for i, picture in enumerate(pictures):
        archive.append(Frame("front", START_NS + i * STEP_NS, i, picture), encoder)
    cpu, took = time.thread_time() - cpu, time.perf_counter() - started
    archive.close()
    return archive, cpu / len(pictures) * 1e3, len(pictures) / took


def measure(pictures: list[bytes]) -> dict:
    """Bytes, times and PSNR of JPEG and H.264."""
    found = {"kilobytes a frame, as they came": round(sum(map(len, pictures)) / len(pictures) / 1e3, 1)}
    chance = np.random.default_rng(1)
    for name, encoder in (("jpg", None), ("h264", VideoEncoder())):
        with tempfile.TemporaryDirectory() as folder:
            archive, cpu_ms, rate = stored(folder, pictures, encoder)
            found[f"{name}: kilobytes a frame on disk"] = round(archive.stats().bytes / len(pictures) / 1e3, 1)
            found[f"{name}: storing, CPU ms a frame"] = round(cpu_ms, 2)
            found[f"{name}: storing, frames a second"] = round(rate)
            archive = FrameArchive(folder, "robot1", Limits(frames=0))
            took, cpu, likeness = [], [], []
            for i in map(int, chance.integers(0, len(pictures), 100)):
                before, cpu_before = time.perf_counter(), time.thread_time()
                frame = archive.reader.near("front", START_NS + i * STEP_NS, 0)
                took.append((time.perf_counter() - before) * 1e3)
                cpu.append((time.thread_time() - cpu_before) * 1e3)
                likeness.append(min(cv2.PSNR(frame.image, Frame("", 0, 0, pictures[i]).image), 99.0))
            found[f"{name}: a frame by stamp, ms, median / 99 %"] = (
                round(float(np.median(took)), 1),
                round(float(np.quantile(took, 0.99)), 1),
            )
            found[f"{name}: of it CPU, ms, median / 99 %"] = (
                round(float(np.median(cpu)), 1),
                round(float(np.quantile(cpu, 0.99)), 1),
            )
            found[f"{name}: likeness, dB, median"] = round(float(np.median(likeness)), 1)
            before = time.perf_counter()
            count = sum(1 for _ in archive.reader.between("front", 0, 2 * START_NS))
            found[f"{name}: all in order, ms a frame"] = round((time.perf_counter() - before) / count * 1e3, 2)
    return found


def live(pictures: list[bytes], format: str, arguments: argparse.Namespace) -> dict:
    """Frames stored and lost with cameras at their own rate."""
    with tempfile.TemporaryDirectory() as folder:
        recorder = FrameRecorder(
            FrameArchive(folder, "robot1", Limits(frames=0)),
            FrameSettings(mode="continuous", format=format),
            "net",
            dict,
        )
        took, ticks = [], round(arguments.seconds * arguments.hz)
        started, cpu = time.monotonic(), time.process_time()
        for tick in range(ticks):
            time.sleep(max(0.0, started + tick / arguments.hz - time.monotonic()))
            for camera in range(arguments.cameras):
                frame = Frame(
                    f"c{camera}", START_NS + round(tick * 1e9 / arguments.hz), tick, pictures[tick % len(pictures)]
                )
                before = time.perf_counter()
                recorder.add_frame(frame)
                took.append((time.perf_counter() - before) * 1e3)
        passed = time.monotonic() - started
        share, done, lost = (time.process_time() - cpu) / passed, recorder.stored, recorder.lost
        recorder.close(60)
        return {
            f"{format}: frames handed in": ticks * arguments.cameras,
            f"{format}: seconds it took": round(passed, 1),
            f"{format}: stored meanwhile": done,
            f"{format}: stored a second": round(done / passed, 1),
            f"{format}: lost for want of room in the queue": lost,
            f"{format}: share of a core": round(share, 3),
            f"{format}: handing in, ms, median / longest": (round(float(np.median(took)), 4), round(max(took), 2)),
        }


def main() -> None:
    parser = common.argument_parser(__doc__, data=False)
    parser.add_argument("clip")
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--noise", type=float, nargs="+", default=[0.0, 3.0])
    parser.add_argument("--cameras", type=int, default=4)
    parser.add_argument("--hz", type=float, default=30.0)
    parser.add_argument("--seconds", type=float, default=15.0, help="of cameras at their own rate; 0: none")
    arguments = common.parse(parser)
    print(f"load {os.getloadavg()[0]:.1f}")
    found = {}
    for noise in arguments.noise:
        pictures = jpegs(arguments.clip, arguments.frames, noise)
        found[f"noise {noise:g}"] = measure(pictures)
    for format in ("jpg", "h264") if arguments.seconds else ():
        found[f"{arguments.cameras} x {arguments.hz:g} Hz, {format}"] = live(pictures, format, arguments)
    for head, lines in found.items():
        print(f"\n{head}")
        for name, value in lines.items():
            print(f"  {name:<46} {' / '.join(map(str, value)) if isinstance(value, tuple) else value}")
    print(f"\nload {os.getloadavg()[0]:.1f}")
    common.write_json(arguments.json, {"arguments": vars(arguments), "found": found})


if __name__ == "__main__":
    main()
