"""Somebody at HQ in front of the console, over the running hub; and a chain with a history."""

import re
import secrets
import ssl
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx
from running_hub import Headquarters, RunningHub
from sqlalchemy import insert
from toy_node import STORE, Box, Ordered, enrol_box, handed, open_store, order

from sync.hub import console_people, enrolment, ingest, ownership, recalls
from sync.hub.console_people import NewHqPerson, Role
from sync.hub.recalls import NewRecall
from sync.hub.tables_stock import stock, transfer_proposal
from sync.hub.transfers import NewTransfer
from sync.wire import enrol, pairing
from sync.wire.messages import Event, EventBatch
from sync.wire.signature import Signer

PASSWORD = "correct horse battery"  # noqa: S105  # of this test alone
OTHER = 102
_KEY = re.compile(r'name="key" value="([^"]+)"')


def add_person(headquarters: Headquarters, role: Role = "manager") -> str:
    person = NewHqPerson(login=role, name=f"Wang {role}", role=role, password=PASSWORD)
    console_people.put_person(headquarters.hub, person)
    return role


class Desk:
    """A browser without eyes: keeps the cookie, follows redirects, sends a page's form key."""

    def __init__(self, running: RunningHub, language: str = "en") -> None:
        context = ssl.create_default_context(
            cafile=str(running.ca_file) if running.ca_file else None
        )
        self.http = httpx.Client(
            base_url=running.url,
            verify=context,
            headers={"accept-language": language},
            follow_redirects=True,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.http.close()

    def log_in(self, login: str, password: str = PASSWORD, to: str = "/console") -> httpx.Response:
        fields = {"login": login, "password": password, "to": to}
        return self.http.post("/console/login", data=fields)

    def get(self, path: str) -> str:
        answer = self.http.get(path)
        assert answer.status_code == 200, answer.text
        assert len(answer.content) < 60_000, "a page stays under 60 KB"
        return answer.text

    def key(self) -> str:
        found = _KEY.search(self.get("/console"))
        assert found is not None, "nobody is logged in"
        return found[1]

    def send(self, path: str, **fields: str) -> httpx.Response:
        return self.http.post(path, data={"key": self.key(), **fields})


def tell(headquarters: Headquarters, box: Box, *events: Event) -> None:
    sender = enrolment.authorised(headquarters.hub, box.peer.node, box.peer.incarnation)
    nonce = b"n" * 16
    ingest.take(
        headquarters.hub,
        sender,
        EventBatch(incarnation=box.peer.incarnation, nonce=nonce, events=tuple(events)),
    )


def ask_to_enrol(headquarters: Headquarters, number: int) -> str:
    """A box that waits to be confirmed; its name."""
    signer = Signer.generate()
    code = enrolment.new_pairing(headquarters.hub, number)["code"]
    assert isinstance(code, str)
    pair = pairing.parse(code)
    request = enrol.request(signer, secrets.token_bytes(8), pair)
    assert enrolment.enroll(headquarters.hub, request).state == "pending"
    return enrol.printed(enrol.node_name(signer.public))


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What happened in the chain: each kind of thing that a page shows."""

    box: Box
    disputed: Ordered
    moving: Ordered
    quiet: Ordered
    recall_id: str
    pending: str


def make_history(headquarters: Headquarters, box: Box) -> History:
    """An order that was handed over twice, one on its way, a recall, a box that waits."""
    open_store(headquarters, OTHER)
    enrol_box(headquarters, OTHER)
    hub = headquarters.hub
    disputed, moving, quiet = (order(headquarters) for _ in range(3))
    first = handed(disputed, (1, 1), (2, 1), handover=1)
    tell(headquarters, box, box.event(first))
    tell(headquarters, box, box.event(handed(disputed, (1, 1), handover=2)))
    ownership.move(hub, NewTransfer(order_no=moving.order_no, to_store=OTHER), by="li")
    with hub.database.writing() as connection:
        counts = [
            each.name for each in stock.c if not each.nullable and each.type.python_type is int
        ]
        row = dict.fromkeys(counts, 0) | {"store": STORE, "sku": "CUP", "par": 40, "available": 2}
        flags = {"closed": True, "managed": True, "based": True, "tier": "closed"}
        row |= {"tier_ms": hub.clock.now_ms(), "incarnation": box.peer.incarnation, **flags}
        connection.execute(insert(stock).values(**row))
        proposed = {"sku": "CUP", "from_store": OTHER, "to_store": STORE, "quantity": 30}
        connection.execute(
            insert(transfer_proposal).values(state="open", made_ms=hub.clock.now_ms(), **proposed)
        )
    made = recalls.begin(hub, NewRecall(reason="玻璃碎片 glass", sku="MILK1"), by="li")
    return History(
        box=box,
        disputed=disputed,
        moving=moving,
        quiet=quiet,
        recall_id=str(made["recall_id"]),
        pending=ask_to_enrol(headquarters, STORE),
    )
