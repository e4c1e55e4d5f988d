"""What the hub signs when one box takes another's place, and to whom it shows it (attack 6).

A named person attests that the old box is unplugged, or that the restored one is the one that goes
on. The evidence goes to the new box, which shows it around in the shop, and to the old one with
every answer it gets from here.
"""

from sqlalchemy import Connection, insert, select, update

from sync.hub.identity import Hub
from sync.hub.problems import Problem, invalid, refused
from sync.hub.stores import Json
from sync.hub.tables import node, review_case
from sync.hub.tables_boxes import box_return, takeover
from sync.wire.messages import SignedTakeOver
from sync.wire.takeover import TakeOver, sign_takeover

RETURNED = "box_returned"
MAX_NAME_CHARS = 80


def superseded(connection: Connection, name: str, incarnation: bytes) -> Problem:
    """409: it is not the current incarnation; with the evidence, if a person attested it."""
    problem = refused("superseded", "Another box, or a restored one, took this one's place.")
    row = connection.execute(
        select(takeover.c.takeover, takeover.c.signature).where(
            takeover.c.node == name, takeover.c.incarnation == incarnation
        )
    ).first()
    if row is not None:
        problem.extra |= {
            "takeover": row.takeover.hex(),
            "takeover_signature": row.signature.hex(),
        }
    return problem


def named(by: str) -> str:
    """The person who attests.

    Raises:
        Problem: 422, nobody is named.
    """
    name = by.strip()
    if not 0 < len(name) <= MAX_NAME_CHARS:
        raise invalid("Say who has seen that the old box is unplugged: `by` is a person's name.")
    return name


def supersede(
    hub: Hub, connection: Connection, number: int, successor: tuple[str, bytes], by: str
) -> None:
    """End every enrolled incarnation of a store in favour of `successor`, signed."""
    now_ms = hub.clock.now_ms()
    before = connection.execute(
        select(node.c.node, node.c.incarnation, node.c.acked_seq).where(
            node.c.store == number, node.c.state == "enrolled"
        )
    ).all()
    for row in before:
        signed = sign_takeover(
            TakeOver(
                chain=hub.chain,
                store=number,
                node=row.node,
                incarnation=row.incarnation,
                successor_node=successor[0],
                successor_incarnation=successor[1],
                attested_by=by,
                at_ms=now_ms,
            ),
            hub.signer,
        )
        connection.execute(
            insert(takeover).values(
                node=row.node,
                incarnation=row.incarnation,
                store=number,
                successor_node=successor[0],
                successor_incarnation=successor[1],
                attested_by=by,
                acked_seq=row.acked_seq,
                at_ms=now_ms,
                takeover=signed.takeover,
                signature=signed.signature,
            )
        )
        connection.execute(
            update(node)
            .where(node.c.node == row.node, node.c.incarnation == row.incarnation)
            .values(state="superseded")
        )
    connection.execute(
        update(review_case)
        .where(
            review_case.c.reason == RETURNED,
            review_case.c.node == successor[0],
            review_case.c.incarnation == successor[1],
            review_case.c.closed_ms.is_(None),
        )
        .values(closed_ms=now_ms, outcome="attested", operator=by, note="")
    )


def evidence(connection: Connection, number: int) -> tuple[SignedTakeOver, ...]:
    """Everything signed for a store, newest first: what its box shows around."""
    rows = connection.execute(
        select(takeover.c.takeover, takeover.c.signature)
        .where(takeover.c.store == number)
        .order_by(takeover.c.at_ms.desc())
        .limit(32)
    )
    return tuple(SignedTakeOver(takeover=row.takeover, signature=row.signature) for row in rows)


def list_takeovers(hub: Hub) -> list[Json]:
    """Which boxes gave way to which, newest first."""
    with hub.database.reading() as connection:
        rows = connection.execute(
            select(takeover, box_return.c.why)
            .join(
                box_return,
                (box_return.c.node == takeover.c.successor_node)
                & (box_return.c.incarnation == takeover.c.successor_incarnation),
                isouter=True,
            )
            .order_by(takeover.c.at_ms.desc())
        ).all()
    return [
        {
            "store": row.store,
            "node": row.node,
            "incarnation": row.incarnation.hex(),
            "successor_node": row.successor_node,
            "successor_incarnation": row.successor_incarnation.hex(),
            "why": row.why or "replaced",
            "attested_by": row.attested_by,
            "acked_seq": row.acked_seq,
            "at_ms": row.at_ms,
        }
        for row in rows
    ]
