"""The daily reconciliation at headquarters: our books against a node's, as of one of its events.

What the node told behind that event is taken out of ours, so nobody has to stand still meanwhile.
A conflict is a hand-over that both sides know, and no difference. What differs after the node has
handed its events in again becomes a case, once, and stands in the signed result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row, delete, insert, select

from sync.hub import ingest
from sync.hub.enrolment import EnrolledNode
from sync.hub.identity import Hub
from sync.hub.problems import Problem, invalid
from sync.hub.stores import Json
from sync.hub.tables import event, node, order_line, pickup_order, redemption, review_case
from sync.hub.tables_reconcile import reconcile_report
from sync.rules.reconcile import Fact, block_of, blocks, differing, facts_differing, hash_of
from sync.wire import codec
from sync.wire.errors import RemoteWireError
from sync.wire.events import Undone
from sync.wire.messages import MAX_BATCH_EVENTS, EventBatch
from sync.wire.reconcile import (
    MOST_DIFFERENCES,
    Detail,
    Difference,
    Differs,
    EventsAgain,
    ReconcileAnswer,
    ReconcileAsk,
    Report,
    Result,
    open_report,
    open_result,
    sign_result,
)

REASON = "reconcile_differs"
_MOST_SHOWN = 60
_CHUNK = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class _Books:
    """What we hold of a node's hand-overs. skus: pieces by article, those taken back left out."""

    facts: Mapping[int, Fact]
    skus: Mapping[str, int]


def take(hub: Hub, sender: EnrolledNode, ask: ReconcileAsk) -> ReconcileAnswer:
    """Compare a node's report with our books; keep report and result when there is a result.

    The same report again is answered as before.

    Raises:
        Problem: 409 `not_yet` when we do not hold all that it speaks of; 422 when it is none.
    """
    report = open_report(ask.report, ask.signature, sender.public)
    _check(sender, report)
    with hub.database.reading() as connection:
        before = _kept(connection, report)
        if before is not None and before.report == ask.report:
            return ReconcileAnswer(result=before.result, signature=before.result_signature)
        acked = connection.execute(
            select(node.c.acked_seq).where(
                node.c.node == sender.node, node.c.incarnation == report.incarnation
            )
        ).scalar_one()
        if acked < report.seq:
            raise Problem(
                status=409,
                code="not_yet",
                detail="Events of this report have not arrived.",
                extra={"acked_seq": int(acked)},
            )
        books = _books(connection, report)
        wanted = differing(report.blocks, blocks(books.facts.values()))
        if wanted and ask.details is None:
            return ReconcileAnswer(wanted=wanted)
        differences = [
            *_handovers(connection, wanted, ask.details or (), books),
            *_articles(report, books),
        ]
    return _keep(hub, sender, ask, report, books, differences)


def again(hub: Hub, sender: EnrolledNode, batch: EventBatch) -> EventsAgain:
    """Events that were answered before: those we have are known, those we lost are taken in."""
    seqs = [each.seq for each in batch.events]
    if len(seqs) > MAX_BATCH_EVENTS or seqs != sorted(set(seqs)):
        raise invalid("A batch has at most 1,000 events, each once, in the order of their seqs.")
    with hub.database.writing() as connection:
        return EventsAgain(
            rows=ingest.take_again(
                connection, sender, batch.incarnation, batch.events, hub.clock.now_ms()
            )
        )


def _check(sender: EnrolledNode, report: Report) -> None:
    if (report.store, report.node, report.incarnation) != (
        sender.store,
        sender.node,
        sender.incarnation,
    ):
        raise invalid("The report is another box's.")
    numbers = (report.first, report.last, report.seq, report.at_ms)
    if min(numbers) < 0 or max(numbers) >= 2**63 or len(report.day) != 10:
        raise invalid("The report names no day and no range.")


def _kept(connection: Connection, report: Report) -> Row[tuple[object, ...]] | None:
    return connection.execute(
        select(reconcile_report).where(
            reconcile_report.c.store == report.store,
            reconcile_report.c.day == report.day,
            reconcile_report.c.node == report.node,
            reconcile_report.c.incarnation == report.incarnation,
        )
    ).first()


