"""The practice sheet: codes to scan in training mode, with what each one teaches."""

from dataclasses import dataclass

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
from edge.domain.slip import MARK_TRAINING


@dataclass(frozen=True, slots=True, kw_only=True)
class PracticeItem:
    """One thing to try. code: what the symbol says; typed: the same in groups; pin: of a serial."""

    title_zh: str
    title_en: str
    order_no: str
    code: str
    typed: str
    pin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PracticePerson:
    """Somebody who exists in training only."""

    name: str
    role_zh: str
    role_en: str
    pin: str


def practice_sheet(
    items: tuple[PracticeItem, ...],
    people: tuple[PracticePerson, ...],
    *,
    store_name: str,
    at_text: str,
) -> Document:
    """The sheet as paper; it may be kept, its codes are the same every day."""
    body: list[Block] = []
    for number, item in enumerate(items, start=1):
        body += (
            Text(text=f"{number}. {item.title_zh}", bold=True),
            Text(text=item.title_en),
            Code(kind=CodeKind.QR, data=item.code, caption=item.typed),
        )
        body.append(Row(left="订单 Order", right=item.order_no))
        if item.pin is not None:
            body.append(Row(left="密码 PIN", right=item.pin, bold=True))
        body.append(Rule())
    body.append(Text(text="练习里的同事和密码 People and PINs of training", bold=True))
    body += (
        Row(left=f"{person.name} {person.role_zh} {person.role_en}", right=person.pin)
        for person in people
    )
    return Document(
        blocks=(
            Mark(text=MARK_TRAINING),
            Text(text=store_name, bold=True, align=Align.CENTER),
            Text(text="练习单", size=2, bold=True, align=Align.CENTER),
            Text(text="PRACTICE SHEET", bold=True, align=Align.CENTER),
            Row(left="打印 Printed", right=at_text),
            Rule(double=True),
            Text(text="先在“更多”里进入练习模式,再扫下面的码。练习不动真货,每天清零。"),
            Text(text="Start training first. Nothing here is real; it begins anew each day."),
            Rule(),
            *body,
            Feed(lines=2),
        )
    )
