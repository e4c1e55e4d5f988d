"""Somebody remembers how far the box had come: a copy that is behind fences itself."""

import shutil
from collections.abc import Callable
from pathlib import Path

import made_shop
import pytest
from made_shop import MadeShop, v1

from edge.domain import witness as witnesses
from edge.flow.answers import ScanAnswer
from edge.flow.boxes import WitnessStand, start_over
from edge.flow.caller import Caller
from edge.flow.scan import ScanAsk, scan
from edge.main.keeping import hear_file
from sync.rules.verdicts import Verdict

TILL = Caller(station="till1", route="t")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made_shop.prepare(tmp_path / "data", orders=3)
    return tmp_path / "data"


def copied(folder: Path) -> Path:
    """The disk as it is, somewhere else: what a careful thief, or a sleepy clerk, restores."""
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)
    return copy


async def given(made: MadeShop, number: int) -> Verdict | None:
    answer = await scan(made.shop, TILL, ScanAsk(text=v1(number)))
    assert isinstance(answer, ScanAnswer)
    return answer.verdict


async def test_a_copy_behind_what_a_counter_saw_gives_nothing(folder: Path) -> None:
    copy = copied(folder)
    async with made_shop.open_shop(folder) as made:
        assert await given(made, 1) is Verdict.OK
        line = await WitnessStand(made.shop).renew()
        before = made.shop.identity.incarnation
    async with made_shop.open_shop(copy, run="run-2") as made:
        assert await WitnessStand(made.shop).hear(line, source="till1") == "ahead"
        assert made.shop.identity.fenced
        assert await given(made, 1) is Verdict.REVIEW
        await start_over(made.shop)
        assert made.shop.identity.incarnation != before
        assert await WitnessStand(made.shop).hear(line, source="till1") == "known"


async def test_the_box_itself_knows_its_own_word(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        stand = WitnessStand(made.shop)
        first = await stand.renew()
        assert await given(made, 1) is Verdict.OK
        for line in (first, await stand.renew()):
            assert await WitnessStand(made.shop).hear(line, source="till1") == "known"
        assert not made.shop.identity.fenced


async def test_a_copy_that_went_another_way_is_found_out(folder: Path) -> None:
    copy = copied(folder)
    async with made_shop.open_shop(folder) as made:
        assert await given(made, 1) is Verdict.OK
        line = await WitnessStand(made.shop).renew()
    async with made_shop.open_shop(copy, run="run-2") as made:
        for number in (2, 3):
            assert await given(made, number) is Verdict.OK
        assert await WitnessStand(made.shop).hear(line, source="till1") == "fork"
        assert made.shop.identity.fenced


def _other_key(line: str) -> str:
    known = witnesses.Witness(node="A" * 16, incarnation=bytes(8), seq=10**9, head=bytes(32))
    return witnesses.text_of(known, bytes(32))


def _further(line: str) -> str:
    words = line.split(".")
    return ".".join([*words[:3], str(int(words[3]) + 1_000), *words[4:]])


@pytest.mark.parametrize(
    "forge", [_other_key, _further, lambda line: line[:-1], lambda _: "x" * 500]
)
async def test_what_the_box_never_said_is_ignored_and_counted(
    folder: Path, forge: Callable[[str], str]
) -> None:
    async with made_shop.open_shop(folder) as made:
        stand = WitnessStand(made.shop)
        line = await stand.renew()
        assert await stand.hear(forge(line), source="till1") == "foreign"
        assert not made.shop.identity.fenced
        assert made.shop.counts["witness_foreign"] == 1
        assert await given(made, 1) is Verdict.OK


async def test_a_stick_in_the_box_tells_as_much(folder: Path, tmp_path: Path) -> None:
    copy, stick = copied(folder), tmp_path / "witness.txt"
    async with made_shop.open_shop(folder) as made:
        assert await given(made, 1) is Verdict.OK
        stick.write_text(await WitnessStand(made.shop).renew() + "\n", encoding="ascii")
        await hear_file(WitnessStand(made.shop), stick)
        assert not made.shop.identity.fenced
    async with made_shop.open_shop(copy, run="run-2") as made:
        await hear_file(WitnessStand(made.shop), stick)
        assert made.shop.identity.fenced


async def test_a_missing_stick_fences_nobody(folder: Path, tmp_path: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        await hear_file(WitnessStand(made.shop), tmp_path / "none")
        assert not made.shop.identity.fenced


async def test_a_fence_by_a_witness_outlives_the_process(folder: Path) -> None:
    copy = copied(folder)
    async with made_shop.open_shop(folder) as made:
        await given(made, 1)
        line = await WitnessStand(made.shop).renew()
    async with made_shop.open_shop(copy, run="run-2") as made:
        before = made.shop.identity.incarnation
        await WitnessStand(made.shop).hear(line, source="till1")
    async with made_shop.open_shop(copy, run="run-3") as made:
        assert made.shop.identity.fenced
        assert made.shop.identity.fenced_why == "witness"
        assert made.shop.identity.incarnation != before
