"""Scenes of the rules that keep an old, copied or replaced box from giving (attacks 5, 6, 12)."""

import io
import secrets
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path

import made_shop
import pytest
from made_shop import HUB, MadeShop, v1
from running_hub import open_headquarters
from toy_node import enrol_box, open_store

from edge.domain import witness as witnesses
from edge.flow import attest
from edge.flow.answers import Refusal, ScanAnswer
from edge.flow.boxes import WitnessStand, doubt, hear_takeover
from edge.flow.caller import Caller
from edge.flow.scan import ScanAsk, scan
from edge.store import backup, restore, vault
from edge.store.errors import NotOpened
from edge.store.outbox import LedgerOutbox
from edge.store.tx import Tx
from sync.hub import boxes, enrolment
from sync.hub.problems import Problem
from sync.rules.verdicts import Verdict
from sync.wire.errors import RemoteWireError
from sync.wire.messages import Event
from sync.wire.signature import Signer
from sync.wire.takeover import (
    Author,
    Return,
    TakeOver,
    sign_recovered,
    sign_return,
    sign_takeover,
)

Scene = Callable[[Path], Coroutine[object, object, None]]
SCENES: dict[str, Scene] = {}
TILL = Caller(station="till1", route="t")
PHRASE = "ABCDE-FGHJK-MNPQR-STVWX-YZ234"


def scene(act: Scene) -> Scene:
    SCENES[act.__name__] = act
    return act


def quiet(_what: str, _done: int, _of: int) -> None:
    return


async def told(made: MadeShop, number: int) -> ScanAnswer:
    answer = await scan(made.shop, TILL, ScanAsk(text=v1(number)))
    assert isinstance(answer, ScanAnswer), answer
    return answer


def restored(folder: Path, source: Path) -> restore.Restored:
    return restore.restore(
        folder, source, PHRASE, replace=True, machine="box-1", now_ms=1, on_progress=quiet
    )


def saved(folder: Path) -> Path:
    target = folder.parent / "box.backup"
    backup.take(folder, target, PHRASE, now_ms=1, on_progress=quiet)
    return target


def paper(made: MadeShop, signer: Signer) -> TakeOver:
    known = made.shop.identity.enrolled
    assert known is not None
    return TakeOver(
        chain="c",
        store=made_shop.STORE,
        node=known.certificate.node,
        incarnation=known.certificate.incarnation,
        successor_node="B" * 16,
        successor_incarnation=b"newboxed",
        attested_by="Manager Wang",
        at_ms=1,
    )


