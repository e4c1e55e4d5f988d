"""What stands on a slip."""

from dataclasses import replace

from drivers.ports.document import Code, CodeKind, Document, Mark, Row, Text
from edge.domain.slip import (
    MARK_COPY,
    MARK_TRAINING,
    EmergencyRow,
    ReviewFacts,
    SlipFacts,
    SlipLine,
    emergency_list,
    pickup_slip,
    review_slip,
    void_slip,
)

FACTS = SlipFacts(
    store_name="云栖便利店 · 西湖路店",
    store_address="西湖路 8 号",
    store_phone="0571-87654321",
    station="counter-1",
    order_no="20261121-000123",
    name_masked="张**",
    lines=(
        SlipLine(
            name_zh="鲜牛奶", name_en="Fresh milk", quantity=2, of_quantity=2, storage="chilled"
        ),
        SlipLine(name_zh="", name_en="Coffee beans", quantity=1, of_quantity=1),
    ),
    bags=2,
    place="A3",
    operator="李敏",
    at_text="2026-11-21 14:05:09",
    handover=17,
    audit_head_short="7F3A91C2",
)


def words(document: Document) -> str:
    """Everything written on it, a block a line."""
    lines: list[str] = []
    for block in document.blocks:
        match block:
            case Text() | Mark():
                lines.append(block.text)
            case Row():
                lines.append(f"{block.left} | {block.right}")
            case Code():
                lines.append(f"{block.kind} {block.data}")
            case _:
                pass
    return "\n".join(lines)


def test_a_pickup_slip_says_where_what_who_and_when() -> None:
    text = words(pickup_slip(FACTS))
    for expected in (
        "A3 冷藏 · 2 袋",
        "订单 Order | 20261121-000123",
        "顾客 Customer | 张**",
        "店员 Clerk | 李敏",
        "时间 Time | 2026-11-21 14:05:09",
        "交付号 Hand-over | #17",
        "鲜牛奶 | ×2",
        "  Fresh milk · 冷藏 chilled",
        "Coffee beans | ×1",
        "件数 Pieces | 3",
        "code128 20261121-000123",
        "审计 Audit 7F3A91C2",
    ):
        assert expected in text.splitlines()
    assert "PARTIAL" not in text
    assert "qr" not in text


def test_a_partial_slip_counts_what_is_still_to_come() -> None:
    lines = (replace(FACTS.lines[0], quantity=1, note="缺 missing"), FACTS.lines[1])
    text = words(pickup_slip(replace(FACTS, partial=True, still_open=4, lines=lines))).splitlines()
    assert "部分取货 PARTIAL PICKUP" in text
    assert "鲜牛奶 | 1 / 2" in text
    assert "  Fresh milk · 冷藏 chilled · 缺 missing" in text
    assert "未取 Still to come | 4" in text


def test_codes_are_printed_only_when_given() -> None:
    given = pickup_slip(replace(FACTS, v2_text="P2:A", pl_text="PL:B"))
    kinds = [(block.kind, block.data) for block in given.blocks if isinstance(block, Code)]
    assert kinds == [
        (CodeKind.CODE128, "20261121-000123"),
        (CodeKind.QR, "P2:A"),
        (CodeKind.QR, "PL:B"),
    ]


def test_an_order_number_that_no_barcode_holds_is_written_only() -> None:
    slip = pickup_slip(replace(FACTS, order_no="美团123"))
    assert not [block for block in slip.blocks if isinstance(block, Code)]
    assert "订单 Order | 美团123" in words(slip)


def test_marks_stand_above_everything() -> None:
    slip = pickup_slip(FACTS, marks=(MARK_COPY, MARK_TRAINING))
    assert slip.blocks[:2] == (Mark(text="副本 COPY"), Mark(text="练习 TRAINING"))


def test_a_void_slip_is_marked_and_promises_nothing_but_the_code() -> None:
    slip = void_slip(FACTS)
    assert slip.blocks[0] == Mark(text="作废 VOID")
    text = words(slip)
    assert "原取货码继续有效" in text
    assert "谢谢光临" not in text


def test_a_review_slip_names_the_order_and_never_the_customer() -> None:
    text = words(
        review_slip(
            ReviewFacts(
                store_name="云栖便利店",
                station="counter-1",
                case=4,
                reason_zh="错误三次,已锁定",
                reason_en="Locked after three wrong tries",
                at_text="2026-11-21 14:05:09",
                order_no="20261121-000123",
                tries=3,
            )
        )
    )
    assert "复核 Case | #4" in text
    assert "次数 Tries | 3" in text
    assert "错误三次,已锁定" in text
    assert "顾客" not in text


def test_the_emergency_list_has_a_line_to_fill_in_for_each_order() -> None:
    rows = (
        EmergencyRow(order_tail="0123", name_masked="张**", items_zh="鲜牛奶 ×2", place="A3"),
        EmergencyRow(order_tail="0124", name_masked=None, items_zh="咖啡豆 ×1", bags=2),
    )
    text = words(emergency_list(rows, store_name="云栖便利店", at_text="2026-11-21 18:00"))
    assert "□ 0123  张** | A3 · 1 袋" in text
    assert "□ 0124 | 2 袋" in text
    assert text.count("时间 ________") == 2
    empty = words(emergency_list((), store_name="云栖便利店", at_text="2026-11-21 18:00"))
    assert "没有待取订单" in empty
