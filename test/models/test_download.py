import hashlib
import http.server
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from facetrack_ros.errors import ModelError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.models.download import Network, download

CONTENT = bytes(range(256)) * 1000
CONTRACT = ModelContract("tiny", "face", "yunet", "tiny.onnx", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), "MIT")


@pytest.fixture(autouse=True)
def downloads(monkeypatch, no_network_no_cache):
    monkeypatch.setenv("FACETRACK_DOWNLOAD", "1")
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def silent():
    """A server that accepts and never says a word; gives its address and the connections it took."""
    server = socket.create_server(("127.0.0.1", 0))
    taken = []

    def accept():
        try:
            while True:
                taken.append(server.accept()[0])
        except OSError:
            return

    threading.Thread(target=accept, daemon=True).start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}/tiny.onnx", taken
    server.close()
    for connection in taken:
        connection.close()


@pytest.fixture
def serving():
    """A function that serves bytes (or a status) and gives the address; ``asked`` has the ranges asked for."""
    servers, asked = [], []

    def serve(content=b"", status=200, resumes=True, at_most=None):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.headers.get("Range"))
                start = int(asked[-1][len("bytes=") : -1]) if asked[-1] and resumes else 0
                self.send_response(206 if start else status)
                self.end_headers()
                self.wfile.write(content[start:][:at_most])

            def log_message(self, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/tiny.onnx"

    serve.asked = asked
    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def files(folder):
    """Names of the files in a folder, without the lock file."""
    return [path.name for path in folder.iterdir() if path.name != ".download.lock"]


def test_a_pinned_model_is_downloaded_with_progress(serving, tmp_path):
    told = []
    contract = replace(CONTRACT, urls=(serving(CONTENT),))
    path = download(contract, tmp_path / "new", lambda *step: told.append(step), Network())
    assert path.read_bytes() == CONTENT
    assert files(path.parent) == ["tiny.onnx"]
    assert told[-1] == (len(CONTENT), len(CONTENT))


@pytest.mark.parametrize("content", [b"x" * len(CONTENT), CONTENT + b"x"])
def test_the_wrong_file_is_rejected_and_removed(serving, tmp_path, content):
    with pytest.raises(ModelError):
        download(replace(CONTRACT, urls=(serving(content),)), tmp_path, network=Network())
    assert files(tmp_path) == []


@pytest.mark.parametrize("resumes", [True, False])
def test_an_interrupted_download_is_resumed_where_the_server_can(serving, tmp_path, resumes):
    cut, whole = serving(CONTENT, at_most=100_000), serving(CONTENT, resumes=resumes)
    with pytest.raises(ModelError, match="broke off after 100000 of 256000"):
        download(replace(CONTRACT, urls=(cut,)), tmp_path, network=Network())
    assert not (tmp_path / "tiny.onnx").exists()
    path = download(replace(CONTRACT, urls=(whole,)), tmp_path, network=Network())
    assert path.read_bytes() == CONTENT
    assert files(tmp_path) == ["tiny.onnx"]
    assert serving.asked == [None, "bytes=100000-"]


def test_a_download_resumed_onto_another_file_is_rejected_and_removed(serving, tmp_path):
    with pytest.raises(ModelError, match="broke off"):
        download(replace(CONTRACT, urls=(serving(b"x" * 1000),)), tmp_path, network=Network())
    with pytest.raises(ModelError, match="it is not used"):
        download(replace(CONTRACT, urls=(serving(CONTENT),)), tmp_path, network=Network())
    assert files(tmp_path) == []


def test_the_next_address_is_tried_after_a_failure(serving, tmp_path):
    contract = replace(CONTRACT, urls=(serving(status=404), serving(CONTENT)))
    assert download(contract, tmp_path, network=Network()).read_bytes() == CONTENT


def test_concurrent_downloads_of_one_model_fetch_it_once(serving, tmp_path):
    contract = replace(CONTRACT, urls=(serving(CONTENT),))
    with ThreadPoolExecutor(4) as pool:
        paths = list(pool.map(lambda _: download(contract, tmp_path, network=Network()), range(4)))
    assert {path.read_bytes() for path in paths} == {CONTENT}
    assert len(serving.asked) == 1
    assert files(tmp_path) == ["tiny.onnx"]


def test_a_hanging_server_is_contacted_once_in_a_process(silent, tmp_path):
    url, taken = silent
    network = Network(answer_s=0.3)
    for _ in range(3):
        with pytest.raises(ModelError, match=r"no network.*did not answer within 0.3 s"):
            download(replace(CONTRACT, urls=(url,)), tmp_path, network=network)
    assert len(taken) <= 1
    assert files(tmp_path) == []


def test_a_refused_connection_is_remembered(tmp_path, serving):
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = f"http://127.0.0.1:{server.getsockname()[1]}/tiny.onnx"
    network = Network()
    with pytest.raises(ModelError, match="cannot be reached"):
        download(replace(CONTRACT, urls=(closed,)), tmp_path, network=network)
    with pytest.raises(ModelError, match="no network"):
        download(replace(CONTRACT, urls=(serving(CONTENT),)), tmp_path, network=network)


def test_a_missing_page_does_not_count_as_a_missing_network(serving, tmp_path):
    network = Network()
    with pytest.raises(ModelError, match="HTTP 404"):
        download(replace(CONTRACT, urls=(serving(status=404),)), tmp_path, network=network)
    assert download(replace(CONTRACT, urls=(serving(CONTENT),)), tmp_path, network=network).is_file()


def test_downloads_can_be_forbidden(tmp_path, monkeypatch, silent):
    monkeypatch.setenv("FACETRACK_DOWNLOAD", "0")
    with pytest.raises(ModelError, match="FACETRACK_DOWNLOAD=0"):
        download(replace(CONTRACT, urls=(silent[0],)), tmp_path, network=Network())
    assert not silent[1]


def test_an_unwritable_folder_is_an_error(serving, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ModelError, match="cannot be stored"):
        download(replace(CONTRACT, urls=(serving(CONTENT),)), tmp_path / "file", network=Network())
