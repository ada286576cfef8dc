"""Which transports Fast DDS is told to use."""

import pytest

from facetrack_ros.nodes.base.transports import (
    LOOPBACK,
    PROFILES,
    RANGE,
    TRANSPORTS,
    choose_transports,
    describe_transports,
)

FASTDDS = "rmw_fastrtps_cpp"
ON_LOOPBACK = dict.fromkeys(PROFILES, str(LOOPBACK)) | {RANGE: "SYSTEM_DEFAULT"}


@pytest.mark.parametrize(
    ("given", "chosen"),
    [
        ({}, {TRANSPORTS: "UDPv4"}),
        ({RANGE: "SUBNET"}, {RANGE: "SUBNET", TRANSPORTS: "UDPv4"}),
        ({RANGE: "LOCALHOST"}, ON_LOOPBACK),
        ({RANGE: "LOCALHOST", TRANSPORTS: "UDPv4"}, ON_LOOPBACK),
        ({**ON_LOOPBACK, RANGE: "LOCALHOST"}, ON_LOOPBACK),
        (ON_LOOPBACK, ON_LOOPBACK),
    ],
)
def test_shared_memory_is_off(tmp_path, given, chosen):
    environment = dict(given)
    choose_transports(environment, FASTDDS, False, tmp_path)
    assert environment == chosen


@pytest.mark.parametrize(
    "given",
    [
        {TRANSPORTS: "LARGE_DATA"},
        {RANGE: "LOCALHOST", TRANSPORTS: "DEFAULT"},
        {RANGE: "LOCALHOST", "ROS_STATIC_PEERS": "10.0.0.1"},
        {PROFILES[0]: "profiles.xml"},
        {RANGE: "LOCALHOST", PROFILES[1]: "profiles.xml"},
    ],
)
def test_what_the_environment_says_stays(tmp_path, given):
    environment = dict(given)
    choose_transports(environment, FASTDDS, False, tmp_path)
    assert environment == given


@pytest.mark.parametrize(("given", "chosen"), [({}, {}), ({RANGE: "LOCALHOST"}, ON_LOOPBACK)])
def test_a_process_with_images_keeps_its_transports_unless_on_this_machine_only(tmp_path, given, chosen):
    environment = dict(given)
    choose_transports(environment, FASTDDS, True, tmp_path)
    assert environment == chosen


@pytest.mark.parametrize("given", [{}, {RANGE: "LOCALHOST"}])
def test_a_profile_in_the_folder_and_another_middleware_stay(tmp_path, given):
    environment = dict(given)
    choose_transports(environment, "rmw_zenoh_cpp", False, tmp_path)
    (tmp_path / "DEFAULT_FASTDDS_PROFILES.xml").touch()
    choose_transports(environment, FASTDDS, False, tmp_path)
    assert environment == given


def test_what_was_chosen_is_described():
    assert describe_transports({TRANSPORTS: "UDPv4"}) == "UDPv4"
    assert describe_transports(ON_LOOPBACK) == "UDP on this machine only"
    assert describe_transports({PROFILES[1]: "my.xml"}) == "as my.xml says"
