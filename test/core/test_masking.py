"""No form of an address shows its password once it is masked."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from facetrack_ros.core.masking import mask_address, mask_camera, mask_passwords

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("rtsp://10.0.0.5:554/Streaming/Channels/101", "rtsp://10.0.0.5:554/Streaming/Channels/101"),
        ("http://cam.local:8080/video?channel=1&subtype=0", "http://cam.local:8080/video?channel=1&subtype=0"),
        ("rtsp://10.0.0.5/h264Preview_01_main", "rtsp://10.0.0.5/h264Preview_01_main"),
        ("rtsp://admin:hunter2@10.0.0.5/live", "rtsp://***@10.0.0.5/live"),
        ("rtsp://hunter2@10.0.0.5/live", "rtsp://***@10.0.0.5/live"),
        ("rtsp://admin:p@hunter2@10.0.0.5/live", "rtsp://***@10.0.0.5/live"),
        ("rtsp://admin:hunter2/p@10.0.0.5/live", "rtsp://***@10.0.0.5/live"),
        ("rtsp://admin:p@hunter2/x@10.0.0.5/live", "rtsp://***@10.0.0.5/live"),
        ("rtsp://admin:1/hunter2@10.0.0.5/live", "rtsp://***@10.0.0.5/live"),
        ("rtsp://admin:hunter2#1@10.0.0.5/live", "rtsp://***@10.0.0.5/live"),
        ("rtsp://admin:hunter2?1@10.0.0.5/live", "rtsp://***@10.0.0.5/live"),
        ("rtsp://admin:my hunter2 is long@10.0.0.5/live", "rtsp://***@10.0.0.5/live"),
        ("rtsp://admin:%68unter2@[fe80::1]:554/live", "rtsp://***@[fe80::1]:554/live"),
        ("http://10.0.0.5/snapshot@2x.mjpg", "http://10.0.0.5/snapshot@2x.mjpg"),
        ("http://10.0.0.5/video?password=hunter2", "http://10.0.0.5/video?password=***"),
        ("http://10.0.0.5/video?user=admin&pwd=hunter2&channel=2", "http://10.0.0.5/video?user=***&pwd=***&channel=2"),
        ("http://10.0.0.5/video?PWD=hunter2;stream=1", "http://10.0.0.5/video?PWD=***;stream=1"),
        ("http://10.0.0.5/video?token=hunter2#x", "http://10.0.0.5/video?token=***"),
        ("http://10.0.0.5/video?access_token=hunter2", "http://10.0.0.5/video?access_token=***"),
        ("http://10.0.0.5/video?loginuse=admin&loginpas=hunter2", "http://10.0.0.5/video?loginuse=***&loginpas=***"),
        ("http://10.0.0.5/video?password=a&hunter2", "http://10.0.0.5/video?password=***"),
        ("http://10.0.0.5/video?password=a&b=hunter2", "http://10.0.0.5/video?password=***"),
        ("http://10.0.0.5/video?password=a/b?hunter2&fps=5", "http://10.0.0.5/video?password=***&fps=5"),
        ("http://10.0.0.5/video?strange=hunter2", "http://10.0.0.5/video?strange=***"),
        ("http://10.0.0.5/video?channel=1&strange=hunter2", "http://10.0.0.5/video?channel=1&strange=***"),
        ("http://10.0.0.5/video?hunter2", "http://10.0.0.5/video?***"),
        ("http://10.0.0.5/video?to=http%3A%2F%2Fa%3Ahunter2%40h", "http://10.0.0.5/video?to=***"),
        (
            "rtsp://10.0.0.5:554/user=admin_password=hunter2_channel=1_stream=0.sdp",
            "rtsp://10.0.0.5:554/user=***_password=***_channel=1_stream=0.sdp",
        ),
        (
            "rtsp://10.0.0.5/user=admin_password=x_hunter2_channel=1_stream=0.sdp?real_stream",
            "rtsp://10.0.0.5/user=***_password=***_channel=1_stream=***",
        ),
        (
            "rtsp://10.0.0.5/user=admin&password=a/hunter2&channel=1&stream=0.sdp",
            "rtsp://10.0.0.5/user=***&password=***&channel=1&stream=0.sdp",
        ),
        ("rtsps://10.0.0.1:7441/kJ3hunter2k2lsdfQ9a?enableSrtp", "rtsps://10.0.0.1:7441/***?enableSrtp"),
        ("rtsp:/admin:hunter2@10.0.0.5/live", "***@10.0.0.5/live"),
        ("admin:hunter2@10.0.0.5/live", "***@10.0.0.5/live"),
        ("10.0.0.5/video?password=hunter2", "10.0.0.5/video?password=***"),
    ],
)
def test_addresses(address, masked):
    assert mask_address(address) == masked
    assert mask_camera(f"front={address}") == f"front={masked}"
    assert SECRET not in mask_passwords(f"[Errno 111] Connection refused: '{address}'") or " " in address
    assert mask_address(masked) == masked, "masking twice changes nothing"


@pytest.mark.parametrize(
    "text",
    [
        "clip: the 2nd.mp4 is over, after 12 frames",
        "bag:/data/run 3/night.mcap:/robot1/front/image/compressed",
        "front=/data/a=b/clip #3?.mp4",
        "2026-05-01T14:30:00 to 14:31:00 at max@example.org",
        "camera device 0 stopped giving pictures",
    ],
)
def test_other_texts_stay_as_they_are(text):
    assert mask_passwords(text) == text


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="Linux only")
def test_other_users_see_no_password_in_the_command_line():
    code = (
        "import sys; from facetrack_ros.core.masking import mask_command_line; "
        "mask_command_line(); print(sys.argv[1:], flush=True); sys.stdin.read()"
    )
    camera = "front=rtsp://admin:my hunter2@10.0.0.5/live"
    arguments = ["--camera", camera, "-p", "source:=http://h/v?pwd=hunter2", "end"]
    command = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert ast.literal_eval(process.stdout.readline()) == arguments, "the process itself sees all"
        shown = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
        process.stdin.close()
    assert shown[-6:-4] == [b"--camera", b"front=rtsp://***@10.0.0.5/live".ljust(len(camera))]
    assert shown[-2:] == [b"end", b""]
    assert SECRET.encode() not in b" ".join(shown)
