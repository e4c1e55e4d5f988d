"""What stands on a slip: pickup, void, review, and the emergency list.

Chinese first and large, English small beside it, on 58 and on 80 mm alike. Everything a person
needs in a dispute is on the paper: order, lines, clerk, station, time, hand-over number and a short
audit head. Never on the paper: a whole name, a phone number, a code that was not asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

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

MARK_COPY = "副本 COPY"
MARK_VOID = "作废 VOID"
MARK_TRAINING = "练习 TRAINING"
MARK_PROVISIONAL = "暂定 PROVISIONAL"
NAME_LOCKED = "姓名未解锁 locked"

Storage = Literal["ambient", "chilled", "frozen"]

_STORAGE = {"ambient": "", "chilled": "冷藏", "frozen": "冷冻"}
_STORAGE_EN = {"ambient": "", "chilled": "chilled", "frozen": "frozen"}
_TAIL_FEED = Feed(lines=2)  # the cutter sits above the head: the last line must clear it


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipLine:
    """A line of the order: `quantity` units of it are on this slip, of `of_quantity` ordered."""

    name_zh: str
    name_en: str
    quantity: int
    of_quantity: int
    storage: Storage = "ambient"
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipFacts:
    """One hand-over as the paper tells it.

    name_masked: as `mask.mask_name` gives it; None prints no customer. at_text: store time,
    ready to print. handover: our number of the act. still_open: units of the order that nobody has
    fetched yet, also of lines that are not here. v2_text, pl_text: printed as QR when given.
    provisional: another store's order, given on HQ's budget.
    """

    store_name: str
    station: str
    order_no: str
    lines: tuple[SlipLine, ...]
    at_text: str
    store_address: str = ""
    store_phone: str = ""
    name_masked: str | None = None
    bags: int = 1
    place: str = ""
    operator: str | None = None
    handover: int | None = None
    audit_head_short: str = ""
    partial: bool = False
    still_open: int = 0
    v2_text: str | None = None
    pl_text: str | None = None
    provisional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFacts:
    """A case that a person must decide, for the slip that goes to the supervisor."""

    store_name: str
    station: str
    case: int
    reason_zh: str
    reason_en: str
    at_text: str
    order_no: str | None = None
    operator: str | None = None
    tries: int | None = None
    audit_head_short: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyRow:
    """An open pickup on the emergency list; `order_tail` is what the customer says.

    name_masked: or `NAME_LOCKED`, when the key of names was not here.
    """

    order_tail: str
    name_masked: str | None
    items_zh: str
    bags: int = 1
    place: str = ""
    priority: bool = False


def pickup_slip(facts: SlipFacts, *, marks: tuple[str, ...] = ()) -> Document:
    """The customer's slip of a hand-over; partial ones list what is still to come."""
    title = "部分取货 PARTIAL PICKUP" if facts.partial else "取货单 PICKUP"
    if facts.provisional:
        marks = (*marks, MARK_PROVISIONAL)
    return Document(
        blocks=(
            *_head(facts.store_name, title, marks),
            *_place(facts),
            *_order(facts),
            Rule(),
            *_lines(facts.lines),
            Rule(),
            Row(
                left="件数 Pieces", right=str(sum(line.quantity for line in facts.lines)), bold=True
            ),
            *_rest(facts),
            *_codes(facts),
            *_foot(facts, thanks="谢谢光临 Thank you"),
        )
    )


def void_slip(facts: SlipFacts, *, marks: tuple[str, ...] = (MARK_VOID,)) -> Document:
    """The slip of an undone hand-over: the goods stayed in the shop and the code works again."""
    kept = tuple(line for line in facts.lines if line.quantity)
    return Document(
        blocks=(
            *_head(facts.store_name, "取消交付", marks, english="HAND-OVER UNDONE"),
            *_order(facts),
            Rule(),
            *_lines(kept),
            Rule(),
            Text(text="货品仍在店内,原取货码继续有效", bold=True),
            Text(text="The goods are still here; the pickup code works again."),
            *_order_code(facts.order_no),
            *_foot(facts, thanks=None),
            Feed(),
            Text(text="签名 Signature ______________"),
            _TAIL_FEED,
        )
    )


def review_slip(facts: ReviewFacts, *, marks: tuple[str, ...] = ()) -> Document:
    """A case in the supervisor's hand; it names the order, never the customer."""
    rows: list[Block] = [
        Row(left="复核 Case", right=f"#{facts.case}", bold=True),
        *((Row(left="订单 Order", right=facts.order_no),) if facts.order_no else ()),
        *((Row(left="次数 Tries", right=str(facts.tries)),) if facts.tries is not None else ()),
        Row(left="收银台 Station", right=facts.station),
        *((Row(left="店员 Clerk", right=facts.operator),) if facts.operator else ()),
        Row(left="时间 Time", right=facts.at_text),
    ]
    return Document(
        blocks=(
            *_head(facts.store_name, "复核单 REVIEW", marks),
            Text(text=facts.reason_zh, size=2, bold=True, align=Align.CENTER),
            Text(text=facts.reason_en, align=Align.CENTER),
            Rule(),
            *rows,
            Rule(),
            Text(text="不要交货,请店长处理", bold=True),
            Text(text="Do not hand over. The supervisor decides on the counter page."),
            Feed(),
            Text(text="店长签名 Supervisor ______________"),
            *_audit(facts.audit_head_short),
            _TAIL_FEED,
        )
    )


