"""How a box becomes a store's node: pairing code, proofs, a person's confirmation (attack 28).

pending → enrolled → superseded. A pending box gets nothing; no secret flows before a person at HQ
compared the fingerprint, and confirming for a store that has a box needs `replace`. The incarnation
before is superseded in the same transaction: what it held stays its own, units that nobody held
yet go to the new one.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from sync.hub import order_rows
from sync.hub.identity import Hub
from sync.hub.problems import Problem, missing, refused
from sync.hub.stores import NOBODY, Json, store_row
from sync.hub.tables import node, pairing, pickup_order, store
from sync.hub.tables import unit as unit_table
from sync.hub.takeovers import evidence, named, supersede, superseded
from sync.rules import crockford
from sync.wire import enrol
from sync.wire.condition import Condition
from sync.wire.messages import Certificate, EnrolAnswer, EnrolRequest, PersonalKey
from sync.wire.pairing import SECRET_BYTES, Pairing
from sync.wire.pairing import text as pairing_text
from sync.wire.signature import fingerprint

PAIRING_MS = 15 * 60_000


def _not_paired() -> Problem:
    return refused("not_paired", "This pairing code is not known, used, or too old.")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolledNode:
    """A box that may talk to us: its name, store, key and current incarnation."""

    node: str
    incarnation: bytes
    store: int
    public: bytes
    superseded: bool
    acked_seq: int = 0


def new_pairing(hub: Hub, number: int) -> Json:
    """A code for one box of one store, good for 15 minutes and once."""
    made = Pairing(
        secret=secrets.token_bytes(SECRET_BYTES), hub_fingerprint=fingerprint(hub.signer.public)
    )
    now_ms = hub.clock.now_ms()
    with hub.database.writing() as connection:
        store_row(connection, number)
        connection.execute(
            insert(pairing).values(
                pairing_id=made.pairing_id,
                store=number,
                secret=made.secret,
                created_ms=now_ms,
                expires_ms=now_ms + PAIRING_MS,
                used_by=None,
            )
        )
    return {
        "pairing_id": made.pairing_id,
        "code": pairing_text(made),
        "store": number,
        "expires_ms": now_ms + PAIRING_MS,
        "hub_fingerprint": enrol.printed(enrol.node_name(hub.signer.public)),
    }


def enroll(hub: Hub, asked: EnrolRequest) -> EnrolAnswer:
    """Answer a box that asks, and asks again while it waits.

    Raises:
        Problem: 409 `not_paired` for anything wrong with the code or the proofs, whichever it is.
    """
    now_ms = hub.clock.now_ms()
    with hub.database.writing() as connection:
        row = connection.execute(
            select(pairing).where(pairing.c.pairing_id == asked.pairing_id)
        ).first()
        if row is None:
            raise _not_paired()
        known = Pairing(secret=row.secret, hub_fingerprint=b"")
        if not enrol.is_proved(asked, known):
            raise _not_paired()
        name = enrol.node_name(asked.node_public)
        if row.used_by is None:
            if now_ms >= row.expires_ms:
                raise _not_paired()
            _add_pending(connection, row, asked, name, now_ms)
        record = connection.execute(
            select(node).where(
                node.c.node == name,
                node.c.incarnation == asked.incarnation,
                node.c.pairing_id == asked.pairing_id,
            )
        ).first()
        if record is None:
            raise _not_paired()  # another box used this code
        if record.state == "superseded":
            raise superseded(connection, name, asked.incarnation)
        return enrolled_answer(connection, record)


def enrolled_answer(connection: Connection, record: Row[tuple[object, ...]]) -> EnrolAnswer:
    """What a box is told that asked: `pending`, or all that it needs."""
    printed = enrol.printed(record.node)
    if record.state == "pending":
        return EnrolAnswer(state="pending", fingerprint=printed)
    return EnrolAnswer(
        state="enrolled",
        fingerprint=printed,
        certificate=record.certificate,
        signature=record.signature,
        k_store=store_row(connection, record.store).k_store,
        takeovers=evidence(connection, record.store),
    )


def _add_pending(
    connection: Connection,
    row: Row[tuple[object, ...]],
    asked: EnrolRequest,
    name: str,
    now_ms: int,
) -> None:
    seen = select(node.c.node).where(node.c.node == name, node.c.incarnation == asked.incarnation)
    if connection.execute(seen).first() is not None:
        raise refused("incarnation_used", "A box makes a new incarnation to enrol again.")
    connection.execute(
        insert(node).values(
            node=name,
            incarnation=asked.incarnation,
            store=row.store,
            public=asked.node_public,
            pairing_id=asked.pairing_id,
            state="pending",
            certificate=b"",
            signature=b"",
            asked_ms=now_ms,
            enrolled_ms=None,
            seen_ms=now_ms,
            acked_seq=0,
            backed_up_seq=0,
            audit_seq=0,
            audit_hash=b"",
        )
    )
    connection.execute(
        update(pairing).where(pairing.c.pairing_id == asked.pairing_id).values(used_by=name)
    )


def confirm(hub: Hub, fingerprint_: str, *, replace: bool, by: str = "") -> Json:
    """A person compared the fingerprint: the box is the store's node from now on.

    replace: a box that the store has gives way; `by` names who has seen it unplugged, or who
    attests that the restored one goes on.
    """
    name = crockford.normalise(fingerprint_)
    now_ms = hub.clock.now_ms()
    with hub.database.writing() as connection:
        record = connection.execute(
            select(node)
            .where(node.c.node == name)
            .order_by(node.c.state != "pending", node.c.asked_ms.desc())
            .limit(1)
        ).first()
        if record is None:
            raise missing(f"node {fingerprint_}")
        if record.state != "pending":
            raise refused(record.state, f"Node {fingerprint_} is {record.state}, not pending.")
        home = store_row(connection, record.store)
        if home.node is not None and not replace:
            raise refused(
                "store_taken",
                "This store has a box. Confirm with replace once a named person has unplugged it.",
            )
        attested_by = "" if home.node is None else named(by)
        certificate, signature = enrol.sign_certificate(
            Certificate(
                chain=hub.chain,
                store=home.number,
                store_code=home.code,
                node=name,
                node_public=record.public,
                incarnation=record.incarnation,
                hub_public=hub.signer.public,
                demo=hub.demo,
                issued_ms=now_ms,
            ),
            hub.signer,
        )
        supersede(hub, connection, home.number, (name, record.incarnation), attested_by)
        connection.execute(
            update(node)
            .where(node.c.node == name, node.c.incarnation == record.incarnation)
            .values(
                state="enrolled", certificate=certificate, signature=signature, enrolled_ms=now_ms
            )
        )
        connection.execute(
            update(store)
            .where(store.c.number == home.number)
            .values(node=name, incarnation=record.incarnation)
        )
        _hand_unheld(connection, home.number, record.incarnation)
    return {
        "node": name,
        "fingerprint": enrol.printed(name),
        "incarnation": record.incarnation.hex(),
        "store": home.number,
        "state": "enrolled",
        "replaced": home.node,
        "attested_by": attested_by or None,
    }


def _hand_unheld(connection: Connection, number: int, incarnation: bytes) -> None:
    """Units that no box ever held are the new one's."""
    orders = connection.execute(
        select(pickup_order.c.order_id)
        .join(unit_table, unit_table.c.order_id == pickup_order.c.order_id)
        .where(
            pickup_order.c.home_store == number,
            unit_table.c.holder == NOBODY,
            unit_table.c.state == "held",
        )
        .distinct()
        .order_by(pickup_order.c.order_id)
    ).scalars()
    for order_id in list(orders):
        connection.execute(
            update(unit_table)
            .where(
                unit_table.c.order_id == order_id,
                unit_table.c.holder == NOBODY,
                unit_table.c.state == "held",
            )
            .values(holder=incarnation)
        )
        order_rows.publish(connection, order_id)


