"""Documents become pixels: the right width, everything on it, nothing beyond the edge."""

import io
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image as Pictures

from drivers.ports.document import (
    Align,
    Block,
    Code,
    CodeKind,
    Document,
    Feed,
    Image,
    Mark,
    Row,
    Rule,
    Text,
)
from drivers.ports.errors import DeviceRefused
from drivers.raster import draw, png
from drivers.raster.fonts import Face, FontMissing, font, present


def page(*blocks: Block, width: int = 576) -> Pictures.Image:
    return draw(Document(blocks=blocks), width_dots=width)


def ink(picture: Pictures.Image) -> int:
    return picture.convert("L").histogram()[0]


@pytest.mark.parametrize("width", [384, 576])
def test_a_page_is_black_and_white_and_as_wide_as_the_paper(width: int) -> None:
    picture = page(Text(text="取货单", size=2), Rule(), Row(left="牛奶", right="×2"), width=width)
    assert (picture.mode, picture.width) == ("1", width)
    assert 0 < ink(picture) < picture.width * picture.height / 4


def test_an_empty_document_is_still_a_picture() -> None:
    assert page().size == (576, 1)


def test_the_preview_is_the_same_page_as_png() -> None:
    document = Document(blocks=(Text(text="预览"),))
    with Pictures.open(io.BytesIO(png(document, width_dots=384))) as preview:
        assert preview.tobytes() == draw(document, width_dots=384).tobytes()


@pytest.mark.parametrize("align", list(Align))
def test_text_stands_where_it_is_told(align: Align) -> None:
    picture = page(Text(text="口", align=align)).convert("L")
    box = picture.point([255] + [0] * 255).getbbox()
    assert box is not None
    middle = (box[0] + box[2]) / 2
    assert {Align.LEFT: middle < 40, Align.CENTER: 268 < middle < 308}.get(align, middle > 536)


def test_larger_sizes_are_larger_and_bold_has_more_ink() -> None:
    plain = [page(Text(text="店", size=size)) for size in (1, 2, 3, 4)]
    assert [p.height for p in plain] == sorted({p.height for p in plain})
    assert ink(page(Text(text="店", bold=True))) > ink(plain[0]) * 1.15


def test_large_words_shrink_a_little_rather_than_break() -> None:
    words = "A3 冷藏 · 2 袋"
    assert page(Text(text=words, size=3), width=384).height < page(Text(text="店", size=3)).height
    long = Text(text="冷藏" * 12, size=3)
    assert page(long, width=384).height > page(Text(text="店", size=3)).height * 2


def test_a_long_left_end_wraps_and_the_right_end_keeps_its_line() -> None:
    one = page(Row(left="牛奶", right="×2"), width=384)
    three = page(Row(left="云南高原蓝莓特级大果" * 3, right="×2"), width=384)
    assert three.height == one.height * 3
    column = (384 - 26, 0, 384, one.height)
    assert three.crop(column).tobytes() == one.crop(column).tobytes()
    below = three.crop((384 - 26, one.height, 384, three.height))
    assert ink(below) == 0


def test_a_right_end_too_long_to_share_goes_below_whole() -> None:
    assert (
        page(Row(left="订单", right="9" * 30), width=384).height
        == page(Text(text="订单"), Text(text="9" * 30), width=384).height
    )


def test_a_mark_is_white_on_black_across_the_paper() -> None:
    picture = page(Mark(text="副本 COPY")).convert("L")
    bar = picture.crop((0, 8, 576, 12))
    assert set(bar.tobytes()) == {0}
    assert ink(picture) > picture.width * picture.height / 2


def test_feeds_are_white_and_rules_cross_the_paper() -> None:
    assert ink(page(Feed(lines=3))) == 0
    assert page(Feed(lines=3)).height == 3 * page(Feed()).height
    assert ink(page(Rule())) == 2 * 576
    assert ink(page(Rule(double=True))) == 4 * 576


@pytest.mark.parametrize("width", [384, 576])
def test_codes_on_a_page_are_read_back_by_another_decoder(width: int) -> None:
    picture = page(
        Code(kind=CodeKind.CODE128, data="20261121000123", caption="20261121-000123"),
        Feed(),
        Code(kind=CodeKind.QR, data="P2:" + "Z9" * 74, caption="扫码取货"),
        width=width,
    )
    found = {result.text for result in zxingcpp.read_barcodes(picture.convert("L"))}
    assert found == {"20261121000123", "P2:" + "Z9" * 74}


def test_bars_too_long_for_the_paper_become_a_qr_of_the_same_data() -> None:
    data = "ORDER-2026-11-21-XYZ-0000123"
    picture = page(Code(kind=CodeKind.CODE128, data=data), width=384)
    found = [(r.format, r.text) for r in zxingcpp.read_barcodes(picture.convert("L"))]
    assert found == [(zxingcpp.BarcodeFormat.QRCode, data)]


def test_a_code_that_cannot_be_readable_is_refused() -> None:
    with pytest.raises(DeviceRefused):
        page(Code(kind=CodeKind.QR, data="X" * 2000), width=384)
    with pytest.raises(DeviceRefused):
        page(Code(kind=CodeKind.QR, data="X" * 9000))
    with pytest.raises(DeviceRefused):
        page(Code(kind=CodeKind.CODE128, data=""))


def test_a_picture_is_shrunk_to_the_paper_and_its_clear_parts_stay_white() -> None:
    made = Pictures.new("RGBA", (1152, 100), (0, 0, 0, 0))
    made.paste((0, 0, 0, 255), (0, 0, 576, 100))
    out = io.BytesIO()
    made.save(out, "PNG")
    picture = page(Image(png=out.getvalue()), width=384)
    assert picture.size == (384, 33)
    assert ink(picture.crop((0, 0, 190, 33))) == 190 * 33
    assert ink(picture.crop((194, 0, 384, 33))) == 0


@pytest.mark.parametrize("data", [b"", b"not a png", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_a_broken_picture_is_refused_before_anything_is_drawn(data: bytes) -> None:
    with pytest.raises(DeviceRefused):
        page(Image(png=data))


def test_a_missing_font_names_the_package_to_install(tmp_path: Path) -> None:
    absent = (Face(regular=tmp_path / "none.ttc"),)
    assert present(absent) == ()
    with pytest.raises(FontMissing) as caught:
        font(24, faces=())
    assert "fonts-wqy-microhei" in caught.value.hint
    assert not caught.value.transient