def emergency_list(
    rows: tuple[EmergencyRow, ...],
    *,
    store_name: str,
    at_text: str,
    left_out: int = 0,
    marks: tuple[str, ...] = (),
) -> Document:
    """Open pickups to hand over by hand when the power is gone, each with a line to fill in.

    left_out: how many more are open and did not fit on the paper; it says so.

    Afterwards each filled line is entered (补录) with its time and clerk.
    """
    body: list[Block] = []
    for row in rows:
        lane = "优先" if row.priority else ""
        where = " · ".join(part for part in (lane, row.place, f"{row.bags} 袋") if part)
        body += (
            Row(
                left=f"□ {row.order_tail}  {row.name_masked or ''}".rstrip(), right=where, bold=True
            ),
            Text(text=row.items_zh),
            Text(text="时间 ________  店员 ________"),
            Rule(),
        )
    if left_out:
        body += (
            Text(text=f"另有 {left_out} 单未列出 {left_out} more not listed", bold=True),
            Rule(),
        )
    if not rows:
        body += (Text(text="没有待取订单 No open pickups", align=Align.CENTER), Rule())
    return Document(
        blocks=(
            *_head(store_name, "应急取货表", marks, english="EMERGENCY LIST"),
            Row(left="打印 Printed", right=at_text),
            Row(left="待取 Open", right=str(len(rows)), bold=True),
            Text(text="仅断电时使用:核对姓名和尾号,交货后填写时间、店员;来电后逐条补录。"),
            Text(
                text="Without power only: check name and tail, note time and clerk, enter it later."
            ),
            Rule(double=True),
            *body,
            Text(text="用后请收好,含顾客信息 Keep safe: customer data", align=Align.CENTER),
            _TAIL_FEED,
        )
    )


def _head(
    store_name: str, title: str, marks: tuple[str, ...], *, english: str | None = None
) -> Iterator[Block]:
    yield from (Mark(text=mark) for mark in marks)
    yield Text(text=store_name, bold=True, align=Align.CENTER)
    yield Text(text=title, size=2, bold=True, align=Align.CENTER)
    if english is not None:
        yield Text(text=english, bold=True, align=Align.CENTER)
    yield Rule(double=True)


def _place(facts: SlipFacts) -> Iterator[Block]:
    cold = {_STORAGE[line.storage] for line in facts.lines if line.quantity} - {""}
    words = [facts.place, *sorted(word for word in cold if word not in facts.place)]
    where = " ".join(word for word in words if word)
    yield Text(
        text=" · ".join(part for part in (where, f"{facts.bags} 袋") if part),
        size=3,
        bold=True,
        align=Align.CENTER,
    )
    yield Rule()


def _order(facts: SlipFacts) -> Iterator[Block]:
    yield Row(left="订单 Order", right=facts.order_no, bold=True)
    if facts.name_masked is not None:
        yield Row(left="顾客 Customer", right=facts.name_masked)
    if facts.operator is not None:
        yield Row(left="店员 Clerk", right=facts.operator)
    yield Row(left="收银台 Station", right=facts.station)
    yield Row(left="时间 Time", right=facts.at_text)
    if facts.handover is not None:
        yield Row(left="交付号 Hand-over", right=f"#{facts.handover}")


def _lines(lines: tuple[SlipLine, ...]) -> Iterator[Block]:
    for line in lines:
        count = f"×{line.quantity}"
        if line.quantity != line.of_quantity:
            count = f"{line.quantity} / {line.of_quantity}"
        yield Row(left=line.name_zh or line.name_en, right=count, bold=True)
        cold = _STORAGE[line.storage] and f"{_STORAGE[line.storage]} {_STORAGE_EN[line.storage]}"
        english = line.name_en if line.name_zh else ""
        small = " · ".join(part for part in (english, cold, line.note) if part)
        if small:
            yield Text(text=f"  {small}")


def _rest(facts: SlipFacts) -> Iterator[Block]:
    if facts.partial:
        yield Row(left="未取 Still to come", right=str(facts.still_open), bold=True)
        yield Text(text="余货请凭原取货码再次领取。")
        yield Text(text="Keep your pickup code: it fetches the rest.")


def _codes(facts: SlipFacts) -> Iterator[Block]:
    yield from _order_code(facts.order_no)
    if facts.v2_text is not None:
        yield Code(kind=CodeKind.QR, data=facts.v2_text, caption="取货码 Pickup code")
    if facts.pl_text is not None:
        yield Code(kind=CodeKind.QR, data=facts.pl_text, caption="明细码 Order lines (PL)")


def _order_code(order_no: str) -> Iterator[Block]:
    # Code 128 holds ASCII alone; an order number of a foreign shop may be anything.
    if order_no.isascii() and order_no.isprintable():
        yield Code(kind=CodeKind.CODE128, data=order_no, caption=order_no)


def _audit(head: str) -> Iterator[Block]:
    if head:
        yield Text(text=f"审计 Audit {head}", align=Align.CENTER)


def _foot(facts: SlipFacts, *, thanks: str | None) -> Iterator[Block]:
    yield from _audit(facts.audit_head_short)
    for text in (
        facts.store_address,
        facts.store_phone and f"电话 Tel {facts.store_phone}",
        thanks,
    ):
        if text:
            yield Text(text=text, align=Align.CENTER)
    if thanks is not None:
        yield _TAIL_FEED