_SEEN = (
    update(node)
    .where(node.c.node == bindparam("name"), node.c.incarnation == bindparam("which"))
    .values(seen_ms=bindparam("heard_ms"))
)
_SAID = (
    update(node)
    .where(node.c.node == bindparam("name"), node.c.incarnation == bindparam("which"))
    .values(
        version=bindparam("version_"), clock=bindparam("clock_"), disk_free_bytes=bindparam("free")
    )
)


def authorised(hub: Hub, name: str, incarnation: bytes) -> EnrolledNode:
    """The node behind a request's headers; the caller checks signature and `superseded`.

    Raises:
        Problem: 401 `not_enrolled`.
    """
    with hub.database.reading() as connection:
        row = connection.execute(
            select(node).where(node.c.node == name, node.c.incarnation == incarnation)
        ).first()
    if row is None or row.state == "pending":
        raise Problem(status=401, code="not_enrolled", detail="This box is not enrolled here.")
    return EnrolledNode(
        node=row.node,
        incarnation=row.incarnation,
        store=row.store,
        public=row.public,
        superseded=row.state == "superseded",
        acked_seq=row.acked_seq,
    )


def personal_key(hub: Hub, asker: EnrolledNode) -> PersonalKey:
    """The key under which its customers' names are sealed; for memory only (attack 30)."""
    with hub.database.reading() as connection:
        return PersonalKey(key=store_row(connection, asker.store).k_personal)


def seen(
    hub: Hub,
    heard_ms: Mapping[tuple[str, bytes], int],
    said: Mapping[tuple[str, bytes], Condition] | None = None,
) -> None:
    """Remember when nodes (name, incarnation) were last heard, and what they say of themselves."""
    with hub.database.writing() as connection:
        connection.execute(
            _SEEN,
            [
                {"name": name, "which": incarnation, "heard_ms": at_ms}
                for (name, incarnation), at_ms in sorted(heard_ms.items())
            ],
        )
        if said:
            connection.execute(
                _SAID,
                [
                    {
                        "name": name,
                        "which": incarnation,
                        "version_": condition.version,
                        "clock_": condition.clock,
                        "free": condition.disk_free_bytes,
                    }
                    for (name, incarnation), condition in sorted(said.items())
                ],
            )


def fleet(hub: Hub) -> Json:
    """Every box that ever asked, and how far each is."""
    with hub.database.reading() as connection:
        rows = connection.execute(
            select(node, store.c.code)
            .join(store, store.c.number == node.c.store)
            .order_by(node.c.store, node.c.asked_ms)
        ).all()
    return {
        "now_ms": hub.clock.now_ms(),
        "nodes": [
            {
                "store": row.store,
                "store_code": row.code,
                "node": row.node,
                "fingerprint": enrol.printed(row.node),
                "incarnation": row.incarnation.hex(),
                "state": row.state,
                "asked_ms": row.asked_ms,
                "enrolled_ms": row.enrolled_ms,
                "last_seen_ms": row.seen_ms,
                "acked_seq": row.acked_seq,
                "backed_up_seq": row.backed_up_seq,
                "audit_seq": row.audit_seq,
                "audit_hash": row.audit_hash.hex(),
                "version": row.version,
                "clock": row.clock,
                "disk_free_bytes": row.disk_free_bytes,
            }
            for row in rows
        ],
    }