def _books(connection: Connection, report: Report) -> _Books:
    """Our side, as of the report's event: what the node told later is taken out again."""
    rows = connection.execute(
        select(
            redemption.c.handover,
            redemption.c.order_id,
            redemption.c.line,
            redemption.c.unit,
            redemption.c.state,
            order_line.c.sku,
        )
        .outerjoin(
            order_line,
            (order_line.c.order_id == redemption.c.order_id)
            & (order_line.c.line == redemption.c.line),
        )
        .where(
            redemption.c.incarnation == report.incarnation,
            redemption.c.handover.between(report.first, report.last),
            redemption.c.seq <= report.seq,
        )
    ).all()
    later = _undone_later(connection, report)
    units: dict[int, list[tuple[int, int]]] = {}
    order: dict[int, bytes] = {}
    undone: dict[int, bool] = {}
    skus: dict[str, int] = {}
    for row in rows:
        units.setdefault(row.handover, []).append((row.line, row.unit))
        order[row.handover] = row.order_id
        back = row.state in ("undone", "conflict_undone") and row.handover not in later
        undone[row.handover] = back
        if not back:
            skus[row.sku or ""] = skus.get(row.sku or "", 0) + 1
    facts = {
        number: Fact(
            handover=number,
            order_id=order[number],
            units=tuple(sorted(each)),
            undone=undone[number],
        )
        for number, each in units.items()
    }
    return _Books(facts=facts, skus=skus)


def _undone_later(connection: Connection, report: Report) -> set[int]:
    found = connection.execute(
        select(event.c.body).where(
            event.c.node == report.node,
            event.c.incarnation == report.incarnation,
            event.c.seq > report.seq,
            event.c.kind == "undone",
        )
    )
    later: set[int] = set()
    for (body,) in found:
        try:
            later.add(codec.from_json(Undone, body).handover)
        except RemoteWireError:
            continue  # one that could not be read changed nothing
    return later


def _handovers(
    connection: Connection, wanted: Sequence[int], details: Sequence[Detail], books: _Books
) -> list[Difference]:
    """Hand-overs of the blocks that differ, one by one."""
    looked_at = set(wanted)
    told = {
        each.handover: Fact(
            handover=each.handover,
            order_id=each.order_id,
            units=tuple(sorted(each.units)),
            undone=each.undone,
        )
        for each in details
        if block_of(each.handover) in looked_at
    }
    held = {number: fact for number, fact in books.facts.items() if block_of(number) in looked_at}
    found = facts_differing(told, held)
    orders = {number: (told.get(number) or held[number]).order_id for number, _ in found}
    names = _order_numbers(connection, sorted(set(orders.values())))
    return [
        Difference(
            kind=_kind(word),
            handover=number,
            order_id=orders[number],
            order_no=names.get(orders[number]),
            node=_words(told.get(number)),
            hub=_words(held.get(number)),
        )
        for number, word in found
    ]


def _kind(word: str) -> Differs:
    match word:
        case "hub_lacks" | "node_lacks" | "order" | "units" | "undone":
            return word
        case _:
            raise AssertionError(word)


def _words(fact: Fact | None) -> str:
    if fact is None:
        return "-"
    units = " ".join(f"{line}.{unit}" for line, unit in fact.units[:20])
    return f"{units}{' …' if len(fact.units) > 20 else ''}{' undone' if fact.undone else ''}"


def _order_numbers(connection: Connection, orders: Sequence[bytes]) -> dict[bytes, str]:
    names: dict[bytes, str] = {}
    for start in range(0, len(orders), _CHUNK):
        rows = connection.execute(
            select(pickup_order.c.order_id, pickup_order.c.order_no).where(
                pickup_order.c.order_id.in_(orders[start : start + _CHUNK])
            )
        )
        names |= {row.order_id: row.order_no for row in rows}
    return names


def _articles(report: Report, books: _Books) -> list[Difference]:
    """Pieces by article. Pieces whose article one side does not know may be of any."""
    told = {each.sku: each.handed for each in report.skus}
    slack = report.sku_unknown + books.skus.get("", 0)
    wrong = {
        sku: (told.get(sku, 0), books.skus.get(sku, 0))
        for sku in sorted({*told, *books.skus} - {""})
        if told.get(sku, 0) != books.skus.get(sku, 0)
    }
    if slack and sum(told.values()) + report.sku_unknown == sum(books.skus.values()):
        return []
    return [
        Difference(kind="sku", sku=sku, node=str(theirs), hub=str(ours))
        for sku, (theirs, ours) in wrong.items()
    ]


