"""Whatever is printed: the virtual printer knows every command, and no data acts in real time."""

import itertools
from dataclasses import replace
from typing import cast

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pictures

from drivers.ports.document import (
    Align,
    Block,
    Code,
    CodeKind,
    Document,
    Feed,
    Mark,
    Row,
    Rule,
    Text,
)
from drivers.printer import escpos, native
from drivers.printer.encode import Profile, commands
from drivers.raster import draw
from drivers.sim.escpos import Command, CommandReader, RealTimeScanner, Unknown
from drivers.sim.paper import Paper

WIDTHS = st.sampled_from([384, 576])
WORDS = st.text(
    st.characters(max_codepoint=0x9FFF, exclude_categories=("Cs", "Cc", "Mn", "Me")), max_size=40
) | st.text(st.sampled_from("取货单牛奶蓝莓￥¥×·，。ab 12(){}"), max_size=40)
ASCII = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=30)
BLOCKS: st.SearchStrategy[Block] = st.one_of(
    st.builds(
        Text,
        text=WORDS,
        size=st.integers(1, 4),
        bold=st.booleans(),
        align=st.sampled_from(list(Align)),
    ),
    st.builds(Row, left=WORDS, right=WORDS, bold=st.booleans()),
    st.builds(Rule, double=st.booleans()),
    st.builds(Code, kind=st.just(CodeKind.QR), data=ASCII | WORDS.filter(bool)),
    st.builds(Code, kind=st.just(CodeKind.CODE128), data=ASCII | st.from_regex(r"\A\d{8,20}\Z")),
    st.builds(Mark, text=WORDS),
    st.builds(Feed, lines=st.integers(0, 3)),
)
DOCUMENTS = st.builds(Document, blocks=st.lists(BLOCKS, max_size=6).map(tuple), cut=st.booleans())


def printed(stream: bytes, width: int) -> Paper:
    """Work the stream off as the virtual printer does; unknown commands and parameters raise."""
    reader, paper = CommandReader(), Paper(width_px=width)
    reader.feed(stream)
    while (command := reader.next()) is not None:
        assert not isinstance(command, Unknown), command
        if command.name != "GS V":
            paper.obey(command)
    assert len(reader) == 0
    return paper


@settings(max_examples=80, deadline=None)
@given(document=DOCUMENTS, width=WIDTHS, profile=st.sampled_from(list(Profile)))
def test_no_document_makes_a_command_that_the_virtual_printer_does_not_know(
    document: Document, width: int, profile: Profile
) -> None:
    made = commands(document, width_dots=width, profile=profile)
    printed(b"".join(made), width)


@settings(max_examples=80, deadline=None)
@given(document=DOCUMENTS, width=WIDTHS, profile=st.sampled_from(list(Profile)))
def test_no_document_spells_a_real_time_command(
    document: Document, width: int, profile: Profile
) -> None:
    made = commands(document, width_dots=width, profile=profile)
    assert RealTimeScanner().feed(b"".join(made)) == []


@settings(max_examples=40, deadline=None)
@given(rows=st.integers(1, 120), data=st.data())
def test_a_picture_of_any_dots_comes_out_the_same_save_for_single_added_dots(
    rows: int, data: st.DataObject
) -> None:
    tricky = st.sampled_from(b"\x10\x04\x05\x14\x18\x00\xff")
    dots = bytes(data.draw(st.lists(tricky, min_size=48 * rows, max_size=48 * rows)))
    picture = Pictures.frombytes("1", (384, rows), bytes(byte ^ 0xFF for byte in dots))
    stream = b"".join(escpos.raster(picture))
    assert RealTimeScanner().feed(stream) == []
    paper, _ = printed(stream, 384).take()
    out = bytes(byte ^ 0xFF for byte in paper.tobytes())
    assert len(out) == len(dots)
    assert all(
        new in (old, 0x18 if old == 0x10 else old) for old, new in zip(dots, out, strict=True)
    )


def test_dots_that_would_open_the_drawer_are_disarmed() -> None:
    picture = Pictures.frombytes("1", (24, 1), bytes(b ^ 0xFF for b in b"\x10\x14\x01"))
    (band,) = escpos.raster(picture)
    assert band.endswith(b"\x18\x14\x01")


def test_bands_are_bounded_and_cover_every_row() -> None:
    picture = Pictures.new("1", (576, 100), 0)
    bands = list(escpos.raster(picture))
    assert [int.from_bytes(band[6:8], "little") for band in bands] == [48, 48, 4]
    assert bands[0][:8] == b"\x1dv0\x00\x48\x00\x30\x00"
    assert max(map(len, bands)) == 8 + 72 * 48


def test_golden_bytes_of_single_commands() -> None:
    assert escpos.ask(4) == b"\x10\x04\x04"
    assert escpos.request_process_id(b"AB12") == b"\x1d(H\x06\x0000AB12"
    assert escpos.CUT == b"\x1dVB\x00"
    assert escpos.DRAWER == b"\x1bp\x0022"


