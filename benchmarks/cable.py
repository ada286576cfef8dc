"""A network cable in user space between two network namespaces, with loss, delay and interruptions.

The kernel's tc netem is a module that many kernels lack. Here each namespace has a TAP device, and a thread carries
Ethernet frames from one to the other. The machine's own network is not touched.
"""

import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time

from synthetic_fleet import enter_namespace

_TUNSETIFF, _IFF_TAP, _IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
_LONGEST_FRAME = 65_536


class Cable:
    """Two ends, ``names[0]`` and ``names[1]``: network namespaces with the addresses 10.99.0.1 and 10.99.0.2.

    A context manager; needs root and /dev/net/tun. ``loss`` and ``delay_s`` (one way) may be changed at any time, and
    ``cut`` breaks the cable while it is true.

    :param prefix: of the namespaces' names, for several cables on one machine.
    """

    def __init__(self, prefix: str, loss: float = 0.0, delay_s: float = 0.0, seed: int = 1) -> None:
        self.names = (f"{prefix}1", f"{prefix}2")
        self.loss, self.delay_s, self.cut = loss, delay_s, False
        self.carried = self.lost = 0
        self._chance = random.Random(seed)
        self._ends: list[int] = []
        self._over = threading.Event()

    def __enter__(self) -> "Cable":
        try:
            for number, name in enumerate(self.names, 1):
                _ip("netns", "add", name)
                self._ends.append(_tap(name))
                for command in (
                    ("link", "set", "lo", "up"),
                    ("link", "set", "lo", "multicast", "on"),
                    ("addr", "add", f"10.99.0.{number}/24", "dev", "cable0"),
                    ("link", "set", "cable0", "up"),
                    ("route", "add", "224.0.0.0/4", "dev", "cable0"),
                ):
                    _ip("-n", name, *command)
        except BaseException:
            self.__exit__()
            raise
        self._thread = threading.Thread(target=self._carry, name="cable", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error) -> None:
        self._over.set()
        if hasattr(self, "_thread"):
            self._thread.join()
        for end in self._ends:
            os.close(end)
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL, check=False)

    def inside(self, end: int, command: list[str]) -> list[str]:
        """The command line that runs a command at an end, 0 or 1."""
        return ["ip", "netns", "exec", self.names[end], *command]

    def _carry(self) -> None:
        under_way: list[tuple[float, int, int, bytes]] = []
        count = 0
        while not self._over.is_set():
            wait_s = min(max(under_way[0][0] - time.monotonic(), 0.0), 0.1) if under_way else 0.1
            for end in select.select(self._ends, [], [], wait_s)[0]:
                frame = os.read(end, _LONGEST_FRAME)
                if self.cut or self._chance.random() < self.loss:
                    self.lost += 1
                    continue
                count += 1
                heapq.heappush(under_way, (time.monotonic() + self.delay_s, count, 1 - self._ends.index(end), frame))
            while under_way and under_way[0][0] <= time.monotonic():
                _, _, to, frame = heapq.heappop(under_way)
                if self.cut:
                    self.lost += 1  # it was in the cable when the cable was cut
                    continue
                try:
                    os.write(self._ends[to], frame)
                    self.carried += 1
                except OSError:  # the device's queue is full, or down
                    self.lost += 1


def possible() -> str:
    """Why this machine cannot make a cable; empty where it can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if not os.path.exists("/dev/net/tun"):
        return "there is no /dev/net/tun"
    try:
        with Cable(f"try{os.getpid()}x"):
            return ""
    except (OSError, subprocess.CalledProcessError) as error:
        return f"network namespaces cannot be made here: {error}"


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def _tap(namespace: str) -> int:
    """A new TAP device ``cable0`` in a namespace; its file descriptor."""
    ends: list[int | OSError] = []

    def make() -> None:
        # Only this thread enters the namespace; the descriptor works in all threads.
        try:
            enter_namespace(namespace)
            end = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            fcntl.ioctl(end, _TUNSETIFF, struct.pack("16sH", b"cable0", _IFF_TAP | _IFF_NO_PI))
            ends.append(end)
        except OSError as error:
            ends.append(error)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if isinstance(ends[0], OSError):
        raise ends[0]
    return ends[0]
