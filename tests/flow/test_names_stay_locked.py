"""A box that rebooted without the line: names are locked, goods still go; a stolen disk is mute."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.flow.answers import Refusal, ScanAnswer
from edge.flow.emergency import print_list
from edge.flow.find import FindAsk, choose, find
from edge.flow.handover import HandOverAsk, hand_over
from edge.flow.slips import document
from edge.flow.status import status
from edge.store.effects import effect
from edge.store.tx import Tx
from sync.rules.verdicts import Verdict
from sync.wire.sealing import unseal

if TYPE_CHECKING:
    from tests.flow.conftest import Floor

PERSONAL = bytes(range(32, 64))
NAME, PHONE = "张三丰", "13800001234"


async def rebooted_offline(floor: "Floor") -> None:
    """The process starts again and no line brings the key of names."""
    await floor.stop()
    await floor.start(run="run-2")
    floor.shop.personal_key = None


async def test_after_a_reboot_without_the_line_names_show_as_locked_and_goods_still_go(
    floor: "Floor",
) -> None:
    goods = floor.order()
    await rebooted_offline(floor)
    assert (await status(floor.shop, "till-1")).names == "locked"
    done = await floor.scan(goods.v1)
    assert (done.verdict, done.state) == (Verdict.OK, "handed")
    assert done.order is not None
    assert (done.order.name, done.order.name_locked) == (None, True)
    assert (await floor.scan(goods.v1)).verdict is Verdict.ALREADY


async def test_every_way_in_works_without_the_key(floor: "Floor") -> None:
    serial, signed, platform = floor.order(), floor.order(), floor.order()
    await rebooted_offline(floor)
    assert (await floor.scan(serial.serial, pin=serial.pin)).verdict is Verdict.OK
    assert (await floor.scan(signed.v2)).verdict is Verdict.OK
    assert (await floor.scan(platform.platform)).verdict is Verdict.OK


async def test_the_slip_prints_without_a_name(floor: "Floor") -> None:
    goods = floor.order()
    await rebooted_offline(floor)
    done = await floor.scan(goods.v1)
    assert done.slip is not None
    number = done.slip.effect
    row = await floor.shop.writer.do(lambda tx: effect(tx, number), floor.shop.moment())
    assert row is not None
    paper = str(await document(floor.shop, row))
    assert goods.row.order_no in paper
    assert "张" not in paper


async def test_finding_by_phone_says_locked_and_by_order_still_hands_over(floor: "Floor") -> None:
    goods = floor.order()
    await rebooted_offline(floor)
    by_phone = await find(floor.shop, floor.caller(), FindAsk(phone_tail="1234", item="牛奶"))
    assert isinstance(by_phone, Refusal)
    assert by_phone.code == "names_locked"
    tail = goods.row.order_no[-4:]
    hits = await find(floor.shop, floor.caller(), FindAsk(order_tail=tail))
    assert not isinstance(hits, Refusal)
    assert [hit.name for hit in hits] == [None]
    chosen = await choose(floor.shop, floor.caller(), hits[0].order_id)
    assert isinstance(chosen, ScanAnswer)
    by_tail = HandOverAsk(order=hits[0].order_id, second_fact=tail)
    by_name = HandOverAsk(order=hits[0].order_id, second_fact=NAME)
    assert isinstance(await hand_over(floor.shop, floor.caller(), by_name), Refusal)
    assert isinstance(await hand_over(floor.shop, floor.caller(), by_tail), ScanAnswer)


async def test_names_open_again_with_the_key_and_a_wrong_key_opens_nothing(
    floor: "Floor",
) -> None:
    first, second = floor.order(), floor.order()
    await rebooted_offline(floor)
    floor.shop.personal_key = bytes(32)
    wrong = await floor.scan(first.v1)
    assert wrong.order is not None
    assert wrong.order.name_locked
    floor.shop.personal_key = PERSONAL
    right = await floor.scan(second.v1)
    assert right.order is not None
    assert right.order.name == "张**"


def everything_on_disk(folder: Path) -> bytes:
    """The image of a stolen disk: every byte of every file."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert any(path.name == "ledger.db" for path in files)
    assert any(path.name.startswith("catalog-") for path in files)
    return b"".join(path.read_bytes() for path in files)


@pytest.mark.parametrize("stopped", [False, True])
async def test_the_image_of_the_disk_holds_no_name_no_phone_and_no_key_to_them(
    floor: "Floor", *, stopped: bool
) -> None:
    goods = floor.order()
    await floor.scan(goods.v1)
    await floor.scan(floor.order().serial, pin="000000")
    hits = await find(floor.shop, floor.caller(), FindAsk(phone_tail="1234", item="牛奶"))
    assert not isinstance(hits, Refusal)
    chosen = await choose(floor.shop, floor.caller(), hits[0].order_id)
    assert isinstance(chosen, ScanAnswer)
    fact = HandOverAsk(order=hits[0].order_id, second_fact=NAME)
    assert isinstance(await hand_over(floor.shop, floor.caller(), fact), ScanAnswer)
    await print_list(floor.shop, floor.caller())
    if stopped:
        await floor.stop()
    image = everything_on_disk(floor.folder / "data")
    if stopped:
        await floor.start(run="run-2")
    secrets = (
        NAME.encode(),
        NAME[1:].encode(),
        NAME.encode("gb18030"),
        NAME.encode("utf-16-le"),
        PHONE.encode(),
        PHONE[-8:].encode(),
        PERSONAL,
        PERSONAL.hex().encode(),
    )
    assert [secret for secret in secrets if secret in image] == []
    assert goods.row.order_no.encode() in image, "the image is read as it is"


async def test_with_every_key_found_on_the_disk_a_sealed_name_stays_shut(floor: "Floor") -> None:
    """All 32-byte keys of the ledger are tried on what is sealed (attacks 30)."""
    goods = floor.order()
    await floor.scan(goods.v1)
    sealed = goods.row.sealed
    assert sealed is not None

    def keys(tx: Tx) -> list[bytes]:
        row = tx.one("identity")
        assert row is not None
        return [value for value in row if isinstance(value, bytes) and len(value) == 32]

    found = await floor.shop.writer.do(keys, floor.shop.moment())
    assert len(found) >= 2
    for key in found:
        with pytest.raises(ValueError, match="another key"):
            unseal(key, sealed, bound_to=goods.row.order_id)
    assert unseal(PERSONAL, sealed, bound_to=goods.row.order_id)
