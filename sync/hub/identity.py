"""Who this hub is: its chain, its key, its generation; and who may administer it."""

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select

from sync.hub import feed
from sync.hub.clock import Clock
from sync.hub.database import Database
from sync.hub.tables import SCHEMA_VERSION, admin_token, hub, issuer_key
from sync.wire.catalog import IssuerKeyRow
from sync.wire.feed import time_message
from sync.wire.messages import HubTime
from sync.wire.signature import DOMAIN_HUB_TIME, Signer

GENERATION_BYTES = 8
FIRST_ISSUER_KEY = 1


class NotInitialised(Exception):
    """The database is empty: `storeedge-hub admin init` comes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """An initialised headquarters. `chain` is its random id in hexadecimal.

    What changes while hub processes run (the generation) is not kept here but read where needed.
    """

    database: Database
    clock: Clock
    chain: str
    name: str
    demo: bool
    signer: Signer

    @property
    def generation(self) -> bytes:
        """The generation of now; in a transaction take `generation_of`."""
        with self.database.reading() as connection:
            return generation_of(connection)

    def time(self, nonce: bytes) -> HubTime:
        """The present, signed for one question."""
        now_ms = self.clock.now_ms()
        return HubTime(
            time_ms=now_ms,
            nonce=nonce,
            signature=self.signer.sign(DOMAIN_HUB_TIME, time_message(now_ms, nonce)),
        )


def generation_of(connection: Connection) -> bytes:
    """The hub's generation, as this transaction sees it."""
    found: bytes = connection.execute(select(hub.c.generation)).scalar_one()
    return found


def is_initialised(database: Database) -> bool:
    """Whether there is a chain in this database."""
    with database.reading() as connection:
        return connection.execute(select(hub.c.only)).first() is not None


def initialise(database: Database, clock: Clock, *, name: str, demo: bool) -> str:
    """Make a chain with new keys; returns the first admin token, which is not kept.

    Of several processes that begin at once one makes it.

    Raises:
        ValueError: there is a chain already.
    """
    return database.again(lambda: _initialise(database, clock, name=name, demo=demo))


def _initialise(database: Database, clock: Clock, *, name: str, demo: bool) -> str:
    with database.writing() as connection:
        if connection.execute(select(hub.c.only)).first() is not None:
            raise ValueError("this database has a chain already")
        now_ms = clock.now_ms()
        connection.execute(
            insert(hub).values(
                only=1,
                schema_version=SCHEMA_VERSION,
                chain=secrets.token_hex(8),
                name=name,
                demo=demo,
                private=Signer.generate().private_bytes(),
                generation=secrets.token_bytes(GENERATION_BYTES),
                created_ms=now_ms,
            )
        )
        feed.open_scope(connection, feed.CHAIN)
        issuer = Signer.generate()
        connection.execute(
            insert(issuer_key).values(
                key_id=FIRST_ISSUER_KEY,
                private=issuer.private_bytes(),
                public=issuer.public,
                revoked=False,
                created_ms=now_ms,
            )
        )
        feed.append(
            connection,
            feed.CHAIN,
            [IssuerKeyRow(key_id=FIRST_ISSUER_KEY, public=issuer.public)],
        )
        return _add_token(connection, "init", now_ms)


def open_hub(database: Database, clock: Clock) -> Hub:
    """The hub in this database.

    Raises:
        NotInitialised: it is empty.
        ValueError: it was made by a newer version.
    """
    with database.reading() as connection:
        row = connection.execute(select(hub)).first()
    if row is None:
        raise NotInitialised("this database has no chain: run `storeedge-hub admin init` first")
    if row.schema_version > SCHEMA_VERSION:
        raise ValueError("this database was made by a newer version of the hub")
    return Hub(
        database=database,
        clock=clock,
        chain=row.chain,
        name=row.name,
        demo=row.demo,
        signer=Signer(row.private),
    )


def _token_hash(token: str) -> bytes:
    return hashlib.sha256(b"storeedge/admin-token/1\0" + token.encode()).digest()


def _add_token(connection: Connection, name: str, now_ms: int) -> str:
    token = secrets.token_urlsafe(32)
    connection.execute(
        insert(admin_token).values(token_hash=_token_hash(token), name=name, created_ms=now_ms)
    )
    return token


def add_token(hub_: Hub, name: str) -> str:
    """Another admin token; shown once."""
    with hub_.database.writing() as connection:
        return _add_token(connection, name, hub_.clock.now_ms())


def is_admin(database: Database, token: str) -> bool:
    """Whether this is an admin token."""
    with database.reading() as connection:
        found = connection.execute(
            select(admin_token.c.token_hash).where(admin_token.c.token_hash == _token_hash(token))
        )
        return found.first() is not None
