"""One definition of every setting, and a sentence for every mistake."""

from pathlib import Path

import pytest
import yaml

from facetrack_ros.config import OPTIONS, Config
from facetrack_ros.errors import ConfigError

DEFAULT = Path(__file__).resolve().parent.parent / "config" / "default.yaml"


def test_the_default_file_is_the_defaults_word_for_word():
    assert dict(Config.load(DEFAULT).items()) == {option.name: option.default for option in OPTIONS}


def test_the_default_file_names_every_setting_and_describes_it():
    text = DEFAULT.read_text()
    for option in OPTIONS:
        assert option.description.split(":")[0].rstrip(".") in text, option.name


def test_every_default_is_allowed():
    for option in OPTIONS:
        assert option.check(option.default) == option.default


@pytest.mark.parametrize("content, told", [
    ("detector: {modle: auto}", "detector.modle"),
    ("detector: {min_score: high}", "detector.min_score"),
    ("detector: {min_score: 2.0}", "from 0 to 1"),
    ("event_logging: {format: xml}", "jsonl, csv"),
    ("models: {threads: true}", "models.threads"),
    ("- a list", "settings by name"),
    ("{broken", "no YAML"),
])
def test_a_mistake_names_file_key_and_what_is_allowed(tmp_path, content, told):
    file = tmp_path / "wrong.yaml"
    file.write_text(content)
    with pytest.raises(ConfigError) as error:
        Config.load(file)
    assert str(file) in str(error.value) and told in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="nothing.yaml"):
        Config.load(tmp_path / "nothing.yaml")


def test_a_ros_parameter_file_and_bare_keys_say_the_same(tmp_path):
    bare, ros = tmp_path / "bare.yaml", tmp_path / "ros.yaml"
    settings = {"tracking": {"exit_after_s": 3}}
    bare.write_text(yaml.safe_dump(settings))
    ros.write_text(yaml.safe_dump({"/**": {"ros__parameters": settings}}))
    assert dict(Config.load(bare).items()) == dict(Config.load(ros).items())
    assert Config.load(bare)["tracking.exit_after_s"] == 3.0
