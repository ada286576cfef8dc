"""Network cameras: motion JPEG untouched, and a sentence when nothing answers."""

import socket
import threading
from contextlib import contextmanager
from itertools import islice

import pytest

from facetrack_ros.core.frame import encode_jpeg
from facetrack_ros.core.orientation import upright
from facetrack_ros.core.pictures.decoding import decode
from facetrack_ros.errors import SourceError
from facetrack_ros.sources.address import AddressSource
from facetrack_ros.sources.factory import open_source

HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=edge\r\n\r\n"


@contextmanager
def serve(answer: bytes, then_hang: bool = False):
    """A server on this computer that answers every connection with the same bytes."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections = []

    def run():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            try:
                if answer:
                    connection.recv(4096)
                    connection.sendall(answer)
                if not then_hang:
                    connection.close()
            except OSError:
                continue

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in connections:
            connection.close()
        thread.join(5)


def stream_of(jpegs) -> bytes:
    return HEAD + b"".join(
        b"--edge\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(jpeg), jpeg) for jpeg in jpegs
    )


def test_motion_jpeg_over_http_comes_untouched_and_without_offsets(picture):
    jpegs = [encode_jpeg(picture(number)) for number in range(5)]
    with serve(stream_of(jpegs)) as host, open_source(f"http://{host}/video") as source:
        assert source.live
        pictures = list(islice(source, 5))
    assert [found.jpeg for found in pictures] == jpegs
    assert {found.offset_ns for found in pictures} == {None}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_motion_jpeg_over_http_is_shown_as_its_exif_says(picture, with_exif, orientation):
    jpegs = [with_exif(encode_jpeg(picture(number)), orientation, "big")[:-2] for number in range(5)]  # no end markers
    with serve(stream_of(jpegs)) as host, open_source(f"http://{host}/video") as source:
        (found, *_) = islice(source, 1)
    image, wanted = decode(found.to_jpeg()), upright(picture(0), orientation)
    assert image.shape == wanted.shape
    assert abs(image.astype(int) - wanted).mean() < 6


@pytest.mark.parametrize("then_hang", [False, True])
def test_a_camera_that_hangs_up_or_falls_silent_is_an_error(picture, then_hang):
    jpegs = [encode_jpeg(picture(number)) for number in range(5)]
    with serve(stream_of(jpegs), then_hang) as host:
        source = AddressSource(f"http://{host}/video", timeout_s=0.5)
        with pytest.raises(SourceError, match="stopped sending pictures"):
            list(source)
        source.close()


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_an_address_that_accepts_and_says_nothing_is_given_up(scheme, capfd):
    answer = r"did not answer with a video stream within 0\.5 s"
    with serve(b"", then_hang=True) as host, pytest.raises(SourceError, match=answer):
        AddressSource(f"{scheme}://{host}/video", timeout_s=0.5)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.0 404 Not Found\r\n\r\n", "not known to its host"),
        (b"HTTP/1.0 401 Unauthorized\r\n\r\n", "wants user and password"),
        (b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"hello\n" * 500, r"no video|did not answer"),
    ],
)
def test_an_answer_that_is_no_film_says_what_is_wrong(answer, says):
    with serve(answer) as host, pytest.raises(SourceError, match=says):
        AddressSource(f"http://{host}/video", timeout_s=2.0)


def test_a_closed_port_is_answered_at_once_and_the_password_is_masked():
    with pytest.raises(SourceError) as caught:
        open_source("rtsp://user:secret@127.0.0.1:9/video")
    assert "secret" not in str(caught.value)
    assert "user" not in str(caught.value)


def test_closing_ends_the_reading(picture):
    with serve(stream_of([encode_jpeg(picture(number)) for number in range(5)])) as host:
        source = AddressSource(f"http://{host}/video")
        seen = 0
        for _ in source:
            seen += 1
            source.close()
        source.close()
    assert seen == 1
