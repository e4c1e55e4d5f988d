"""A ledger that woke up on another machine gives nothing without a person (attacks 5)."""

from pathlib import Path

import made_shop
import pytest
from made_shop import MadeShop, v1

from edge.domain.facts import Policy
from edge.flow.answers import ScanAnswer
from edge.flow.asks import lapse
from edge.flow.caller import Caller
from edge.flow.claim import take_over
from edge.flow.handover import HandOverAsk, hand_over
from edge.flow.scan import ScanAsk, scan
from edge.flow.settings import Settings
from sync.rules.verdicts import Verdict
from sync.wire.catalog import AskRow

TAP = Settings(policy=Policy(confirm="tap"))
TILL1, TILL2 = Caller(station="till1", route="t"), Caller(station="till2", route="t")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made_shop.prepare(tmp_path / "data", orders=3)
    return tmp_path / "data"


async def claimed(folder: Path, number: int) -> str:
    """An order that till 1 of the true box serves; answers its id."""
    async with made_shop.open_shop(folder, settings=TAP) as made:
        answer = await scan(made.shop, TILL1, ScanAsk(text=v1(number)))
        assert isinstance(answer, ScanAnswer)
        assert answer.state == "claimed"
    return made_shop.order_id(number).hex()


def given(made: MadeShop) -> int:
    count: int = made.ledger.connection.execute("SELECT count(*) FROM redemption").fetchone()[0]
    return count


async def test_a_copy_on_another_machine_asks_for_a_person(folder: Path) -> None:
    async with made_shop.open_shop(folder, machine="box-2") as made:
        assert made.shop.identity.fenced
        answer = await scan(made.shop, TILL1, ScanAsk(text=v1(1)))
        assert isinstance(answer, ScanAnswer)
        assert (answer.verdict, answer.reason.code) == (Verdict.REVIEW, "fenced")
        assert answer.case is not None
        assert given(made) == 0


async def test_a_fence_outlives_the_way_back(folder: Path) -> None:
    async with made_shop.open_shop(folder, machine="box-2"):
        pass
    async with made_shop.open_shop(folder, machine="box-1", run="run-2") as made:
        assert made.shop.identity.fenced


async def test_a_copy_does_not_confirm_what_the_true_box_had_begun(folder: Path) -> None:
    order = await claimed(folder, 1)
    async with made_shop.open_shop(folder, settings=TAP, machine="box-2", run="run-2") as made:
        await hand_over(made.shop, TILL1, HandOverAsk(order=order))
        assert given(made) == 0


async def test_a_copy_does_not_take_over_what_the_true_box_had_begun(folder: Path) -> None:
    order = await claimed(folder, 1)
    async with made_shop.open_shop(folder, settings=TAP, machine="box-2", run="run-2") as made:
        answer = await take_over(made.shop, TILL2, order)
        assert not isinstance(answer, ScanAnswer) or answer.verdict is not Verdict.OK


async def test_a_copy_releases_nothing_and_lapses_nothing(folder: Path) -> None:
    async with made_shop.open_shop(folder, machine="box-2") as made:
        await made.feed(
            AskRow(
                ask_id=bytes(16),
                kind="release",
                order_id=made_shop.order_id(1),
                epoch=1,
                holder=made.shop.identity.incarnation,
                destination="hq:cancel",
                units=((1, 1),),
            )
        )
        rows = made.ledger.connection.execute("SELECT released, kept FROM ask_answer").fetchall()
        assert rows == [(0, 1)]
        assert await lapse(made.shop) == 0
        graves = made.ledger.connection.execute("SELECT count(*) FROM tombstone").fetchone()
        assert graves == (0,)
