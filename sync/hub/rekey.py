"""A code that goes to another store: the same code, under that store's key.

The catalog of a store knows a code by a keyed look-up only, so a moved order needs the codes' ids
again. A V2's id is no secret (its signature is); a V1's is the code itself and is kept sealed under
a key derived from the hub's own. What was typed from paper (courier's serial, platform's number) is
not kept and stays behind.
"""

import hashlib
import hmac

from sqlalchemy import Connection, insert, select, update

from sync.hub.tables import code
from sync.hub.tables import hub as hub_table
from sync.wire.credential import code_lookup
from sync.wire.sealing import seal, unseal

MOVABLE = ("v1", "v2")


def _key(connection: Connection, purpose: bytes) -> bytes:
    private = connection.execute(select(hub_table.c.private)).scalar_one()
    return hmac.digest(private, b"storeedge/codes/1\0" + purpose, hashlib.sha256)


def chain_lookup(connection: Connection, code_id: bytes) -> bytes:
    """Where a code stands in the whole chain, whichever store holds it: 16 bytes, keyed."""
    return hmac.digest(_key(connection, b"chain"), code_id, hashlib.sha256)[:16]


def sealed_id(connection: Connection, order_id: bytes, code_id: bytes) -> bytes:
    """A V1's id as the hub may keep it."""
    return seal(_key(connection, b"seal"), code_id, bound_to=order_id)


def move(
    connection: Connection,
    order_id: bytes,
    *,
    from_store: int,
    to_store: int,
    k_store: bytes,
    epoch: int,
) -> None:
    """Give the order's codes a look-up under `k_store`; the look-ups of before stay.

    A live code goes on at `epoch`, with the tries counted so far; one that was replaced stays so.
    The rows left behind only let the old store say where the order went.
    """
    rows = connection.execute(
        select(code).where(
            code.c.order_id == order_id, code.c.store == from_store, code.c.kind.in_(MOVABLE)
        )
    ).all()
    key = _key(connection, b"seal")
    for row in rows:
        code_id = row.code_id
        if code_id is None and row.sealed_id is not None:
            code_id = unseal(key, row.sealed_id, bound_to=order_id)
        if code_id is None:
            continue  # made by a release that did not keep it: a new one has to be issued
        lookup = code_lookup(k_store, code_id)
        values: dict[str, object] = {
            "kind": row.kind,
            "code_id": row.code_id,
            "sealed_id": row.sealed_id,
            "chain_lookup": row.chain_lookup,
            "grade": row.grade,
            "epoch": epoch if row.state == "live" else row.epoch,
            "not_after_ms": row.not_after_ms,
            "pin": None,
            "state": row.state,
            "store": to_store,
            "tries": row.tries,
        }
        there = (code.c.order_id == order_id) & (code.c.lookup == lookup)
        if connection.execute(select(code.c.lookup).where(there)).first() is None:
            connection.execute(insert(code).values(order_id=order_id, lookup=lookup, **values))
        else:  # it comes back to a store that had it before
            connection.execute(update(code).where(there).values(**values))


def note_tries(connection: Connection, order_id: bytes, lookup: bytes, tries: int) -> None:
    """What a store that gives an order up had counted against one of its codes."""
    connection.execute(
        update(code)
        .where(code.c.order_id == order_id, code.c.lookup == lookup)
        .values(tries=min(max(tries, 0), 99))
    )
