"""What waits while a restored hub does not know everything."""

from sqlalchemy import Connection, select

from sync.hub import order_rows, recovery, transfers
from sync.hub.tables_ownership import transfer


def must_wait(connection: Connection, order_id: bytes) -> bool:
    """Whether what follows an answer has to wait for the end of a recovery.

    What was released to a store may go to that one as soon as it has told everything; nothing may
    that rests on a lapse, and no money.
    """
    if not recovery.is_recovering(connection):
        return False
    moves = connection.execute(
        select(transfer.c.to_store).where(
            transfer.c.order_id == order_id, transfer.c.state == "asked"
        )
    ).scalars()
    targets = list(moves)
    units = order_rows.units_of(connection, order_id)
    if not targets or any(
        each.state == "lapsed" or each.destination.startswith("hq:") for each in units
    ):
        return True
    return not all(
        recovery.may_grant(connection, transfers.destination(target), target) for target in targets
    )