@given(first=st.integers(0, 80_000_000), second=st.integers(0, 80_000_000))
def test_process_ids_are_printable_and_differ_between_jobs_and_from_fences(
    first: int, second: int
) -> None:
    one, two = escpos.process_id(first), escpos.process_id(second)
    assert all(0x20 <= byte <= 0x7E for byte in one)
    assert (one == two) is (first == second)
    assert escpos.process_id(second, fence=True) != one


def test_chinese_is_sent_as_gbk_in_chinese_mode_with_the_yen_sign_widened() -> None:
    stream = b"".join(
        commands(
            Document(blocks=(Text(text="牛奶，¥12.5"),)), width_dots=576, profile=Profile.NATIVE_GBK
        )
    )
    assert stream.startswith(b"\x1b@\x1c&")
    assert "牛奶，￥12.5".encode("gbk") in stream


def test_a_line_with_a_character_that_gbk_lacks_is_drawn_as_pixels() -> None:
    document = Document(blocks=(Text(text="𬭚先生"), Text(text="牛奶")), cut=False)
    stream = b"".join(commands(document, width_dots=576, profile=Profile.NATIVE_GBK))
    paper = printed(stream, 576)
    assert paper.words == ["牛奶"]
    assert b"\x1dv0\x00" in stream


def test_digits_that_would_spell_a_real_time_command_are_drawn_as_pixels() -> None:
    code = Code(kind=CodeKind.CODE128, data="16041604")
    made = b"".join(native.body(Document(blocks=(code,)), width_dots=576))
    assert b"\x1dk" not in made
    assert b"\x1dk" in b"".join(
        native.body(Document(blocks=(replace(code, data="16071607"),)), width_dots=576)
    )


@pytest.mark.parametrize("width", [384, 576])
def test_native_text_carries_the_words_of_the_document_and_pixels_carry_its_page(
    width: int,
) -> None:
    document = Document(
        blocks=(
            Mark(text="副本 COPY"),
            Text(text="取货单 PICKUP", size=2, bold=True, align=Align.CENTER),
            Rule(double=True),
            Row(left="云南高原蓝莓（特级大果 18mm+）125g 盒装", right="×4"),
            Row(left="Sourdough bread, sliced, 450 g", right="×1"),
            Row(left="订单", right="20261121-000123-ABCDEFGHIJKLMNOPQRS"),
            Text(text="部分取货：剩余商品请凭原取货码再次领取 / Keep the code for the rest."),
            Code(kind=CodeKind.CODE128, data="20261121000123"),
            Feed(),
            Code(kind=CodeKind.QR, data="P2:" + "AB12" * 37),
        ),
        cut=False,
    )
    text = printed(_stream(document, width, Profile.NATIVE_GBK), width)
    said = "".join(text.words).replace(" ", "")
    for block in document.blocks:
        match block:
            case Mark(text=words) | Text(text=words):
                assert words.replace(" ", "") in said
            case Row(left=left, right=right):
                rest = said
                for char in (left + right).replace(" ", ""):
                    assert char in rest
                assert right in said
            case _:
                pass
    pixels, _ = printed(_stream(document, width, Profile.RASTER), width).take()
    expected = draw(document, width_dots=width)
    same = Pictures.frombytes("1", expected.size, pixels.tobytes()[: len(expected.tobytes())])
    assert _differing(same, expected) < 40
    native_page, _ = text.take()
    for page in (native_page, pixels):
        found = {result.text for result in zxingcpp.read_barcodes(page.convert("L"))}
        assert found == {"20261121000123", "P2:" + "AB12" * 37}


def _stream(document: Document, width: int, profile: Profile) -> bytes:
    return b"".join(commands(document, width_dots=width, profile=profile))


def _differing(one: Pictures.Image, two: Pictures.Image) -> int:
    pairs = zip(one.tobytes(), two.tobytes(), strict=True)
    return sum((a ^ b).bit_count() for a, b in pairs)


def test_a_chinese_character_may_arrive_in_two_pieces() -> None:
    reader, paper = CommandReader(), Paper(width_px=576)
    for byte in b"\x1b@\x1c&" + "取货".encode("gbk") + b"\n":
        reader.feed(bytes((byte,)))
        while (command := reader.next()) is not None:
            paper.obey(cast("Command", command))
    assert paper.words == ["取货"]


@given(data=st.binary(max_size=200), cuts=st.lists(st.integers(0, 200), max_size=5))
def test_the_virtual_printer_reads_any_bytes_alike_in_any_pieces(
    data: bytes, cuts: list[int]
) -> None:
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    whole, parts = RealTimeScanner().feed(data), RealTimeScanner()
    pieces = [data[a:b] for a, b in itertools.pairwise(edges)]
    assert [found for piece in pieces for found in parts.feed(piece)] == whole
    reader = CommandReader()
    for piece in pieces:
        reader.feed(piece)
        while reader.next() is not None:
            pass
