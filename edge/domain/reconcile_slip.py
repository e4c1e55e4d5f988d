"""The paper of a daily reconciliation: what the shop and HQ compared, and what they found."""

from collections.abc import Iterator
from dataclasses import dataclass

from drivers.ports.document import Align, Block, Document, Feed, Mark, Row, Rule, Text

_MOST_ARTICLES = 40
_MOST_DIFFERENCES = 30
_TAIL_FEED = Feed(lines=2)  # the cutter sits above the head: the last line must clear it
_KINDS = {
    "hub_lacks": ("总部没有", "HQ has it not"),
    "node_lacks": ("本店没有", "The shop has it not"),
    "order": ("订单不同", "Another order"),
    "units": ("件数不同", "Other pieces"),
    "undone": ("撤销不同", "Undone on one side"),
    "sku": ("商品数不同", "Other number of pieces"),
    "stock": ("库存不同", "Other stock"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileLine:
    """A difference: its kind, what it is about, and what each side says."""

    kind: str
    about: str
    node: str
    hub: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileFacts:
    """A day's report. at_text, answered_text: store time.

    node_mark, hub_mark: the beginnings of the signatures, in hexadecimal.
    """

    store_name: str
    day: str
    at_text: str
    answered_text: str
    handovers: int
    pieces: int
    articles: tuple[tuple[str, int], ...]
    total: int
    differences: tuple[ReconcileLine, ...]
    node_mark: str
    hub_mark: str


def reconcile_slip(facts: ReconcileFacts, *, marks: tuple[str, ...] = ()) -> Document:
    """The day's report with both signatures' marks."""
    agreed = facts.total == 0
    verdict = "与总部一致" if agreed else f"{facts.total} 处不符"
    english = "Agrees with HQ" if agreed else f"{facts.total} differences: see the review queue"
    return Document(
        blocks=(
            *(Mark(text=mark) for mark in marks),
            Text(text=facts.store_name, bold=True, align=Align.CENTER),
            Text(text="对账单", size=2, bold=True, align=Align.CENTER),
            Text(text="DAILY RECONCILIATION", bold=True, align=Align.CENTER),
            Rule(double=True),
            Row(left="营业日 Day", right=facts.day, bold=True),
            Row(left="本店 Shop", right=facts.at_text),
            Row(left="总部 HQ", right=facts.answered_text),
            Rule(),
            Row(left="交付 Hand-overs", right=str(facts.handovers), bold=True),
            Row(left="件数 Pieces", right=str(facts.pieces), bold=True),
            *_articles(facts),
            Rule(),
            Text(text=verdict, size=2, bold=True, align=Align.CENTER),
            Text(text=english, align=Align.CENTER),
            *_differences(facts),
            Rule(),
            Row(left="本店签名 Shop signed", right=facts.node_mark),
            Row(left="总部签名 HQ signed", right=facts.hub_mark),
            _TAIL_FEED,
        )
    )


def _articles(facts: ReconcileFacts) -> Iterator[Block]:
    for sku, pieces in facts.articles[:_MOST_ARTICLES]:
        yield Row(left=sku, right=f"×{pieces}")
    more = len(facts.articles) - _MOST_ARTICLES
    if more > 0:
        yield Text(text=f"另有 {more} 种 {more} more")


def _differences(facts: ReconcileFacts) -> Iterator[Block]:
    for each in facts.differences[:_MOST_DIFFERENCES]:
        zh, en = _KINDS.get(each.kind, (each.kind, ""))
        yield Row(left=each.about, right=zh, bold=True)
        yield Text(text=f"  {en} · {each.node} / {each.hub}")
    more = facts.total - min(len(facts.differences), _MOST_DIFFERENCES)
    if more > 0:
        yield Text(text=f"另有 {more} 处未列出 {more} more not listed", bold=True)
