"""Odd service requests are refused with a sentence, before any work is done."""

from types import SimpleNamespace

import pytest
from builtin_interfaces.msg import Duration, Time
from sensor_msgs.msg import CompressedImage

from facetrack_ros import srv
from facetrack_ros.errors import InvalidInput
from facetrack_ros.nodes.conversion import requests
from facetrack_ros.nodes.conversion.requests import (
    check_clip,
    check_enrolment,
    check_frames,
    check_people,
    check_search,
)

STAMP = Time(sec=1_700_000_000)
ESCAPE = "\x1b[2Jx"
LONG = "x" * 5000
NEGATIVE = Duration(sec=-1)
YEARS = Duration(sec=2_000_000_000)

CASES = [
    *(
        (check_search, srv.FaceSearch, {"person_id": "p_robot1_1", "time": STAMP}, change)
        for change in (
            {"time": Time(sec=-5)},
            {"timeout": NEGATIVE},
            {"timeout": YEARS},
            {"person_id": ESCAPE},
            {"name": LONG},
            {"file": "a\0b"},
            {"search_id": ESCAPE},
            {"search_id": LONG},
            {"search_id": "x" * 101},
            {"search_id": "two words"},
            {"model_id": ESCAPE},
            {"operating_point": ESCAPE},
            {"robots": ["robot1"] * 201},
            {"robots": [""]},
            {"cameras": [ESCAPE]},
        )
    ),
    *(
        (check_enrolment, srv.EnrollFace, {"name": "José 王", "sources": ["a.jpg"]}, change)
        for change in (
            {"name": ""},
            {"name": ESCAPE},
            {"name": "x" * 65},
            {"sources": [ESCAPE]},
            {"images": [CompressedImage()] * 201},
            {"faces": [1] * 201},
        )
    ),
    *(
        (check_frames, srv.GetFrames, {"camera_id": "front", "start": STAMP}, change)
        for change in ({"camera_id": ESCAPE}, {"start": Time(sec=-1)}, {"end": Time(sec=-1)}, {"tolerance": NEGATIVE})
    ),
    *(
        (check_clip, srv.SaveClip, {"start": STAMP, "end": STAMP}, change)
        for change in (
            {"start": Time(sec=-1)},
            {"end": Time(sec=-1)},
            {"before": NEGATIVE},
            {"after": NEGATIVE},
            {"track_id": "../x"},
            {"cameras": [ESCAPE]},
            {"cameras": ["front"] * 201},
            {"formats": ["mcap"] * 21},
            {"formats": [ESCAPE]},
            {"name": LONG},
        )
    ),
    (check_people, srv.ListPeople, {}, {"timeout": NEGATIVE}),
    (check_people, srv.ListPeople, {}, {"timeout": YEARS}),
]


@pytest.mark.parametrize(("check", "kind", "fields", "change"), CASES)
def test_it_is_refused_for_that_change_alone(check, kind, fields, change):
    check(kind.Request(**fields))
    with pytest.raises(InvalidInput) as refused:
        check(kind.Request(**{**fields, **change}))
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300


def test_pictures_are_bounded(monkeypatch):
    monkeypatch.setattr(requests, "MOST_PICTURE", 10)
    monkeypatch.setattr(requests, "MOST_PICTURES", 15)
    small, large = (SimpleNamespace(data=bytes(size)) for size in (10, 11))
    with pytest.raises(InvalidInput):
        check_search(SimpleNamespace(image=large))
    for images in ([large], [small, small]):
        with pytest.raises(InvalidInput):
            check_enrolment(SimpleNamespace(name="Ann", images=images, sources=[], faces=[]))
    said = {"operator_name": "", "reason": ""}
    check_enrolment(SimpleNamespace(name="Ann", images=[small], sources=[], faces=[], **said))
