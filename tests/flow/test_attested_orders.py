"""What the box before held is given on a person's word that it is still here, one by one."""

from pathlib import Path

import made_shop
import pytest
from made_shop import MadeShop, order_row, v1

from edge.flow import review
from edge.flow.answers import CaseView, Refusal, ScanAnswer
from edge.flow.boxes import doubt, read_again, start_over
from edge.flow.caller import Caller
from edge.flow.operator import Approval
from edge.flow.scan import ScanAsk, scan
from edge.store.identity import enrol
from edge.store.tx import Tx
from sync.rules.verdicts import Verdict
from sync.wire.catalog import StaffRow

TILL = Caller(station="till1", route="t")
PIN = "271828"
BEFORE = b"beforebx"


async def given(made: MadeShop, number: int) -> ScanAnswer:
    made.shop.station("till1").seen.clear()
    answer = await scan(made.shop, TILL, ScanAsk(text=v1(number)))
    assert isinstance(answer, ScanAnswer)
    return answer


async def with_supervisor(made: MadeShop) -> None:
    from argon2 import PasswordHasher

    pin_hash = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PIN)
    await made.feed(
        StaffRow(staff_id="S7", name="赵", role="supervisor", badge=None, pin_hash=pin_hash)
    )


async def released(made: MadeShop, case: int | None) -> CaseView | Refusal:
    assert case is not None
    by = Approval(staff_id="S7", pin=PIN)
    return await review.release(made.shop, TILL, case, by, "on the shelf")


async def held_before(made: MadeShop, number: int, *, epoch: int = 1) -> None:
    await made.feed(
        order_row(
            number,
            holder=BEFORE,
            not_after_ms=made.shop.moment().trusted_ms + made_shop.HOUR_MS,
            epoch=epoch,
        )
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made_shop.prepare(tmp_path / "data", orders=2)
    return tmp_path / "data"


async def test_goods_found_by_a_supervisor_are_given_and_hq_is_told(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        await with_supervisor(made)
        await held_before(made, 9)
        asked = await given(made, 9)
        assert (asked.verdict, asked.reason.code) == (Verdict.REVIEW, "fenced")
        answer = await released(made, asked.case)
        assert isinstance(answer, CaseView)
        assert answer.outcome == "released"
        assert (await given(made, 9)).verdict is Verdict.OK
        assert (await given(made, 9)).verdict is Verdict.ALREADY
        kinds = [
            row[0] for row in made.ledger.connection.execute("SELECT kind FROM outbox ORDER BY seq")
        ]
        assert kinds.index("attested") < kinds.index("handed")


async def test_a_word_for_one_order_is_none_for_another(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        await with_supervisor(made)
        await held_before(made, 8)
        await held_before(made, 9)
        await released(made, (await given(made, 9)).case)
        assert (await given(made, 8)).verdict is Verdict.REVIEW


async def test_a_word_does_not_outlive_the_order_s_next_epoch(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        await with_supervisor(made)
        await held_before(made, 9)
        await released(made, (await given(made, 9)).case)
        await held_before(made, 9, epoch=2)
        assert (await given(made, 9)).verdict is Verdict.REVIEW


async def test_a_fenced_box_takes_nobody_s_word(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        await with_supervisor(made)
        await doubt(made.shop, "witness", "a test")
        asked = await given(made, 1)
        assert asked.verdict is Verdict.REVIEW
        answer = await released(made, asked.case)
        assert isinstance(answer, Refusal)
        assert answer.code == "still_fenced"
        assert (await given(made, 1)).verdict is Verdict.REVIEW


async def test_once_attested_the_box_gives_new_orders_and_asks_for_old_ones(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        before = made.shop.identity
        assert before.enrolled is not None
        certificate = before.enrolled.certificate
        await doubt(made.shop, "witness", "a test")
        await start_over(made.shop)
        fenced = made.shop.identity
        assert fenced.fenced
        assert fenced.incarnation != before.incarnation
        assert not fenced.is_certified
        import msgspec

        from sync.wire.codec import pack

        fresh = msgspec.structs.replace(certificate, incarnation=fenced.incarnation)
        known = before.enrolled

        def keep(tx: Tx) -> None:
            enrol(tx, pack(fresh), known.k_store, known.hub_public, 1)

        await made.shop.writer.do(keep, made.shop.moment())
        await read_again(made.shop)
        assert made.shop.identity.is_certified
        assert not made.shop.identity.fenced
        assert (await given(made, 1)).verdict is Verdict.REVIEW
        await made.feed(
            order_row(
                7,
                holder=fenced.incarnation,
                not_after_ms=made.shop.moment().trusted_ms + made_shop.HOUR_MS,
            )
        )
        assert (await given(made, 7)).verdict is Verdict.OK
