"""HQ signed that another box took this one's place: it is fenced for good, wherever it hears it."""

import asyncio
import socket
from pathlib import Path

import made_shop
import pytest
from hand_clock import HandClock
from made_shop import HUB, MadeShop, v1

from edge.flow.answers import ScanAnswer
from edge.flow.boxes import hear_takeover, start_over
from edge.flow.caller import Caller
from edge.flow.scan import ScanAsk, scan
from edge.main.lan import Net, keep_telling
from edge.store.incarnation import keep_papers
from sync.rules.verdicts import Verdict
from sync.wire.messages import SignedTakeOver
from sync.wire.signature import Signer
from sync.wire.takeover import TakeOver, sign_takeover

TILL = Caller(station="till1", route="t")
WITHIN_S = 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made_shop.prepare(tmp_path / "data", orders=2)
    return tmp_path / "data"


def paper(made: MadeShop, *, node: str = "", signer: Signer = HUB) -> SignedTakeOver:
    known = made.shop.identity.enrolled
    assert known is not None
    return sign_takeover(
        TakeOver(
            chain="c",
            store=made_shop.STORE,
            node=node or known.certificate.node,
            incarnation=known.certificate.incarnation,
            successor_node="B" * 16,
            successor_incarnation=b"newboxed",
            attested_by="Manager Wang",
            at_ms=1,
        ),
        signer,
    )


async def given(made: MadeShop, number: int) -> Verdict | None:
    answer = await scan(made.shop, TILL, ScanAsk(text=v1(number)))
    assert isinstance(answer, ScanAnswer)
    return answer.verdict


async def test_a_replaced_box_is_fenced_and_stays_so_offline(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        before = made.shop.identity.incarnation
        assert await hear_takeover(made.shop, paper(made))
        assert await given(made, 1) is Verdict.REVIEW
        await start_over(made.shop)
        assert made.shop.identity.incarnation == before, "it does not ask to come back by itself"
    async with made_shop.open_shop(folder, run="run-2") as made:
        assert made.shop.identity.fenced_why == "superseded"
        assert await given(made, 1) is Verdict.REVIEW


async def test_a_paper_of_another_box_or_another_hand_means_nothing(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        assert not await hear_takeover(made.shop, paper(made, node="C" * 16))
        assert not await hear_takeover(made.shop, paper(made, signer=Signer.generate()))
        assert not await hear_takeover(made.shop, SignedTakeOver(takeover=b"", signature=b""))
        assert await given(made, 1) is Verdict.OK


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_the_new_box_tells_the_old_one_without_hq(folder: Path, tmp_path: Path) -> None:
    made_shop.prepare(tmp_path / "new", orders=1)
    old_port, new_port = free_port(), free_port()
    clock = HandClock(wall_ms=1_790_000_000_000, boot_ms=1_000)
    async with (
        made_shop.open_shop(folder) as old,
        made_shop.open_shop(tmp_path / "new", clock=clock) as new,
    ):
        paper_ = paper(old)
        await new.shop.writer.do(lambda tx: keep_papers(tx, [paper_]), new.shop.moment())
        here = ("127.0.0.1", new_port)
        there = ("127.0.0.1", old_port)
        telling = (
            asyncio.create_task(keep_telling(old.shop, Net(hear=there, speak=here))),
            asyncio.create_task(keep_telling(new.shop, Net(hear=here, speak=there))),
        )
        try:
            async with asyncio.timeout(WITHIN_S):
                while not old.shop.doubted.is_set():
                    clock.advance(30_000)
                    await asyncio.sleep(0.02)
        finally:
            for task in telling:
                task.cancel()
            await asyncio.gather(*telling, return_exceptions=True)
        assert old.shop.identity.fenced_why == "superseded"
        assert await given(old, 1) is Verdict.REVIEW
        assert not new.shop.identity.fenced