def _keep(
    hub: Hub,
    sender: EnrolledNode,
    ask: ReconcileAsk,
    report: Report,
    books: _Books,
    differences: Sequence[Difference],
) -> ReconcileAnswer:
    now_ms = hub.clock.now_ms()
    result = Result(
        store=report.store,
        node=report.node,
        incarnation=report.incarnation,
        day=report.day,
        at_ms=now_ms,
        report_hash=hash_of(ask.report),
        handovers=len(books.facts),
        pieces=sum(books.skus.values()),
        total=len(differences),
        differences=tuple(differences[:MOST_DIFFERENCES]),
    )
    packed, signature = sign_result(result, hub.signer)
    with hub.database.writing() as connection:
        connection.execute(
            delete(reconcile_report).where(
                reconcile_report.c.store == report.store,
                reconcile_report.c.day == report.day,
                reconcile_report.c.node == report.node,
                reconcile_report.c.incarnation == report.incarnation,
            )
        )
        connection.execute(
            insert(reconcile_report).values(
                store=report.store,
                day=report.day,
                node=report.node,
                incarnation=report.incarnation,
                seq=report.seq,
                received_ms=now_ms,
                report=ask.report,
                signature=ask.signature,
                result=packed,
                result_signature=signature,
                differences=len(differences),
            )
        )
        for each in result.differences:
            _open_case(connection, sender, each, now_ms)
    return ReconcileAnswer(result=packed, signature=signature)


def _open_case(
    connection: Connection, sender: EnrolledNode, difference: Difference, now_ms: int
) -> None:
    """Put a difference before a person; the same one of a later day is not opened again."""
    about = f"hand-over {difference.handover}" if difference.handover is not None else ""
    about = about or f"article {difference.sku}"
    detail = f"{difference.kind} {about}: node {difference.node} hub {difference.hub}"
    same = select(review_case.c.case_id).where(
        review_case.c.source == "hub",
        review_case.c.node == sender.node,
        review_case.c.incarnation == sender.incarnation,
        review_case.c.reason == REASON,
        review_case.c.detail == detail,
    )
    if connection.execute(same).first() is not None:
        return
    connection.execute(
        insert(review_case).values(
            source="hub",
            store=sender.store,
            node=sender.node,
            incarnation=sender.incarnation,
            order_id=difference.order_id,
            reason=REASON,
            detail=detail,
            opened_ms=now_ms,
        )
    )


def reports(hub: Hub, store: int) -> list[Json]:
    """A store's reconciliations, newest day first; at most 60."""
    with hub.database.reading() as connection:
        rows = connection.execute(
            select(reconcile_report)
            .where(reconcile_report.c.store == store)
            .order_by(reconcile_report.c.day.desc(), reconcile_report.c.received_ms.desc())
            .limit(_MOST_SHOWN)
        ).all()
    return [_view(hub, row) for row in rows]


def _view(hub: Hub, row: Row[tuple[object, ...]]) -> Json:
    result = open_result(row.result, row.result_signature, hub.signer.public)
    report = codec.from_json(Report, row.report)
    return {
        "store": row.store,
        "day": row.day,
        "node": row.node,
        "incarnation": row.incarnation.hex(),
        "seq": row.seq,
        "reported_ms": report.at_ms,
        "received_ms": row.received_ms,
        "agreed": result.total == 0,
        "handovers": {
            "node": sum(block.count for block in report.blocks),
            "hub": result.handovers,
        },
        "pieces": {
            "node": sum(each.handed for each in report.skus) + report.sku_unknown,
            "hub": result.pieces,
        },
        "articles": {each.sku: each.handed for each in report.skus},
        "differences": result.total,
        "listed": [
            {
                "kind": each.kind,
                "handover": each.handover,
                "order_no": each.order_no,
                "sku": each.sku,
                "node": each.node,
                "hub": each.hub,
            }
            for each in result.differences
        ],
        "report_hash": result.report_hash.hex(),
        "signed_by_node": row.signature.hex(),
        "signed_by_hub": row.result_signature.hex(),
    }
