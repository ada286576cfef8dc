"""Serialized messages that claim longer lists than they hold are refused before room is made for them."""

import contextlib
import resource
import struct

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from mutations import Mutator
from plausible import Plausible
from rclpy.serialization import deserialize_message, serialize_message

from facetrack_ros import msg
from facetrack_ros.errors import InvalidInput
from facetrack_ros.nodes.base import serialized_size
from facetrack_ros.nodes.base.serialized_size import check_size, needs_check, size_checked

LISTS = (
    (msg.HistoryStatus, "cameras", msg.CameraStatus),
    (msg.PeopleResult, "gallery", msg.GalleryEntry),
    (msg.PeopleResult, "verdicts", msg.PersonVerdict),
    (msg.FleetRequest, "missing", str),
    (msg.Tracks, "tracks", msg.Track),
    (msg.FaceSearchResult, "matches", msg.FaceMatch),
    (msg.FaceSearchRequest, "robots", str),
)


def claiming(kind, field, element, count, data):
    """A message whose list says it has ``count`` elements."""
    none, one = serialize_message(kind()), serialize_message(kind(**{field: [element()]}))
    rows = range(4, len(none), 4)
    at = next(row for row in rows if none[row : row + 4] == bytes(4) and one[row : row + 4] == struct.pack("<I", 1))
    return none[:at] + struct.pack("<I", count) + data


@pytest.mark.parametrize(("kind", "field", "element"), LISTS)
def test_a_claim_of_more_elements_than_there_is_room_for_is_refused(kind, field, element):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for count in (900_000, 2**31 - 1, 2**32 - 1):
        with pytest.raises(InvalidInput):
            check_size(claiming(kind, field, element, count, bytes(900_000)), kind)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


def test_only_types_with_lists_of_messages_or_texts_are_checked():
    assert needs_check(msg.HistoryStatus)
    assert needs_check(msg.FleetRequest)
    assert not needs_check(msg.GalleryEntry)
    assert not needs_check(msg.PersonTemplate)


def test_honest_messages_pass_at_every_length(monkeypatch):
    monkeypatch.setattr(serialized_size, "UNCHECKED_BYTES", 0)
    mutator, plausible = Mutator(1), Plausible(b"jpeg", 1)
    kinds = [kind for kind in vars(msg).values() if isinstance(kind, type) and needs_check(kind)]
    assert len(kinds) > 8
    for _ in range(40):
        for kind in kinds:
            data = serialize_message(mutator.changed(plausible.message(kind)))
            if len(data) < serialized_size.MOST_BYTES:
                assert check_size(data, kind) is data


def test_a_callback_gets_the_message_as_from_rclpy():
    refused, got = [], []

    class Node:
        class inbox:
            @staticmethod
            def refuse(*what):
                refused.append(what)

    data = serialize_message(msg.HistoryStatus(robot_id="robot1"))
    size_checked(Node, msg.HistoryStatus, lambda message: got.append(message.robot_id))(data, {})
    size_checked(Node, msg.HistoryStatus, lambda message, info: got.append(info))(data, {"source": 1})
    assert got == ["robot1", {"source": 1}]
    size_checked(Node, msg.HistoryStatus, got.append)(data[:9], {})
    size_checked(Node, msg.HistoryStatus, got.append)(bytes(2_000_000), {})
    assert [what[3] for what in refused] == ["bytes", "bytes"]
    assert len(got) == 2


def test_a_damaged_message_is_refused_or_read(monkeypatch):
    monkeypatch.setattr(serialized_size, "UNCHECKED_BYTES", 0)
    mutator, plausible = Mutator(2), Plausible(b"jpeg", 2)
    for _ in range(500):
        data = mutator.damaged(serialize_message(plausible.message(msg.PeopleResult)))
        try:
            check_size(data, msg.PeopleResult)
        except InvalidInput:
            continue
        with contextlib.suppress(RuntimeError):  # the middleware refuses it, without having made room
            deserialize_message(data, msg.PeopleResult)