@scene
async def a_restored_backup_gives_nothing_of_before(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        source = saved(folder)
        assert (await told(made, 1)).verdict is Verdict.OK
    restored(folder, source)
    async with made_shop.open_shop(folder, run="run-2") as made:
        assert (await told(made, 1)).verdict is Verdict.REVIEW


@scene
async def a_left_over_wal_never_lies_beside_a_restored_ledger(folder: Path) -> None:
    source = saved(folder)
    async with made_shop.open_shop(folder) as made:
        assert (await told(made, 1)).verdict is Verdict.OK
        shutil.copytree(folder, folder.with_name("cut"))  # as a power cut leaves it
    cut = folder.with_name("cut")
    assert (cut / "ledger.db-wal").stat().st_size > 0
    restored(cut, source)
    assert not list(cut.glob("ledger.db-*"))


@scene
async def a_changed_head_of_a_backup_is_refused(folder: Path) -> None:
    path = folder.parent / "vault"
    with path.open("wb") as target:
        header = vault.new_header({"format": 1, "audit_seq": 7}, scrypt_n=16)
        vault.seal(iter([b"x"]), target, header, PHRASE)
    data = path.read_bytes().replace(b'"audit_seq": 7', b'"audit_seq": 8')
    source = io.BytesIO(data)
    with pytest.raises(NotOpened):
        list(vault.unseal(source, vault.read_header(source), PHRASE))


@scene
async def a_copy_behind_its_witness_gives_nothing(folder: Path) -> None:
    shutil.copytree(folder, folder.with_name("copy"))
    async with made_shop.open_shop(folder) as made:
        assert (await told(made, 1)).verdict is Verdict.OK
        line = await WitnessStand(made.shop).renew()
    async with made_shop.open_shop(folder.with_name("copy"), run="run-2") as made:
        await WitnessStand(made.shop).hear(line, source="till1")
        assert (await told(made, 1)).verdict is Verdict.REVIEW


@scene
async def a_copy_that_went_another_way_gives_nothing_more(folder: Path) -> None:
    shutil.copytree(folder, folder.with_name("copy"))
    async with made_shop.open_shop(folder) as made:
        assert (await told(made, 1)).verdict is Verdict.OK
        line = await WitnessStand(made.shop).renew()
    async with made_shop.open_shop(folder.with_name("copy"), run="run-2") as made:
        for number in (2, 3):
            assert (await told(made, number)).verdict is Verdict.OK
        await WitnessStand(made.shop).hear(line, source="till1")
        assert (await told(made, 1)).verdict is Verdict.REVIEW


@scene
async def a_witness_of_another_hand_fences_nobody(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        forged = witnesses.Witness(
            node="A" * 16,
            incarnation=made.shop.identity.incarnation,
            seq=10**9,
            head=bytes(32),
        )
        line = witnesses.text_of(forged, bytes(32))
        await WitnessStand(made.shop).hear(line, source="till1")
        assert (await told(made, 1)).verdict is Verdict.OK


@scene
async def a_fenced_box_tells_nothing_under_a_name_that_others_bear(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        assert (await told(made, 1)).verdict is Verdict.OK
        outbox = LedgerOutbox(made.shop.writer, made.shop.moment, on_fork=made.shop.fence)
        assert await outbox.unsent(limit=10, max_bytes=100_000)
        await doubt(made.shop, "witness", "a scene")
        assert not await outbox.unsent(limit=10, max_bytes=100_000)


@scene
async def a_fenced_box_takes_nobody_s_word(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        await doubt(made.shop, "witness", "a scene")
        case = (await told(made, 1)).case
        assert case is not None

        def refused(tx: Tx) -> Refusal | None:
            return attest.refuse(made.shop, tx, case)

        assert await made.shop.writer.do(refused, made.shop.moment()) is attest.STILL_FENCED


@scene
async def a_replaced_box_stays_out(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        signed = sign_takeover(paper(made, HUB), HUB)
        assert await hear_takeover(made.shop, signed)
    async with made_shop.open_shop(folder, run="run-2") as made:
        assert (await told(made, 1)).verdict is Verdict.REVIEW


@scene
async def a_takeover_of_another_hand_means_nothing(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        other = Signer.generate()
        await hear_takeover(made.shop, sign_takeover(paper(made, other), other))
        assert (await told(made, 1)).verdict is Verdict.OK


@scene
async def a_replaced_box_does_not_come_back_by_asking(folder: Path) -> None:
    hq = open_headquarters(folder)
    open_store(hq)
    old = enrol_box(hq)
    enrol_box(hq, replace=True)
    asked = Return(
        node=old.peer.node,
        predecessor=old.peer.incarnation,
        incarnation=secrets.token_bytes(8),
        why="restored",
        audit_seq=1,
        audit_hash=bytes(32),
    )
    with pytest.raises(Problem, match="took this one's place"):
        boxes.come_back(hq.hub, sign_return(asked, old.signer))


@scene
async def late_events_are_believed_of_who_wrote_them_alone(folder: Path) -> None:
    hq = open_headquarters(folder)
    open_store(hq)
    old = enrol_box(hq)
    new = enrol_box(hq, replace=True)
    late = Event(
        seq=1,
        hlc=1,
        trusted_ms=1,
        kind="audit_head",
        schema=1,
        units=(),
        body=b'{"at_ms": 1}',
        audit_seq=1,
        audit_hash=bytes(32),
    )
    forged = Author(node=old.peer.node, incarnation=old.peer.incarnation, signer=new.signer)
    sender = enrolment.authorised(hq.hub, new.peer.node, new.peer.incarnation)
    with pytest.raises(RemoteWireError):
        boxes.recovered(hq.hub, sender, sign_recovered(forged, (late,)), bytes(16))
