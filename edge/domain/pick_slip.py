"""What stands on the papers of picking: the pick slip, a bag's label, a transfer or purchase.

Chinese large, English beside it, on 58 and 80 mm. The customer's name is masked and filled in at
the printer; the code on a paper names the paper, it never opens an order to who holds it.
"""

from collections.abc import Iterator, Sequence
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
from edge.domain.mask import order_tail
from edge.domain.paper import bag_text, document_text, pick_text

Storage = Literal["ambient", "chilled", "frozen"]
_ORDER: tuple[Storage, ...] = ("ambient", "chilled", "frozen")
_STORAGE = {"ambient": "常温 Shelf", "chilled": "冷藏 Chilled", "frozen": "冷冻 Frozen"}
_TAIL_FEED = Feed(lines=2)  # the cutter sits above the head: the last line must clear it


@dataclass(frozen=True, slots=True, kw_only=True)
class PickSlipLine:
    """A line to be fetched: so many pieces of it."""

    sku: str
    name_zh: str
    name_en: str
    quantity: int
    storage: Storage = "ambient"


@dataclass(frozen=True, slots=True, kw_only=True)
class PickSlipFacts:
    """An order to be picked. placed_text, at_text: store time, ready to print; empty if unknown."""

    store_name: str
    order_no: str
    priority: bool
    placed_text: str
    at_text: str
    choice_zh: str
    choice_en: str
    lines: tuple[PickSlipLine, ...]
    name_masked: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BagLabelFacts:
    """One bag of a packed order, `bag` of `of_bags`, and where it lies."""

    store_name: str
    order_no: str
    place: str
    bag: int
    of_bags: int
    pieces: int
    storages: tuple[Storage, ...]
    priority: bool
    at_text: str
    name_masked: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLine:
    """A line of a document; counted: None until somebody counted it."""

    sku: str
    name_zh: str
    name_en: str
    quantity: int
    counted: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFacts:
    """A transfer or a purchase on paper, in the state that it has at printing."""

    store_name: str
    document: str
    kind: Literal["transfer", "purchase"]
    from_text: str
    to_text: str
    state: Literal["draft", "dispatched", "received", "short"]
    at_text: str
    lines: tuple[DocumentLine, ...]
    order_no: str | None = None


def pick_slip(facts: PickSlipFacts, *, marks: tuple[str, ...] = ()) -> Document:
    """What to fetch, cold goods last, with a box to tick and a blank for the count."""
    return Document(
        blocks=(
            *_head(facts.store_name, "拣货单 PICK SLIP", marks),
            *_big(order_tail(facts.order_no), "优先 PRIORITY" if facts.priority else ""),
            Row(left="订单 Order", right=facts.order_no, bold=True),
            *((Row(left="顾客 Customer", right=facts.name_masked),) if facts.name_masked else ()),
            *((Row(left="下单 Placed", right=facts.placed_text),) if facts.placed_text else ()),
            Row(left="打印 Printed", right=facts.at_text),
            Rule(),
            Text(text=facts.choice_zh, bold=True),
            Text(text=facts.choice_en),
            Rule(double=True),
            *_to_fetch(facts.lines),
            Row(
                left="件数 Pieces", right=str(sum(line.quantity for line in facts.lines)), bold=True
            ),
            *_code(pick_text(facts.order_no)),
            _TAIL_FEED,
        )
    )


def bag_label(facts: BagLabelFacts, *, marks: tuple[str, ...] = ()) -> Document:
    """One bag's label: order tail and place readable from a step away."""
    storages = " · ".join(_STORAGE[each] for each in _ORDER if each in facts.storages)
    return Document(
        blocks=(
            *(Mark(text=mark) for mark in marks),
            Text(text=facts.store_name, bold=True, align=Align.CENTER),
            Rule(double=True),
            *_big(order_tail(facts.order_no), "优先 PRIORITY" if facts.priority else ""),
            Text(text=facts.place, size=3, bold=True, align=Align.CENTER),
            Row(left="第几袋 Bag", right=f"{facts.bag} / {facts.of_bags}", bold=True),
            Row(left="全单件数 Pieces in all", right=str(facts.pieces)),
            *((Row(left="顾客 Customer", right=facts.name_masked),) if facts.name_masked else ()),
            *((Text(text=storages, bold=True),) if facts.storages != ("ambient",) else ()),
            Text(text=f"备好 Ready {facts.at_text}"),
            *_code(bag_text(facts.order_no, facts.bag, facts.of_bags)),
            _TAIL_FEED,
        )
    )


def document_paper(facts: DocumentFacts, *, marks: tuple[str, ...] = ()) -> Document:
    """A transfer or purchase: it goes with the goods, scanned where they leave and arrive."""
    transfer = facts.kind == "transfer"
    states = {
        "draft": "待发 Draft",
        "dispatched": "已发 Dispatched",
        "received": "已收 Received",
        "short": "少收 Received short",
    }
    title = "调拨单 TRANSFER" if transfer else "采购单 PURCHASE"
    lines: list[Block] = []
    for line in facts.lines:
        counted = "____" if line.counted is None else str(line.counted)
        lines += (
            Row(left=line.name_zh or line.name_en, right=f"{counted} / {line.quantity}", bold=True),
            Text(text=f"  {line.sku} · {line.name_en}"),
        )
    return Document(
        blocks=(
            *_head(facts.store_name, title, marks),
            Row(left="单号 No.", right=facts.document, bold=True),
            Row(left="状态 State", right=states[facts.state]),
            Row(left="发 From", right=facts.from_text),
            Row(left="收 To", right=facts.to_text),
            *((Row(left="随单 For order", right=facts.order_no),) if facts.order_no else ()),
            Row(left="打印 Printed", right=facts.at_text),
            Rule(),
            Row(left="货品 Article", right="实点 / 应有"),
            *lines,
            Rule(),
            Row(
                left="件数 Pieces", right=str(sum(line.quantity for line in facts.lines)), bold=True
            ),
            Text(text="发出、收到时各扫一次 Scan where it leaves and where it arrives"),
            *_code(document_text(facts.document)),
            Feed(),
            Text(text="发货 Sent ____________"),
            Text(text="收货 Received ____________"),
            _TAIL_FEED,
        )
    )


def _to_fetch(lines: Sequence[PickSlipLine]) -> Iterator[Block]:
    for storage in _ORDER:
        here = [line for line in lines if line.storage == storage]
        if here and storage != "ambient":
            yield Text(text=_STORAGE[storage], bold=True)
        for line in here:
            yield Row(
                left=f"□ {line.name_zh or line.name_en}", right=f"__ / {line.quantity}", bold=True
            )
            english = line.name_en if line.name_zh else ""
            yield Text(text="   " + " · ".join(part for part in (line.sku, english) if part))
        if here:
            yield Rule()


def _head(store_name: str, title: str, marks: tuple[str, ...]) -> Iterator[Block]:
    yield from (Mark(text=mark) for mark in marks)
    yield Text(text=store_name, bold=True, align=Align.CENTER)
    yield Text(text=title, size=2, bold=True, align=Align.CENTER)
    yield Rule(double=True)


def _big(text: str, lane: str) -> Iterator[Block]:
    if lane:
        yield Text(text=lane, size=2, bold=True, align=Align.CENTER)
    yield Text(text=text, size=3, bold=True, align=Align.CENTER)


def _code(text: str) -> Iterator[Block]:
    # Code 128 holds ASCII alone; an order number of a foreign shop may be anything.
    if text.isascii() and text.isprintable():
        yield Code(kind=CodeKind.CODE128, data=text, caption=text)
