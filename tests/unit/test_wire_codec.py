"""Whatever others send is a message or a `RemoteWireError`, and never more memory than bounded."""

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from sync.wire import codec, hlc
from sync.wire.catalog import ROW_TYPES
from sync.wire.errors import RemoteWireError
from sync.wire.events import KINDS
from sync.wire.messages import (
    MAX_BODY_BYTES,
    BatchAnswer,
    EnrolRequest,
    EventBatch,
    FeedAnswer,
    FeedQuestion,
    RowAnswer,
)

TYPES = (EventBatch, BatchAnswer, FeedQuestion, FeedAnswer, EnrolRequest, *ROW_TYPES.values())


@given(st.binary(max_size=2_000))
def test_a_frame_brings_back_its_bytes(data: bytes) -> None:
    assert codec.expand(codec.squeeze(data)) == data


@given(st.binary(max_size=300))
def test_any_bytes_are_a_frame_or_a_wire_error(data: bytes) -> None:
    try:
        codec.expand(data)
    except RemoteWireError:
        return


@given(st.binary(max_size=300), st.sampled_from(TYPES))
def test_any_bytes_are_a_message_or_a_wire_error(
    data: bytes, kind: type[EventBatch | BatchAnswer]
) -> None:
    for decode in (codec.unpack, codec.from_json):
        try:
            decode(kind, data)
        except RemoteWireError:
            continue


def test_a_bomb_is_refused_before_it_is_opened() -> None:
    bomb = codec.squeeze(bytes(MAX_BODY_BYTES + 1))
    assert len(bomb) < 2_000
    with pytest.raises(RemoteWireError, match="bound"):
        codec.expand(bomb)
    assert len(codec.expand(codec.squeeze(bytes(MAX_BODY_BYTES)))) == MAX_BODY_BYTES


def test_a_frame_that_hides_its_size_is_refused() -> None:
    hidden = zstandard.ZstdCompressor(write_content_size=False).compress(b"x" * 100)
    with pytest.raises(RemoteWireError, match="bound"):
        codec.expand(hidden)


@pytest.mark.parametrize("change", ["cut", "more", "two frames", "flipped"])
def test_a_frame_is_whole_and_alone(change: str) -> None:
    frame = codec.squeeze(b"some bytes that matter" * 9)
    bad = {
        "cut": frame[:-1],
        "more": frame + b"x",
        "two frames": frame + frame,
        "flipped": frame[:-6] + bytes((frame[-6] ^ 1,)) + frame[-5:],
    }[change]
    with pytest.raises(RemoteWireError):
        codec.expand(bad)


def test_a_wrong_shape_is_named_without_its_content() -> None:
    with pytest.raises(RemoteWireError, match="RowAnswer") as caught:
        codec.unpack(RowAnswer, codec.pack({"seq": "secret", "outcome": "accepted"}))
    assert "secret" not in str(caught.value)


def test_an_unknown_outcome_is_refused() -> None:
    with pytest.raises(RemoteWireError):
        codec.unpack(RowAnswer, codec.pack({"seq": 1, "outcome": "perhaps"}))


def test_kinds_and_row_types_have_one_name_each() -> None:
    assert len(set(KINDS.values())) == len(KINDS)
    assert len(set(ROW_TYPES.values())) == len(ROW_TYPES)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 2**47)), max_size=30))
def test_the_hybrid_clock_never_goes_back(steps: list[tuple[bool, int]]) -> None:
    last = 0
    for remote, value in steps:
        after = hlc.observe(last, value << 16, 1_000) if remote else hlc.tick(last, value)
        assert after > last
        last = after


def test_a_reading_from_far_ahead_is_not_followed() -> None:
    now_ms = 1_790_000_000_000
    far = (now_ms + hlc.MAX_AHEAD_MS + 1) << 16
    near = (now_ms + hlc.MAX_AHEAD_MS) << 16
    assert hlc.physical_ms(hlc.observe(0, far, now_ms)) == now_ms
    assert hlc.observe(0, near, now_ms) == near + 1
