"""Bytes of a serial scanner become readings, however they are cut."""

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.ports.scanner import Fault, Reading, Scan, Spoiled
from drivers.scanner.framing import Framer, Framing, Suffix
from drivers.scanner.payload import MAX_DATA_BYTES

WIRE = st.lists(
    st.one_of(
        st.sampled_from([b"\r", b"\n", b"\r\n", b"\x03", b"\x02", b"]C1", b"\x1d"]),
        st.binary(max_size=12),
    ),
    max_size=30,
).map(b"".join)
ENDED = [suffix for suffix in Suffix if suffix is not Suffix.NONE]


def feed(framer: Framer, *pieces: bytes) -> list[Reading]:
    return [outcome for piece in pieces for outcome in framer.feed(piece, boot_ms=7)]


def scans(outcomes: list[Reading]) -> list[bytes]:
    return [outcome.data for outcome in outcomes if isinstance(outcome, Scan)]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


@pytest.mark.parametrize(
    ("wire", "suffix", "data", "aim"),
    [
        (b"6901\r", Suffix.AUTO, b"6901", None),
        (b"6901\n", Suffix.AUTO, b"6901", None),
        (b"6901\r\n", Suffix.AUTO, b"6901", None),
        (b"\x026901\x03", Suffix.AUTO, b"6901", None),
        (b"\x026901\r\x03", Suffix.ETX, b"6901", None),
        (b"]C10106\x1d10A\r", Suffix.AUTO, b"0106\x1d10A", "]C1"),
        (b"\x02]E06901\r", Suffix.CR, b"6901", "]E0"),
        (b"A\rB\nC\r\n", Suffix.CRLF, b"A\rB\nC", None),
        (b"A\nB\r\n", Suffix.CR, b"A\nB", None),
        (b"A\rB\n", Suffix.LF, b"A\rB", None),
        ("批次A1\r".encode("gb18030"), Suffix.AUTO, "批次A1".encode("gb18030"), None),
    ],
)
def test_a_frame_is_taken_out_of_its_wrapping(
    wire: bytes, suffix: Suffix, data: bytes, aim: str | None
) -> None:
    assert feed(Framer(Framing(suffix=suffix)), wire) == [Scan(data=data, aim=aim, boot_ms=7)]


@pytest.mark.parametrize("wire", [b"\r", b"\r\n", b"\n\n\r\x03", b"\x02\x03", b"]C1\r", b""])
def test_nothing_between_the_marks_is_no_scan(wire: bytes) -> None:
    assert feed(Framer(Framing()), wire, b"\r") == []


def test_crlf_cut_between_two_reads_gives_one_scan() -> None:
    assert scans(feed(Framer(Framing()), b"A\r", b"\nB\r", b"\n")) == [b"A", b"B"]


def test_a_line_feed_left_behind_the_return_does_not_spoil_the_next_code() -> None:
    framer = Framer(Framing(suffix=Suffix.CR))
    assert scans(feed(framer, b"A\r\n")) == [b"A"]
    assert framer.silence() == []
    assert scans(feed(framer, b"B\r")) == [b"B"]


def test_a_substitute_becomes_fnc1() -> None:
    framer = Framer(Framing(gs=b"^]"))
    assert scans(feed(framer, b"]C1A^]B^]\r")) == [b"A\x1dB\x1d"]


def test_four_kibibytes_pass_and_one_byte_more_drops_all_of_it() -> None:
    framer = Framer(Framing())
    assert scans(feed(framer, b"x" * MAX_DATA_BYTES + b"\r")) == [b"x" * MAX_DATA_BYTES]
    long = feed(framer, b"x" * (MAX_DATA_BYTES + 1) + b"\r", b"NEXT\r")
    assert long == [
        Spoiled(fault=Fault.OVERLONG, size=MAX_DATA_BYTES + 1),
        Scan(data=b"NEXT", boot_ms=7),
    ]


def test_an_endless_stream_is_held_in_bounded_memory_and_reported_once() -> None:
    framer = Framer(Framing())
    tracemalloc.start()
    for _ in range(100):
        assert feed(framer, b"y" * 1000) == []
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 50_000
    assert feed(framer, b"\rNEXT\r") == [
        Spoiled(fault=Fault.OVERLONG, size=100_000),
        Scan(data=b"NEXT", boot_ms=7),
    ]


def test_silence_inside_a_code_drops_head_and_tail() -> None:
    framer = Framer(Framing())
    assert feed(framer, b"1234") == []
    assert framer.silence() == []
    assert feed(framer, b"5678\r", b"NEXT\r") == [
        Spoiled(fault=Fault.GAP, size=8),
        Scan(data=b"NEXT", boot_ms=7),
    ]


def test_without_an_end_mark_silence_completes_with_the_time_of_the_last_byte() -> None:
    framer = Framer(Framing(suffix=Suffix.NONE))
    framer.feed(b"12", boot_ms=100)
    framer.feed(b"34", boot_ms=140)
    assert framer.silence() == [Scan(data=b"1234", boot_ms=140)]
    assert framer.silence() == []


@given(wire=WIRE, places=st.lists(st.integers(0, 400)), suffix=st.sampled_from(list(Suffix)))
def test_any_cut_into_reads_gives_the_same_readings(
    wire: bytes, places: list[int], suffix: Suffix
) -> None:
    whole = Framer(Framing(suffix=suffix))
    pieces = Framer(Framing(suffix=suffix))
    assert feed(pieces, *cut(wire, places)) == feed(whole, wire)
    assert pieces.silence() == whole.silence()


@given(wire=WIRE, places=st.lists(st.integers(0, 400)), suffix=st.sampled_from(ENDED))
def test_silence_anywhere_never_makes_a_code_that_was_not_sent(
    wire: bytes, places: list[int], suffix: Suffix
) -> None:
    sent = scans(feed(Framer(Framing(suffix=suffix)), wire))
    framer = Framer(Framing(suffix=suffix))
    got: list[bytes] = []
    for piece in cut(wire, places):
        got += scans(feed(framer, piece))
        got += scans(framer.silence())
    remaining = iter(sent)
    assert all(any(data == code for code in remaining) for data in got)


@given(wire=st.binary(max_size=400), suffix=st.sampled_from(list(Suffix)))
def test_no_reading_is_empty_or_keeps_a_mark_at_its_ends(wire: bytes, suffix: Suffix) -> None:
    framer = Framer(Framing(suffix=suffix))
    for data in scans(feed(framer, wire, b"\r\n\x03")):
        assert data
        assert len(data) <= MAX_DATA_BYTES
