"""Transfers and purchases at a store: moved once, as counted, and their stock with them."""

from typing import TYPE_CHECKING, TypeVar

import pytest

from edge.flow import documents
from edge.flow.answers import Refusal, ScanAnswer
from edge.flow.documents import DocumentView, MoveAsk
from edge.flow.operator import sign_in
from edge.flow.reading import read
from edge.flow.scan import ScanAsk
from edge.store import stock
from edge.store.catalog import put
from edge.store.stock import Movement
from edge.store.tx import Tx
from sync.wire.catalog import DocumentRow

if TYPE_CHECKING:
    from tests.flow.conftest import Floor

T = TypeVar("T")
HERE, OTHER = 7, 9


def made(answer: T | Refusal) -> T:
    assert not isinstance(answer, Refusal), answer
    return answer


def refused(answer: object) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code


@pytest.fixture
async def shelf(floor: "Floor") -> "Floor":
    made(await sign_in(floor.shop, floor.caller(), "c1", "1357"))
    return floor


def document(
    floor: "Floor", name: str = "TR000001", *, from_store: int | None = HERE, to_store: int = OTHER
) -> str:
    row = DocumentRow(
        document=name,
        kind="purchase" if from_store is None else "transfer",
        from_store=from_store,
        to_store=to_store,
        supplier="乳业公司" if from_store is None else "",
        lines=((1, "MILK", 12), (2, "ICE", 4)),
        state="draft",
        created_ms=1,
    )
    put(floor.opened.catalog._connection, row)
    return name


async def on_hand(floor: "Floor", sku: str) -> int | None:
    def look(tx: Tx) -> int | None:
        known = stock.level(tx, sku)
        return None if known is None else known.rights.on_hand

    return await floor.shop.writer.do(look, floor.shop.moment())


async def counted(floor: "Floor", sku: str, pieces: int) -> None:
    await floor.shop.writer.do(
        lambda tx: stock.move(tx, Movement(sku=sku, kind="receipt", quantity=pieces)),
        floor.shop.moment(),
    )


async def told(floor: "Floor") -> int:
    return await floor.count("SELECT count(*) FROM outbox WHERE kind = 'document_moved'")


async def test_a_transfer_leaves_once_and_its_stock_with_it(shelf: "Floor") -> None:
    name = document(shelf)
    await counted(shelf, "MILK", 20)
    ask = MoveAsk(counts=((1, 12), (2, 3)))
    first = made(await documents.dispatch(shelf.shop, shelf.caller(), name, ask))
    assert (first.state, first.may) == ("dispatched", None)
    assert [line.dispatched for line in first.lines] == [12, 3]
    again = made(await documents.dispatch(shelf.shop, shelf.caller(), name, MoveAsk()))
    assert again == first
    assert await told(shelf) == 1
    assert await on_hand(shelf, "MILK") == 8


async def test_an_article_that_nobody_counted_gets_no_level_by_a_document(shelf: "Floor") -> None:
    name = document(shelf, "PO000001", from_store=None, to_store=HERE)
    made(await documents.receive(shelf.shop, shelf.caller(), name, MoveAsk()))
    assert await on_hand(shelf, "ICE") is None
    assert shelf.shop.stock_managed == set()


async def test_what_arrives_is_taken_as_counted_also_before_hq_heard_that_it_left(
    shelf: "Floor",
) -> None:
    name = document(shelf, from_store=OTHER, to_store=HERE)
    await counted(shelf, "MILK", 1)
    ask = MoveAsk(counts=((1, 11), (2, 4)))
    view = made(await documents.receive(shelf.shop, shelf.caller(), name, ask))
    assert (view.state, [line.received for line in view.lines]) == ("short", [11, 4])
    assert await on_hand(shelf, "MILK") == 12


@pytest.mark.parametrize(
    ("counts", "code"),
    [(((1, 12),), "bad_counts"), (((1, 12), (2, -1)), "bad_counts"), (((3, 1),), "bad_counts")],
)
async def test_a_count_that_does_not_fit_the_document_moves_nothing(
    shelf: "Floor", counts: tuple[tuple[int, int], ...], code: str
) -> None:
    name = document(shelf)
    answer = await documents.dispatch(shelf.shop, shelf.caller(), name, MoveAsk(counts=counts))
    assert refused(answer) == code
    assert await told(shelf) == 0


async def test_a_store_moves_only_its_own_side(shelf: "Floor") -> None:
    name = document(shelf)
    answer = await documents.receive(shelf.shop, shelf.caller(), name, MoveAsk())
    assert refused(answer) == "not_our_document"
    unknown = await documents.receive(shelf.shop, shelf.caller(), "TR999999", MoveAsk())
    assert refused(unknown) == "no_document"


async def test_nobody_moves_goods_unnamed(floor: "Floor") -> None:
    name = document(floor)
    answer = await documents.dispatch(floor.shop, floor.caller(), name, MoveAsk())
    assert refused(answer) == "operator_needed"


async def test_its_paper_is_named_under_a_scanner_and_is_no_pickup_code(shelf: "Floor") -> None:
    name = document(shelf)
    slip = made(await documents.print_document(shelf.shop, shelf.caller(), name))
    assert slip.state == "queued"
    answer = await read(shelf.shop, shelf.caller(), ScanAsk(text=f"DOC:{name}"))
    assert isinstance(answer, ScanAnswer)
    assert (answer.kind, answer.paper, answer.verdict) == ("paper", f"document:{name}", None)


async def test_what_was_moved_stands_after_a_restart(shelf: "Floor") -> None:
    name = document(shelf)
    made(await documents.dispatch(shelf.shop, shelf.caller(), name, MoveAsk()))
    await shelf.stop()
    await shelf.start(run="run-2")
    views: tuple[DocumentView, ...] = await documents.listed(shelf.shop, "till-1")
    assert [view.state for view in views] == ["dispatched"]
