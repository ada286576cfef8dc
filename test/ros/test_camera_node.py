"""A lost source is opened again: motion JPEG over HTTP, a video over RTSP, a device, a folder."""

import io
import socket
import struct
import threading
import time
from contextlib import suppress
from fractions import Fraction
from functools import partial

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node

from facetrack_ros.config import Config
from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.nodes import camera_node
from facetrack_ros.nodes.base.process import ros, spinning
from facetrack_ros.nodes.camera_node import CameraNode
from facetrack_ros.nodes.health import publisher as diagnostics
from facetrack_ros.sources import address

PICTURE = np.full((48, 64, 3), (40, 120, 200), np.uint8)


class NetworkCamera:
    """A camera on this computer's network that can be unplugged: its port is closed, and its connections are cut.

    :param serve: is given a connection and a check whether the camera is still there.
    """

    def __init__(self, serve):
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._connections, self._threads = [], []
        self._listen()

    def _listen(self):
        listener, self._there = self._listener, threading.Event()
        there = self._there
        there.set()

        def accept():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                self._connections.append(connection)
                self._start(partial(self._talk, connection, there))

        self._start(accept)

    def _talk(self, connection, there):
        with suppress(OSError):  # the other side has closed, or this one was unplugged
            self._serve(connection, there.is_set)

    def _start(self, run):
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self._threads.append(thread)

    def unplug(self):
        self._there.clear()
        for opened in (self._listener, *self._connections):
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)
            opened.close()
        self._connections.clear()

    def plug_in(self):
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._listen()


def motion_jpeg(connection, there):
    jpeg = encode_jpeg(PICTURE)
    connection.recv(4096)
    connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=edge\r\n\r\n")
    while there():
        connection.sendall(
            b"--edge\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(jpeg), jpeg)
        )
        time.sleep(0.02)  # the camera's own rate


