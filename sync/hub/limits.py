"""How often an address may be wrong about a pairing code, counted for all hub processes."""

from sqlalchemy import delete, insert, select, update

from sync.hub.identity import Hub
from sync.hub.problems import Problem
from sync.hub.tables_hubdb import wrong_try

WRONG_A_MINUTE = 5
WINDOW_MS = 60_000


def check(hub: Hub, address: str) -> None:
    """Raise 429 while an address was wrong too often in the last minute.

    Asking again while waiting for HQ is not being wrong.
    """
    with hub.database.reading() as connection:
        row = connection.execute(select(wrong_try).where(wrong_try.c.address == address)).first()
    if row is None or row.tries < WRONG_A_MINUTE:
        return
    left_ms = row.since_ms + WINDOW_MS - hub.clock.now_ms()
    if 0 < left_ms <= WINDOW_MS:
        raise Problem(
            status=429,
            code="too_often",
            detail="Too many wrong pairing codes from here; wait a minute.",
            extra={"retry_after_s": -(-left_ms // 1000)},
        )


def count(hub: Hub, address: str) -> None:
    """One more wrong try; those of more than a minute ago are forgotten."""
    now_ms = hub.clock.now_ms()
    with hub.database.writing() as connection:
        connection.execute(
            delete(wrong_try).where(
                (wrong_try.c.since_ms <= now_ms - WINDOW_MS) | (wrong_try.c.since_ms > now_ms)
            )
        )
        more = update(wrong_try).where(wrong_try.c.address == address)
        if connection.execute(more.values(tries=wrong_try.c.tries + 1)).rowcount == 0:
            connection.execute(insert(wrong_try).values(address=address, since_ms=now_ms, tries=1))
