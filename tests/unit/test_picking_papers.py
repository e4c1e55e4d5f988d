"""Picking's pure parts: life, timers, prices, what is missing, and the papers under a decoder."""

from dataclasses import replace
from pathlib import Path

import pytest

from drivers.ports.document import Document, Row, Text
from drivers.raster import png
from drivers.sim.eye import read_codes
from edge.domain.facts import Gone, Handed, Line, Order, Standing
from edge.domain.paper import Paper, bag_text, document_text, pick_text, read_paper
from edge.domain.pick_slip import (
    BagLabelFacts,
    DocumentFacts,
    DocumentLine,
    PickSlipFacts,
    PickSlipLine,
    bag_label,
    document_paper,
    pick_slip,
)
from edge.domain.picking import Pick, Short, count, is_complete, units_missing
from sync.rules.order_life import (
    ALARM_MS,
    REFUND,
    WARN_MS,
    DocumentState,
    OnShort,
    allows,
    document_state,
    life,
    read_price,
    substitute_price,
    timer,
)

NO = "SE7K2M9QX4"
SLIP = PickSlipFacts(
    store_name="云栖便利店",
    order_no=NO,
    priority=True,
    placed_text="2026-11-22 10:05:00",
    at_text="2026-11-22 10:07:12",
    choice_zh="缺货退这一项",
    choice_en="Refund what is missing",
    lines=(
        PickSlipLine(
            sku="ICE", name_zh="香草冰淇淋", name_en="Vanilla ice", quantity=2, storage="frozen"
        ),
        PickSlipLine(sku="BREAD", name_zh="全麦面包", name_en="Bread", quantity=1),
    ),
    name_masked="张**",
)
LABEL = BagLabelFacts(
    store_name="云栖便利店",
    order_no=NO,
    place="A3 冷藏",
    bag=1,
    of_bags=2,
    pieces=3,
    storages=("ambient", "frozen"),
    priority=False,
    at_text="2026-11-22 10:20:00",
)
TRANSFER = DocumentFacts(
    store_name="云栖便利店",
    document="TR4F8K2M9Q",
    kind="transfer",
    from_text="1 一店",
    to_text="2 二店",
    state="draft",
    at_text="2026-11-22 10:20:00",
    lines=(DocumentLine(sku="MILK", name_zh="鲜牛奶", name_en="Milk", quantity=12),),
    order_no=NO,
)


def words(document: Document) -> str:
    return "\n".join(
        block.text if isinstance(block, Text) else f"{block.left} {block.right}"
        for block in document.blocks
        if isinstance(block, Text | Row)
    )


@pytest.mark.parametrize("width_dots", [384, 576], ids=["58mm", "80mm"])
@pytest.mark.parametrize(
    ("document", "text"),
    [
        (pick_slip(SLIP), f"PICK:{NO}"),
        (bag_label(LABEL), f"BAG:{NO}/1/2"),
        (document_paper(TRANSFER), "DOC:TR4F8K2M9Q"),
    ],
    ids=["pick", "bag", "document"],
)
def test_each_paper_is_read_back_and_says_what_it_is(
    document: Document, text: str, width_dots: int, tmp_path: Path
) -> None:
    picture = tmp_path / "paper.png"
    picture.write_bytes(png(document, width_dots=width_dots))
    assert [code.text for code in read_codes(picture)] == [text]
    assert read_paper(text) is not None


def test_cold_goods_are_fetched_last() -> None:
    told = words(pick_slip(SLIP))
    assert told.index("全麦面包") < told.index("冷冻 Frozen") < told.index("香草冰淇淋")


def test_a_document_leaves_room_for_the_count_until_somebody_counted() -> None:
    assert "____ / 12" in words(document_paper(TRANSFER))
    line = replace(TRANSFER.lines[0], counted=11)
    assert "11 / 12" in words(document_paper(replace(TRANSFER, state="short", lines=(line,))))


@pytest.mark.parametrize(
    ("text", "paper"),
    [
        (bag_text(NO, 2, 3), Paper(kind="bag", number=NO, bag=2, of=3)),
        (pick_text(NO), Paper(kind="pick", number=NO)),
        (document_text("TR000001"), Paper(kind="document", number="TR000001")),
        (" pick:se000001\r\n", Paper(kind="pick", number="se000001")),
        ("BAG:SE000001", None),
        ("BAG:SE000001/3/2", None),
        ("BAG:SE000001/0/2", None),
        ("PICK:SE000001/1/2", None),
        ("PICK:", None),
        ("PICK:" + "A" * 40, None),
        ("6901234567892", None),
        ("BAG:\u0661\u0662\u0663\u0664/1/1", None),
    ],
)
def test_a_paper_is_known_by_its_form_alone(text: str, paper: Paper | None) -> None:
    assert read_paper(text) == paper


