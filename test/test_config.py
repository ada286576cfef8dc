"""One definition of every setting, and a sentence for every mistake."""

from pathlib import Path

import pytest
import yaml

from facetrack_ros.config import MESH_VARIABLE, OPTIONS, Config, default_mesh, mesh_name
from facetrack_ros.errors import ConfigError

FOLDER = Path(__file__).resolve().parent.parent / "config"
DEFAULT = FOLDER / "default.yaml"


def test_the_default_file_is_the_defaults_word_for_word():
    assert dict(Config.load(DEFAULT).items()) == {option.name: option.default for option in OPTIONS}


def test_the_default_file_names_every_setting_and_describes_it():
    text = DEFAULT.read_text()
    for option in OPTIONS:
        assert option.description.split(":")[0].rstrip(".") in text, option.name


def test_every_default_is_allowed():
    for option in OPTIONS:
        assert option.check(option.default) == option.default


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("detector: {modle: auto}", "detector.modle"),
        ("detector: {min_score: high}", "detector.min_score"),
        ("detector: {min_score: 2.0}", "from 0 to 1"),
        ("event_logging: {format: xml}", "jsonl, csv"),
        ("models: {threads: true}", "models.threads"),
        ("detector: {min_score: high}", "number from 0 to 1"),
        ("detector: {modle: auto}", "is detector.model meant?"),
        ("tracking: {camera_motion: off}", "in quotes"),
        ("sources: front=0", "list of texts"),
        ("{/**: {ros__parameters: {mesh: /a}}, /robot1/history: {ros__parameters: {mesh: /b}}}", "/robot1/history"),
        ("- a list", "settings by name"),
        ("{broken", "no YAML"),
    ],
)
def test_a_mistake_names_file_key_and_what_is_allowed(tmp_path, content, expected):
    file = tmp_path / "wrong.yaml"
    file.write_text(content)
    with pytest.raises(ConfigError) as error:
        Config.load(file)
    assert str(file) in str(error.value)
    assert expected in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nothing\.yaml"):
        Config.load(tmp_path / "nothing.yaml")


def test_a_ros_parameter_file_and_bare_keys_say_the_same(tmp_path):
    bare, ros = tmp_path / "bare.yaml", tmp_path / "ros.yaml"
    settings = {"tracking": {"exit_after_s": 3}}
    bare.write_text(yaml.safe_dump(settings))
    ros.write_text(yaml.safe_dump({"/**": {"ros__parameters": settings}}))
    assert dict(Config.load(bare).items()) == dict(Config.load(ros).items())
    assert Config.load(bare).tracking.exit_after_s == 3.0


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.yaml")), ids=lambda file: file.name)
def test_each_file_loads_and_says_what_its_settings_are_for(file):
    Config.load(file)
    lines = file.read_text().splitlines()
    assert lines[0].startswith("# ")
    assert "/**:" in lines
    assert "  ros__parameters:" in lines
    groups = [line for line in lines if line.startswith("    ") and not line.startswith("     ") and line.endswith(":")]
    assert len(groups) >= 5, "settings are grouped"


def test_what_the_files_are_for():
    small, nvidia, replay = (Config.load(FOLDER / f"{name}.yaml") for name in ("small_machine", "nvidia", "replay"))
    assert small.frame_history.memory_buffer_size == 150
    assert small.embedder.model.endswith("_int8")
    assert small.battery.stop_faces_below > Config().battery.stop_faces_below
    assert nvidia.detector.model.endswith(".engine")
    assert nvidia.face_tracking.device == "cuda"
    assert replay.use_sim_time
    assert not replay.camera.loop
    assert replay.frame_history.mode == "off"


def test_the_keys_of_the_first_design_have_their_place():
    names = {option.name for option in OPTIONS}
    for group, keys in {
        "frame_history": "memory_buffer_size save_on_alert disk_cache_dir max_disk_frames compression",
        "face_tracking": "enabled embedding_dim device",
        "event_logging": "dir format enabled",
        "backtrack_search": "similarity_threshold search_window_sec max_results",
    }.items():
        assert {f"{group}.{key}" for key in keys.split()} <= names


def test_settings_that_change_and_cameras_of_the_file(tmp_path):
    file = tmp_path / "cameras.yaml"
    file.write_text("sources: [front=0, rear=clip.mp4]\nmesh: /here\n")
    config = Config.load(file).changed({"data_dir": "/data"})
    assert config.sources == ("front=0", "rear=clip.mp4")
    assert (config.mesh, config.data_dir) == ("/here", "/data")


@pytest.mark.parametrize("prefix", ["/floor2", "/site/floor2/", "floor2", "/", "", "/2nd", "/a b"])
def test_a_mesh_is_the_absolute_name_of_a_topic(prefix):
    if prefix in ("/floor2", "/site/floor2/"):
        assert mesh_name(prefix) == prefix.rstrip("/")
    else:
        with pytest.raises(ConfigError, match="mesh"):
            mesh_name(prefix)


def test_the_mesh_of_the_environment_goes_before_that_of_a_file(monkeypatch):
    monkeypatch.delenv(MESH_VARIABLE, raising=False)
    assert default_mesh() == "/facetrack"
    assert default_mesh("/floor2") == "/floor2"
    monkeypatch.setenv(MESH_VARIABLE, "/floor3")
    assert default_mesh("/floor2") == "/floor3"
