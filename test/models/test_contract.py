import json
from dataclasses import asdict, replace

import pytest

from facetrack_ros.errors import ModelError
from facetrack_ros.models.catalog import CATALOG, MOBILEFACENET
from facetrack_ros.models.contract import ModelContract, read_contract, require_identity_model, write_contract


@pytest.mark.parametrize("record", CATALOG, ids=lambda record: record.id)
def test_a_record_read_back_is_equal(record, tmp_path):
    assert read_contract(write_contract(record, tmp_path)) == record


def test_fields_with_a_default_may_be_missing():
    contract = ModelContract("own", "face", "yunet", "own.onnx", "a" * 64, 1, "MIT")
    fields = {name: value for name, value in asdict(contract).items() if value != getattr(ModelContract, name, None)}
    assert sorted(fields) == ["architecture", "file", "id", "licence", "sha256", "size", "task"]
    assert ModelContract.from_json(json.dumps(fields)) == contract


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id": "a/b"}, "id must be a name"),
        ({"id": ""}, "id must be"),
        ({"id": 5}, "id must be"),
        ({"task": "dance"}, "task must be one of person, face"),
        ({"file": "../x.onnx"}, "file must be"),
        ({"file": ".."}, "file must be"),
        ({"sha256": "XYZ"}, "64 lower-case hex"),
        ({"size": -1}, "size"),
        ({"size": True}, "size"),
        ({"urls": "https://x"}, "list of https"),
        ({"urls": ["http://x"]}, "list of https"),
        ({"mean": [1, 2]}, "three numbers"),
        ({"std": [0, 1, 1]}, "above 0"),
        ({"colour": "GREY"}, "BGR or RGB"),
        ({"threshold": 2}, "-1 to 1"),
        ({"threshold": float("nan")}, "-1 to 1"),
        ({"false_match_curve": [[0.2, 0.1], [0.1, 0.01]]}, "rising"),
        ({"false_match_curve": [[0.1, 0.01], [0.2, 0.1]]}, "falling"),
        ({"false_match_curve": [[0.1]]}, "pairs"),
        ({"purpose": "everything"}, "identity, appearance"),
        ({"modle": 1}, "unknown field modle"),
        ({"note": None}, "note must be a text"),
    ],
)
def test_an_invalid_record_is_an_error_with_file_and_field(change, told, tmp_path):
    fields = json.loads(json.dumps(asdict(MOBILEFACENET)))
    file = tmp_path / "own.contract.json"
    file.write_text(json.dumps({**fields, **change}))
    with pytest.raises(ModelError, match=told) as caught:
        read_contract(file)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"[]", "no JSON object"), (b"{", "no JSON"), (b"{}", "id is missing"), (b"\xff\xfe\x00", "cannot be read")],
)
def test_another_file_is_an_error(content, told, tmp_path):
    file = tmp_path / "own.contract.json"
    file.write_bytes(content)
    with pytest.raises(ModelError, match=told):
        read_contract(file)


def test_an_unwritable_folder_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelError, match="cannot be written"):
        write_contract(MOBILEFACENET, tmp_path / "file")


def test_an_identity_model_needs_a_threshold():
    with pytest.raises(ModelError, match="no similarity threshold"):
        require_identity_model(replace(MOBILEFACENET, threshold=0.0), False)
    require_identity_model(MOBILEFACENET, False)
