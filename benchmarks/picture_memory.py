"""Peak memory of decoding pictures, in bytes a pixel, by kind; and CPU time of the check of a header.

    python benchmarks/picture_memory.py [--megapixels 12] [--json FILE]

Each kind is decoded by OpenCV to BGR in a process of its own; its peak of resident memory beyond that before is divided
by the pixels. What facetrack_ros assumes of each kind stands beside it. Then, in turns, CPU time of decoding a JPEG of
1280x720 with the check of its header and without.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import common
import cv2
import numpy as np

from facetrack_ros.core.pictures.decoding import decode
from facetrack_ros.core.pictures.picture_header import read_header

_CHILD = """
import sys, cv2, numpy as np
def status(name):
    return int(next(line for line in open("/proc/self/status") if line.startswith(name)).split()[1])
cv2.imdecode(cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))[1], 1)
data = np.fromfile(sys.argv[1], np.uint8)
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
image = cv2.imdecode(data, 1)
print((status("VmHWM") - before) * 1024 / (image.shape[0] * image.shape[1]))
"""
KINDS: dict[str, tuple[str, list[int]]] = {
    "JPEG": (".jpg", []),
    "JPEG, progressive 4:2:0": (".jpg", [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
    "PNG": (".png", []),
    "WebP": (".webp", [cv2.IMWRITE_WEBP_QUALITY, 80]),
    "WebP, lossless": (".webp", [cv2.IMWRITE_WEBP_QUALITY, 101]),
    "TIFF": (".tiff", []),
    "BMP": (".bmp", []),
    "PNM": (".ppm", []),
    "JPEG 2000": (".jp2", []),
    "GIF": (".gif", []),
}


def memory(megapixels: float) -> dict[str, tuple[float, float]]:
    """Bytes a pixel, measured and assumed, by kind."""
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    texture = np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8)
    image = cv2.resize(texture, (height * 4 // 3, height), interpolation=cv2.INTER_NEAREST)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind, (ending, options) in KINDS.items():
            try:
                data = cv2.imencode(ending, image, options)[1].tobytes()
            except cv2.error:
                continue  # this OpenCV does not write it
            file = Path(folder) / f"picture{ending}"
            file.write_bytes(data)
            child = subprocess.run([sys.executable, "-c", _CHILD, file], capture_output=True, text=True)
            header = read_header(data)
            if child.returncode == 0 and header is not None:
                found[kind] = float(child.stdout), header.memory() / header.pixels
    return found


def decoding_us(rounds: int) -> tuple[float, float]:
    """Median CPU time of decoding a frame, microseconds: by OpenCV alone, and with the check."""
    texture = np.random.default_rng(0).integers(0, 255, (90, 160, 3), np.uint8)
    data = cv2.imencode(".jpg", cv2.resize(texture, (1280, 720)))[1].tobytes()
    cv2.setNumThreads(1)
    times: tuple[list[int], list[int]] = ([], [])
    for _ in range(rounds):
        for row, work in enumerate((lambda: cv2.imdecode(np.frombuffer(data, np.uint8), 1), lambda: decode(data))):
            began = time.process_time_ns()
            work()
            times[row].append(time.process_time_ns() - began)
    alone, checked = (float(np.median(each)) / 1e3 for each in times)
    return alone, checked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, default=12.0)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--json", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    found = memory(arguments.megapixels)
    for kind, (measured, assumed) in found.items():
        print(f"{kind:26} {measured:5.1f} bytes a pixel, assumed {assumed:5.1f}")
    alone, checked = decoding_us(arguments.rounds)
    print(f"decoding 1280x720: {alone:.0f} us, with the check of the header {checked:.0f} us")
    if arguments.json:
        common.write_json(arguments.json, {"bytes_a_pixel": found, "decode_us": alone, "checked_decode_us": checked})


if __name__ == "__main__":
    main()
