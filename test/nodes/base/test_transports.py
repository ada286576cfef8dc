"""Which transports Fast DDS is told to use."""

import pytest

from facetrack_ros.nodes.base.transports import TRANSPORTS, choose_transports


def test_udp_is_the_default(tmp_path):
    environment = {}
    choose_transports(environment, tmp_path)
    assert environment == {TRANSPORTS: "UDPv4"}


@pytest.mark.parametrize(
    "environment",
    [
        {TRANSPORTS: "LARGE_DATA"},
        {"FASTDDS_DEFAULT_PROFILES_FILE": "profiles.xml"},
        {"FASTRTPS_DEFAULT_PROFILES_FILE": "profiles.xml"},
    ],
)
def test_what_the_environment_says_stays(tmp_path, environment):
    given = dict(environment)
    choose_transports(environment, tmp_path)
    assert environment == given


def test_a_profile_in_the_folder_stays(tmp_path):
    (tmp_path / "DEFAULT_FASTDDS_PROFILES.xml").touch()
    environment = {}
    choose_transports(environment, tmp_path)
    assert environment == {}