@pytest.mark.parametrize(
    ("waited_ms", "sure", "said"),
    [
        (-5, True, "ok"),
        (WARN_MS - 1, True, "ok"),
        (WARN_MS - 1, False, "unknown"),
        (WARN_MS, False, "warn"),
        (ALARM_MS, False, "alarm"),
        (ALARM_MS * 9, True, "alarm"),
    ],
)
def test_late_is_late_for_sure_and_not_late_is_unknown_without_a_clock(
    waited_ms: int, sure: bool, said: str
) -> None:
    placed = 1_800_000_000_000
    assert timer(placed, placed + waited_ms, clock_sure=sure) == said
    assert timer(0, placed, clock_sure=True) == "unknown"
    assert timer(placed, 0, clock_sure=True) == "unknown"


def test_an_order_without_open_units_is_handed_or_closed() -> None:
    assert life(ready=True, started=True, open_units=0, handed_units=2) == "handed"
    assert life(ready=False, started=True, open_units=0, handed_units=0) == "closed"
    assert life(ready=True, started=False, open_units=1, handed_units=1) == "ready"


@pytest.mark.parametrize("recorded", ["substitute", "refund_line", "wait"])
@pytest.mark.parametrize("done", ["substitute", "refund_line", "wait"])
def test_only_the_customers_choice_or_money_back_for_no_substitute(
    recorded: OnShort, done: OnShort
) -> None:
    wanted = recorded == done or (recorded, done) == ("substitute", "refund_line")
    assert allows(recorded, done) is wanted


@pytest.mark.parametrize("ordered", [0, 1, 990, 1_290])
@pytest.mark.parametrize("shelf", [0, 1, 990, 1_500])
def test_charged_and_owed_are_what_was_ordered_and_never_above_either_price(
    ordered: int, shelf: int
) -> None:
    price = substitute_price(ordered, shelf)
    assert price.charged_minor + price.back_minor == ordered
    assert price.charged_minor <= min(ordered, shelf)
    assert price.back_minor >= 0


@pytest.mark.parametrize("text", ["", "12,90", "abc", "-1", "1e40", "NaN", "Infinity", "0.001"])
def test_what_is_no_price_is_not_guessed(text: str) -> None:
    assert read_price(text) is None


@pytest.mark.parametrize(
    ("dispatched", "received", "arrived", "state"),
    [
        (False, False, 0, "draft"),
        (True, False, 0, "dispatched"),
        (True, True, 12, "received"),
        (False, True, 12, "received"),
        (False, True, 11, "short"),
        (True, True, 13, "received"),
    ],
)
def test_a_documents_state_follows_from_what_was_counted(
    dispatched: bool, received: bool, arrived: int, state: DocumentState
) -> None:
    told = document_state(dispatched=dispatched, received=received, ordered=12, arrived=arrived)
    assert told == state


def order(quantity: int = 3, epoch: int = 1) -> Order:
    return Order(
        order_id=b"o" * 10,
        order_no=NO,
        home_store=1,
        holder=b"i" * 8,
        epoch=epoch,
        cancelled=False,
        not_after_ms=1,
        ready=False,
        place="",
        bags=1,
        lane="normal",
        value_minor=0,
        min_grade=1,
        lines=(
            Line(
                line=1,
                sku="MILK",
                quantity=quantity,
                bundle_of=None,
                name_zh="牛奶",
                name_en="Milk",
                storage="ambient",
                min_grade=1,
            ),
        ),
    )


def pick(found: int, *shorts: Short) -> Pick:
    return Pick(
        placed_ms=1,
        on_short="substitute",
        started_ms=1,
        started_by="c1",
        ready_ms=None,
        found={1: found},
        shorts=shorts,
        prices={1: 1_290},
    )


def short(unit: int, choice: OnShort) -> Short:
    return Short(
        line=1,
        unit=unit,
        epoch=1,
        choice=choice,
        sub_sku="ICE" if choice == "substitute" else None,
        sub_minor=990 if choice == "substitute" else None,
        sub_zh=None,
        sub_en=None,
    )


def test_what_is_replaced_is_not_missing_and_the_last_units_are() -> None:
    this, nothing = order(), Standing(handed={}, gone={}, claim=None)
    half = pick(1, short(3, "substitute"))
    counted = count(this.lines[0], this, nothing, half)
    assert (counted.found, counted.replaced, counted.missing) == (1, 1, 1)
    assert units_missing(counted, half, 1) == ((1, 2),)
    assert not is_complete(this, nothing, half)
    assert is_complete(this, nothing, pick(2, short(3, "substitute")))


def test_what_was_handed_or_given_up_is_not_to_be_picked() -> None:
    handed = Handed(handover=1, station="till", at_ms=1)
    gone = Gone(reason="released", destination=REFUND, epoch=1)
    standing = Standing(handed={(1, 1): handed}, gone={(1, 3): gone}, claim=None)
    assert is_complete(order(), standing, pick(1))
    again = count(order(epoch=2).lines[0], order(epoch=2), standing, pick(1))
    assert again.missing == 1, "a newer grant brings the unit back, and it must be found"
    nothing_left = Standing(handed={(1, 1): handed}, gone={}, claim=None)
    assert not is_complete(order(quantity=1), nothing_left, pick(1)), "nothing is left to be ready"


def test_who_waits_is_counted_as_missing() -> None:
    this, nothing = order(), Standing(handed={}, gone={}, claim=None)
    counted = count(this.lines[0], this, nothing, pick(2, short(3, "wait")))
    assert (counted.waits, counted.missing) == (True, 1)
