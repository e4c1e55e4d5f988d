"""The node's side of the sync ports with lists instead of a ledger, and a box that enrolled."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from running_hub import Headquarters

from edge.store.catalog import Catalog, check
from sync.engine.peer import Peer
from sync.hub import enrolment, orders, stores
from sync.wire import audit, codec, enrol, pairing
from sync.wire.events import KINDS, Accepted, Answered, Body, Handed, Lapsed, Undone
from sync.wire.messages import BatchAnswer, Cursor, Event, FeedPage, Manifest, Unit
from sync.wire.picking_events import ShortPicked
from sync.wire.ports import Outbox, OutboxMarks, Replica
from sync.wire.signature import Signer

STORE = 101
_NAMES = {kind: name for name, kind in KINDS.items()}


@dataclass(slots=True, kw_only=True)
class Box:
    """An enrolled box: its key, who it is to the hub, and its chain of events."""

    signer: Signer
    peer: Peer
    k_store: bytes
    chain: list[bytes] = field(default_factory=lambda: [audit.GENESIS])

    def event(self, body: Body, *, kind: str | None = None, raw: bytes | None = None) -> Event:
        """The next event of this box."""
        seq = len(self.chain)
        data = codec.to_json(body) if raw is None else raw
        self.chain.append(audit.link(self.chain[-1], seq, data))
        return Event(
            seq=seq,
            hlc=seq << 16,
            trusted_ms=1_790_000_000_000 + seq,
            kind=kind or _NAMES[type(body)],
            schema=1,
            units=units_in(body),
            body=data,
            audit_seq=seq,
            audit_hash=self.chain[-1],
        )


def units_in(body: Body) -> tuple[Unit, ...]:
    match body:
        case Handed() | Undone() | Lapsed() | Accepted() | ShortPicked():
            return body.units
        case Answered():
            return (*body.released, *body.kept)
        case _:
            return ()


def open_store(headquarters: Headquarters, number: int = STORE) -> None:
    stores.add_store(
        headquarters.hub,
        stores.NewStore(number=number, code=f"S{number}", name_zh="一店", name_en="One"),
    )


def stock_up(headquarters: Headquarters) -> None:
    for sku, zh, en in (("MILK1", "牛奶", "Milk"), ("CUP", "杯子", "Cup")):
        stores.put_product(headquarters.hub, stores.NewProduct(sku=sku, name_zh=zh, name_en=en))


def enrol_box(headquarters: Headquarters, number: int = STORE, *, replace: bool = False) -> Box:
    """A box that HQ confirmed, without a socket."""
    hub = headquarters.hub
    signer, incarnation = Signer.generate(), secrets.token_bytes(8)
    code = enrolment.new_pairing(hub, number)["code"]
    assert isinstance(code, str)
    pair = pairing.parse(code)
    asked = enrol.request(signer, incarnation, pair)
    assert enrolment.enroll(hub, asked).state == "pending"
    enrolment.confirm(hub, enrol.node_name(signer.public), replace=replace, by="Wang")
    answer = enrolment.enroll(hub, asked)
    certificate = enrol.accept(answer, asked, pair)
    return Box(signer=signer, peer=Peer.of(certificate), k_store=answer.k_store)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """An order as the admin API answered it."""

    order_no: str
    order_id: bytes
    v1: str
    v2: str | None
    pl: str | None
    answer: dict[str, object]

    def units(self, *pairs: tuple[int, int]) -> tuple[Unit, ...]:
        return tuple((self.order_id, line, unit) for line, unit in pairs)


def read_order(answer: dict[str, object]) -> Ordered:
    plain = json.loads(json.dumps(answer))
    codes = plain["codes"]
    return Ordered(
        order_no=plain["order_no"],
        order_id=bytes.fromhex(plain["order_id"]),
        v1=codes["v1"],
        v2=codes["v2"],
        pl=codes["pl"],
        answer=plain,
    )


def order(headquarters: Headquarters, *, quantity: int = 2, number: int = STORE) -> Ordered:
    """An order of `quantity` milk and a cup that belongs to it."""
    answer = orders.create(
        headquarters.hub,
        orders.NewOrder(
            store=number,
            lines=(
                orders.NewLine(sku="MILK1", quantity=quantity),
                orders.NewLine(sku="CUP", bundle_of=1),
            ),
            customer=orders.Customer(name="王小明", phone="138 0000 1234"),
        ),
    )
    return read_order(answer)


def handed(ordered: Ordered, *pairs: tuple[int, int], handover: int = 1, epoch: int = 1) -> Handed:
    return Handed(
        handover=handover,
        order_id=ordered.order_id,
        order_no=ordered.order_no,
        units=ordered.units(*pairs),
        epoch=epoch,
        at_ms=1_790_000_000_500,
        station="till-1",
        operator="c1",
        basis="replica",
        credential="v1",
    )


def undone(ordered: Ordered, *pairs: tuple[int, int], handover: int = 1) -> Undone:
    return Undone(
        handover=handover,
        order_id=ordered.order_id,
        units=ordered.units(*pairs),
        at_ms=1_790_000_000_900,
        station="till-1",
        operator="c1",
        reason="",
    )


class ListOutbox:
    """An outbox in memory."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.answers: list[BatchAnswer] = []
        self.acked = 0

    async def unsent(self, *, limit: int, max_bytes: int) -> Sequence[Event]:
        found: list[Event] = []
        size = 0
        for event in self.events:
            if event.seq <= self.acked:
                continue
            size += len(event.body)
            if len(found) == limit or (found and size > max_bytes):
                break
            found.append(event)
        return found

    async def acknowledge(self, answer: BatchAnswer) -> None:
        self.answers.append(answer)
        self.acked = max(self.acked, answer.acked_seq)

    async def marks(self) -> OutboxMarks:
        last = self.events[-1].seq if self.events else 0
        first = self.events[0].seq if self.events else last + 1
        return OutboxMarks(last_seq=last, acked_seq=self.acked, kept_from=first)

    async def rewind(self, acked_seq: int) -> None:
        self.acked = min(self.acked, acked_seq)


class FileReplica:
    """A replica that keeps the node's own catalog file, and what it was told of time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.catalog: Catalog | None = None
        self.installed: list[Manifest] = []
        self.pages: list[FeedPage] = []
        self.times: list[tuple[int, int, int]] = []

    async def cursors(self) -> Sequence[Cursor]:
        return () if self.catalog is None else self.catalog.cursors()

    async def apply(self, page: FeedPage) -> None:
        assert self.catalog is not None
        self.pages.append(page)
        self.catalog.apply(page, applied_ms=1)

    async def install(self, file: Path, manifest: Manifest) -> None:
        check(file)
        self.close()
        path = self.folder / f"catalog-{len(self.installed)}.db"
        file.rename(path)  # noqa: ASYNC240 - a test
        self.catalog = Catalog(path)
        self.installed.append(manifest)

    async def hub_time(self, time_ms: int, *, asked_boot_ms: int, answered_boot_ms: int) -> None:
        self.times.append((time_ms, asked_boot_ms, answered_boot_ms))

    def close(self) -> None:
        if self.catalog is not None:
            self.catalog.close()


_outbox: type[Outbox] = ListOutbox
_replica: type[Replica] = FileReplica
