"""Who asks, and how far its feeds are, in one statement: all that an empty poll needs.

A thousand boxes ask every half minute and nearly always hear that nothing is new. The statement is
built once and runs outside a transaction: one statement sees one moment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy import String, bindparam, cast, literal, or_, select

from sync.hub.enrolment import EnrolledNode
from sync.hub.feed import CHAIN
from sync.hub.identity import Hub
from sync.hub.problems import Problem
from sync.hub.tables import feed_head, node, store
from sync.hub.tables import hub as hub_table
from sync.wire.feed import REGION, sign_head
from sync.wire.messages import Cursor
from sync.wire.signature import Signer

_LOOK = (
    select(
        node.c.node,
        node.c.incarnation,
        node.c.store,
        node.c.public,
        node.c.state,
        node.c.acked_seq,
        hub_table.c.generation,
        feed_head.c.scope,
        feed_head.c.seq,
        feed_head.c.row_hash,
    )
    .join(store, store.c.number == node.c.store)
    .join(hub_table, hub_table.c.only == 1)
    .join(
        feed_head,
        or_(
            feed_head.c.scope == CHAIN,
            feed_head.c.scope == literal("store:") + cast(node.c.store, String),
            feed_head.c.scope == literal(REGION) + store.c.region,
        ),
    )
    .where(node.c.node == bindparam("name"), node.c.incarnation == bindparam("incarnation"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """A box, and the end of each of its scopes in the hub's generation."""

    node: EnrolledNode
    heads: Mapping[str, Cursor]

    def has_all(self, cursors: tuple[Cursor, ...]) -> bool:
        """Whether these cursors are the ends of all its scopes: nothing is new."""
        return len(cursors) == len(self.heads) and all(
            self.heads.get(cursor.scope) == cursor for cursor in cursors
        )


def look(hub: Hub, name: str, incarnation: bytes) -> Glance:
    """The box behind a request's headers; the caller checks signature and `superseded`.

    Raises:
        Problem: 401 `not_enrolled`.
    """
    with hub.database.glancing() as connection:
        rows = connection.execute(_LOOK, {"name": name, "incarnation": incarnation}).all()
    if not rows or rows[0].state == "pending":
        raise Problem(status=401, code="not_enrolled", detail="This box is not enrolled here.")
    first = rows[0]
    return Glance(
        node=EnrolledNode(
            node=first.node,
            incarnation=first.incarnation,
            store=first.store,
            public=first.public,
            superseded=first.state == "superseded",
            acked_seq=first.acked_seq,
        ),
        heads={
            row.scope: Cursor(
                scope=row.scope, generation=row.generation, seq=row.seq, row_hash=row.row_hash
            )
            for row in rows
        },
    )


@lru_cache(maxsize=4_096)
def signed_head(head: Cursor, signer: Signer) -> bytes:
    """The hub's signature over a head; the chain's is the same for every box."""
    return sign_head(head, signer)
