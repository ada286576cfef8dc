"""Signed messages: each byte and field counts; each message is admitted once."""

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facetrack_ros.errors import InvalidInput
from facetrack_ros.security.keys import Identity
from facetrack_ros.security.signing import WINDOW_NS, ReplayGuard, canonical, sign, verify

FIELDS = {
    "id": "r1",
    "operator": "alice",
    "robots": ["robot1", "robot2"],
    "body": b'{"person": "p_robot1_3"}',
    "issued": {"sec": 1_700_000_000, "nanosec": 5},
    "similarity": 0.5,
    "dry_run": True,
    "nothing": "",
}
NOW_NS = 1_700_000_000 * 10**9

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
values = st.recursive(
    text | st.binary() | st.integers() | st.booleans() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=8,
)
messages = st.dictionaries(text, values, max_size=5)


def test_a_change_of_any_field_is_found():
    alice = Identity.new("alice")
    signature = sign(alice, "request", FIELDS)
    assert verify(alice.public, "request", FIELDS, signature)
    changes = {
        "id": "r2",
        "operator": "bob",
        "robots": ["robot1robot2"],
        "body": b'{"person": "p_robot1_4"}',
        "issued": {"sec": 1_700_000_000, "nanosec": 6},
        "similarity": 0.25,
        "dry_run": False,
        "nothing": "something",
    }
    assert set(changes) == set(FIELDS)
    for name, value in changes.items():
        assert not verify(alice.public, "request", {**FIELDS, name: value}, signature), name
        if name != "nothing":
            assert not verify(alice.public, "request", {**FIELDS, name: None}, signature), name
    assert not verify(alice.public, "receipt", FIELDS, signature)
    assert not verify(alice.public, "request", {**FIELDS, "more": 1}, signature)


def test_a_change_of_any_byte_of_message_or_signature_is_found():
    alice = Identity.new("alice")
    data, signature = canonical("request", FIELDS), sign(alice, "request", FIELDS)
    for index in range(len(data)):
        changed = bytearray(data)
        changed[index] ^= 1 << index % 8
        assert not alice.public.verify(signature, bytes(changed)), index
    for index in range(len(signature)):
        for bit in range(8):
            changed = bytearray(signature)
            changed[index] ^= 1 << bit
            assert not alice.public.verify(bytes(changed), data), (index, bit)


def test_texts_and_lists_do_not_run_into_each_other():
    assert canonical("k", {"a": "bc"}) != canonical("k", {"ab": "c"})
    assert canonical("k", {"a": ["b", "c"]}) != canonical("k", {"a": ["bc"]})
    assert canonical("k", {"a": [["b"], "c"]}) != canonical("k", {"a": [["b", "c"]]})
    assert canonical("ka", {}) != canonical("k", {"a": ""})
    assert canonical("k", {"a": "1"}) != canonical("k", {"a": b"1"}) != canonical("k", {"a": 1})


def test_order_and_new_empty_fields_change_nothing():
    turned = dict(reversed(FIELDS.items()))
    later = {**turned, "added": 0, "list": [], "message": {"text": "", "number": 0.0}}
    assert canonical("request", later) == canonical("request", FIELDS)


@given(messages)
def test_a_message_can_be_read_from_its_bytes(message):
    """So no two messages have the same bytes, but for fields that are left out."""
    data = canonical("kind", message)
    assert data.startswith(b"facetrack signed 1\n")
    kind, at = read_value(data, len(b"facetrack signed 1\n"))
    fields, end = read_fields(data, at)
    assert (kind, end) == ("kind", len(data))
    assert repr(fields) == repr(kept(message))


def read_value(data: bytes, at: int):
    letter, (length,) = data[at : at + 1], struct.unpack_from(">Q", data, at + 1)
    if letter == b"m":
        return read_fields(data, at + 1)
    at += 9
    if letter == b"l":
        found = []
        for _ in range(length):
            value, at = read_value(data, at)
            found.append(value)
        return found, at
    content = data[at : at + length]
    read = {b"s": bytes.decode, b"b": bytes, b"i": int, b"f": lambda content: struct.unpack(">d", content)[0]}
    return read[letter](content), at + length