def video_over_rtsp(connection, there):
    """Just enough of RFC 2326: one session, RTP over its TCP connection, an MPEG transport stream in it (RFC 2250)."""
    reader = connection.makefile("rb")
    while there():
        request = []
        while line := reader.readline().strip():
            request.append(line.decode())
        if not request:
            return
        method = request[0].split()[0]
        number = next(line for line in request if line.lower().startswith("cseq"))
        extra, body = {
            "OPTIONS": ("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n", ""),
            "DESCRIBE": (
                "Content-Type: application/sdp\r\n",
                "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\na=control:video\r\n",
            ),
            "SETUP": ("Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n", ""),
        }.get(method, ("Session: 1\r\n", ""))
        connection.sendall(f"RTSP/1.0 200 OK\r\n{number}\r\n{extra}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        if method == "PLAY":
            for sequence, part in enumerate(_transport_stream()):
                if not there():
                    return
                rtp = struct.pack(">BBHII", 0x80, 33, sequence & 0xFFFF, sequence * 900 & 0xFFFFFFFF, 1) + part
                connection.sendall(struct.pack(">cBH", b"$", 0, len(rtp)) + rtp)
                time.sleep(0.005)  # the camera's own rate


def _transport_stream():
    """An endless video, in parts of seven packets."""
    import av

    output = io.BytesIO()
    with av.open(output, "w", format="mpegts") as container:
        stream = container.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 64, 48, "yuv420p", 5
        for number in range(1_000_000):
            frame = av.VideoFrame.from_ndarray(PICTURE, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
            data = output.getvalue()
            if len(data) >= 7 * 188:
                for start in range(0, len(data) - 7 * 188 + 1, 7 * 188):
                    yield data[start : start + 7 * 188]
                rest = data[len(data) - len(data) % (7 * 188) :]
                output.seek(0)
                output.truncate()
                output.write(rest)


class Watched:
    """A camera node, its frames, and its diagnoses."""

    def __init__(self, executor, wait_until):
        self.frames, self.ended, self.health = [], [], []
        self._executor, self._wait_until = executor, wait_until
        monitor = Node("monitor")
        monitor.create_subscription(
            DiagnosticArray, "/diagnostics", lambda message: self.health.append(message.status[0]), 10
        )
        executor.add_node(monitor)

    def open(self, source, **settings):
        self.node = CameraNode("front", str(source), robot_id="robot1", config=Config(settings))
        self._executor.add_node(self.node)
        self.node.listeners.append(self.frames.append)
        self.node.end_listeners.append(self.ended.append)
        self.node.start_up()

    def until(self, condition, what="it is so"):
        self._wait_until(condition, lambda: f"{what}; {self.health[-1:]}", 60.0)

    def more_frames(self):
        seen = len(self.frames)
        self.until(lambda: len(self.frames) > seen + 3, "frames come")

    def until_lost(self):
        self.until(
            lambda: self.health and self.health[-1].level == b"\2" and "trying again" in self.health[-1].message,
            "it is lost",
        )


@pytest.fixture
def watched(domain, monkeypatch, processes):
    monkeypatch.setenv("ROS_DOMAIN_ID", str(domain))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setattr(diagnostics, "PERIOD_S", 0.05)
    monkeypatch.setattr(camera_node, "RETRY_S", 0.1)
    with ros([]), spinning([Node("first")]) as executor:
        watched = Watched(executor, processes.wait_until)
        yield watched
        watched.node.end()


@pytest.mark.parametrize(("scheme", "serve"), [("http", motion_jpeg), ("rtsp", video_over_rtsp)], ids=["http", "rtsp"])
def test_a_network_camera_is_opened_again_after_it_was_unplugged(watched, scheme, serve):
    camera = NetworkCamera(serve)
    try:
        watched.open(f"{scheme}://user:secret@127.0.0.1:{camera.port}/video")
        watched.more_frames()
        assert np.abs(watched.frames[-1].image.astype(int) - PICTURE).max() < 12
        for _ in range(2):
            camera.unplug()
            watched.until_lost()
            assert f"{scheme}://***@127.0.0.1" in watched.health[-1].message
            camera.plug_in()
            watched.more_frames()
            watched.until(lambda: watched.health[-1].level != b"\2", "the error is over")
    finally:
        camera.unplug()
    stamps = [frame.stamp_ns for frame in watched.frames]
    assert stamps == sorted(set(stamps))
    assert [frame.number for frame in watched.frames] == list(range(len(stamps)))


def answers(reply: bytes, hang: bool = False):
    """Serve one reply, then hang up, or keep silent until the client does."""

    def serve(connection, there):
        connection.recv(4096)
        connection.sendall(reply)
        if hang:
            connection.recv(4096)
        connection.close()

    return serve


def some_motion_jpeg(connection, there):
    """A few pictures, then the end of the connection."""
    left = iter(range(10))
    motion_jpeg(connection, lambda: there() and next(left, None) is not None)
    connection.close()


JPEG = encode_jpeg(PICTURE)
OK = b"HTTP/1.0 200 OK\r\nContent-Type: "
STREAM = OK + b"multipart/x-mixed-replace; boundary=edge\r\n\r\n--edge\r\nContent-Type: image/jpeg\r\n"
FAILURES = {
    "not found": answers(b"HTTP/1.0 404 Not Found\r\n\r\n"),
    "wants a password": answers(b"HTTP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm=cam\r\n\r\n"),
    "forbidden": answers(b"HTTP/1.0 403 Forbidden\r\n\r\n"),
    "out of order": answers(b"HTTP/1.0 503 Service Unavailable\r\n\r\n"),
    "redirected to itself": answers(b"HTTP/1.0 302 Found\r\nLocation: /video\r\n\r\n"),
    "a page": answers(OK + b"text/html\r\n\r\n<html>" + b"<p>Please log in</p>" * 200 + b"</html>"),
    "nothing": answers(b""),
    "noise": answers(bytes(range(256)) * 40),
    "cut in a picture": answers(STREAM + b"Content-Length: %d\r\n\r\n" % len(JPEG) + JPEG[: len(JPEG) // 2]),
    "no end marker": answers(STREAM + b"\r\n" + JPEG[:-2] + b"\r\n--edge--\r\n"),
    "silent": answers(STREAM, hang=True),
    "an empty picture": answers(STREAM + b"Content-Length: 0\r\n\r\n\r\n--edge\r\n"),
}


def test_a_camera_that_fails_in_many_ways_is_opened_again_after_each(watched, monkeypatch, capfd):
    monkeypatch.setattr(camera_node, "REFUSED_RETRY_S", 0.1)
    monkeypatch.setattr(address, "TIMEOUT_S", 1.0)
    behaviours = [each for failure in FAILURES.values() for each in (failure, some_motion_jpeg)]
    served = []

    def serve(connection, there):
        served.append(None)
        (behaviours[len(served) - 1] if len(served) <= len(behaviours) else motion_jpeg)(connection, there)

    camera = NetworkCamera(serve)
    camera.unplug()  # as after a power cut: the robot is up before its camera
    try:
        watched.open(f"http://user:secret@127.0.0.1:{camera.port}/video?password=secret")
        watched.until_lost()
        camera.plug_in()
        watched.until(lambda: len(served) > len(behaviours), "it was opened again after each failure")
        watched.more_frames()
    finally:
        camera.unplug()
    assert len(watched.frames) > 3 * len(FAILURES)
    assert not watched.ended
    assert all("secret" not in status.message + str(status.values) for status in watched.health)
    assert "secret" not in "".join(capfd.readouterr())
    assert watched.node.get_parameter("source").value == f"http://***@127.0.0.1:{camera.port}/video?password=***"


def test_an_error_nobody_expected_does_not_end_a_camera(watched, monkeypatch):
    class Capture:
        """A device whose driver raises now and then."""

        def __init__(self, index):
            self._left = 5

        def isOpened(self):
            return True

        def read(self):
            self._left -= 1
            if not self._left:
                raise cv2.error("the driver says rtsp://user:secret@127.0.0.1 and fails")
            return True, PICTURE

        def release(self):
            pass

    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    watched.open("0")
    watched.until(lambda: len(watched.frames) > 20)
    assert not watched.ended


def test_a_device_is_opened_again_after_it_was_unplugged(watched, monkeypatch):
    there = threading.Event()
    there.set()

    class Capture:
        """A device as OpenCV shows it: gone, it neither opens nor reads."""

        def __init__(self, index):
            self._opened = there.is_set()

        def isOpened(self):
            return self._opened

        def read(self):
            self._opened = self._opened and there.is_set()
            there.wait(0.02)
            return (True, PICTURE) if self._opened else (False, None)

        def release(self):
            self._opened = False

    monkeypatch.setattr(cv2, "VideoCapture", Capture)
    watched.open("0")
    watched.more_frames()
    there.clear()
    watched.until_lost()
    assert "camera device 0" in watched.health[-1].message
    there.set()
    watched.more_frames()


def test_a_looped_folder_is_opened_again_after_it_was_missing(watched, tmp_path):
    folder, away = tmp_path / "pictures", tmp_path / "away"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.jpg").write_bytes(encode_jpeg(PICTURE))
    watched.open(folder, **{"camera.loop": True})
    watched.more_frames()
    folder.rename(away)
    watched.until_lost()
    away.rename(folder)
    watched.more_frames()


def test_the_end_of_a_recording_is_reported(watched, tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(encode_jpeg(PICTURE))
    watched.open(tmp_path)
    watched.until(
        lambda: (
            watched.health
            and watched.health[-1].level == b"\3"
            and "is over, after 3 frames" in watched.health[-1].message
        )
    )
    assert watched.ended == ["front"]
