"""What printers answer is told apart whatever stands around it."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.ports.printer import Trouble
from drivers.printer.answers import (
    AnswerParser,
    Automatic,
    InOrder,
    ProcessId,
    RealTime,
    is_real_time,
    trouble_of,
)


def parsed(data: bytes) -> list[object]:
    return list(AnswerParser().feed(data))


@pytest.mark.parametrize(
    ("data", "answers"),
    [
        (b"\x12", [RealTime(value=0x12)]),
        (b"\x72", [RealTime(value=0x72)]),
        (b"\x00", [InOrder(paper_out=False, paper_low=False)]),
        (b"\x0f", [InOrder(paper_out=True, paper_low=True)]),
        (b"\x37\x22AB12\x00", [ProcessId(ident=b"AB12")]),
        (b"\x10\x00\x00\x0f", [Automatic(trouble=None, paper_low=False)]),
        (b"\x18\x00\x0c\x0f", [Automatic(trouble=Trouble.PAPER_OUT, paper_low=False)]),
        (b"\x38\x00\x03\x0f", [Automatic(trouble=Trouble.COVER_OPEN, paper_low=True)]),
        (b"\x18\x08\x00\x0f", [Automatic(trouble=Trouble.CUTTER, paper_low=False)]),
        (b"\x18\x40\x00\x0f", [Automatic(trouble=Trouble.OFFLINE, paper_low=False)]),
        (b"\x11\x13\xff\x80", []),
        (b"\x10\x00\x12", [RealTime(value=0x12)]),
        (b"\x37\x22A\x12\x12", [RealTime(value=0x12), RealTime(value=0x12)]),
        (b"\x37\x37\x222222\x00", [ProcessId(ident=b"2222")]),
    ],
)
def test_kinds_are_told_apart_by_their_fixed_bits(data: bytes, answers: list[object]) -> None:
    assert parsed(data) == answers


@given(data=st.binary(max_size=80), cuts=st.lists(st.integers(0, 80), max_size=6))
def test_pieces_of_any_bytes_mean_the_same_as_the_whole_and_nothing_raises(
    data: bytes, cuts: list[int]
) -> None:
    parser = AnswerParser()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in itertools.pairwise(edges)]
    assert [answer for piece in pieces for answer in parser.feed(piece)] == parsed(data)


@given(noise=st.binary(max_size=40), ident=st.binary(min_size=4, max_size=4))
def test_only_a_whole_frame_with_printable_bytes_is_a_process_id(
    noise: bytes, ident: bytes
) -> None:
    found = parsed(noise + b"\x37\x22" + ident + b"\x00")
    printable = all(0x20 <= byte <= 0x7E for byte in ident)
    if printable and not set(noise) & {*range(0x10, 0x80)}:
        assert found[-1] == ProcessId(ident=ident)
    if not printable:
        assert ProcessId(ident=ident) not in found


@given(byte=st.integers(0, 255))
def test_a_real_time_answer_has_its_four_fixed_bits(byte: int) -> None:
    bits = f"{byte:08b}"
    fixed = (bits[0], bits[3], bits[6], bits[7]) == ("0", "1", "1", "0")
    assert is_real_time(byte) is fixed
    assert (parsed(bytes((byte,))) == [RealTime(value=byte)]) is fixed


def test_an_unfinished_frame_can_be_forgotten() -> None:
    parser = AnswerParser()
    assert parser.feed(b"\x37\x22AB") == []
    parser.forget()
    assert parser.feed(b"\x12") == [RealTime(value=0x12)]


@pytest.mark.parametrize(
    ("offline_cause", "error_cause", "paper", "trouble"),
    [
        (0x12, 0x12, 0x12, None),
        (0x12, 0x12, 0x1E, None),
        (0x32, 0x12, 0x12, Trouble.PAPER_OUT),
        (0x12, 0x12, 0x72, Trouble.PAPER_OUT),
        (0x16, 0x12, 0x12, Trouble.COVER_OPEN),
        (0x36, 0x12, 0x72, Trouble.PAPER_OUT),
        (0x52, 0x1A, 0x12, Trouble.CUTTER),
        (0x52, 0x12, 0x12, Trouble.OFFLINE),
        (0x12, 0x32, 0x12, Trouble.OFFLINE),
    ],
)
def test_the_reason_a_person_can_mend_comes_first(
    offline_cause: int, error_cause: int, paper: int, trouble: Trouble | None
) -> None:
    found = trouble_of(offline_cause=offline_cause, error_cause=error_cause, paper=paper)
    assert found is trouble