def read_fields(data: bytes, at: int):
    (number,) = struct.unpack_from(">Q", data, at)
    at, fields = at + 8, {}
    for _ in range(number):
        name, at = read_value(data, at)
        fields[name], at = read_value(data, at)
    return fields, at


def kept(value):
    """A message without fields that say nothing, in order."""
    if isinstance(value, dict):
        found = {name: kept(each) for name, each in sorted(value.items(), key=lambda item: item[0].encode())}
        return {name: each for name, each in found.items() if each or each != each}
    if isinstance(value, list):
        return [kept(each) for each in value]
    return int(value) if isinstance(value, bool) else value


def test_what_cannot_be_signed_raises():
    with pytest.raises(TypeError):
        canonical("k", {"a": object()})


class TestReplayGuard:
    def test_a_message_is_admitted_once(self):
        guard = ReplayGuard()
        guard.admit("alice", b"1" * 16, NOW_NS, NOW_NS)
        with pytest.raises(InvalidInput, match="before"):
            guard.admit("alice", b"1" * 16, NOW_NS, NOW_NS + 10**9)
        guard.admit("alice", b"2" * 16, NOW_NS, NOW_NS)
        guard.admit("bob", b"1" * 16, NOW_NS, NOW_NS)

    @pytest.mark.parametrize("issued_ns", [NOW_NS - WINDOW_NS - 1, NOW_NS + WINDOW_NS + 1, 0, -(2**63), 2**63])
    def test_outside_of_the_window(self, issued_ns):
        with pytest.raises(InvalidInput):
            ReplayGuard().admit("alice", b"1" * 16, issued_ns, NOW_NS)

    @pytest.mark.parametrize("nonce", [b"", b"1" * 15, b"1" * 17, bytes(16)])
    def test_a_number_of_another_length_or_none(self, nonce):
        with pytest.raises(InvalidInput):
            ReplayGuard().admit("alice", nonce, NOW_NS, NOW_NS)

    def test_a_message_never_comes_in_twice_at_any_later_time(self):
        guard, draw, sent = ReplayGuard(), random.Random(1), []
        for number in range(2000):
            nonce, now_ns = draw.randbytes(16), NOW_NS + number * 10**9 // 2
            issued_ns = now_ns + draw.randint(-WINDOW_NS, WINDOW_NS)
            guard.admit("alice", nonce, issued_ns, now_ns)
            for older_nonce, older_issued_ns in draw.sample(sent, min(3, len(sent))):
                with pytest.raises(InvalidInput):
                    guard.admit("alice", older_nonce, older_issued_ns, now_ns)
            sent.append((nonce, issued_ns))
        assert len(sent) > 1000
        assert len(guard) < len(sent)

    def test_a_clock_set_back_lets_nothing_in_again(self):
        guard = ReplayGuard()
        guard.admit("alice", b"1" * 16, NOW_NS, NOW_NS)
        guard.admit("alice", b"2" * 16, NOW_NS + 3 * WINDOW_NS, NOW_NS + 3 * WINDOW_NS)
        with pytest.raises(InvalidInput, match="before"):
            guard.admit("alice", b"1" * 16, NOW_NS, NOW_NS)

    def test_memory_is_bounded_and_freed(self):
        guard = ReplayGuard(most=100)
        for number in range(100):
            guard.admit("alice", number.to_bytes(15) + b"x", NOW_NS, NOW_NS)
        with pytest.raises(InvalidInput, match="more than"):
            guard.admit("alice", b"y" * 16, NOW_NS, NOW_NS)
        guard.admit("bob", b"y" * 16, NOW_NS, NOW_NS)
        later_ns = NOW_NS + 2 * WINDOW_NS + 1
        guard.admit("alice", b"y" * 16, later_ns, later_ns)
        assert len(guard) == 2
