"""Approval by voice: the store reads six digits and a case number, HQ reads six digits back."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from sqlalchemy import insert, select

from sync.hub.identity import Hub
from sync.hub.problems import invalid
from sync.hub.stores import Json, store_row
from sync.hub.tables import approval
from sync.wire.approval import response

MAX_NAME_CHARS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApproval:
    """What the store read out, and the name of the person who approves."""

    store: int
    challenge: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    case: Annotated[int, Field(ge=1, le=2**62)]
    by: Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARS)]


def approve(hub: Hub, new: NewApproval) -> Json:
    """The digits to read back; who approved what is written down before they are shown."""
    name = " ".join(new.by.split())
    if not name or not name.isprintable():
        raise invalid("Give the name of the person who approves.")
    now_ms = hub.clock.now_ms()
    with hub.database.writing() as connection:
        home = store_row(connection, new.store)
        connection.execute(
            insert(approval).values(
                store=new.store, case=new.case, challenge=new.challenge, name=name, at_ms=now_ms
            )
        )
    return {
        "store": new.store,
        "case": new.case,
        "response": response(home.k_store, new.challenge, new.case),
        "by": name,
    }


def list_approvals(hub: Hub) -> list[Json]:
    """Who approved what from here, newest first, at most 1,000; never the response."""
    wanted = select(approval).order_by(approval.c.approval_id.desc()).limit(1_000)
    with hub.database.reading() as connection:
        rows = connection.execute(wanted).all()
    return [
        {"store": row.store, "case": row.case, "by": row.name, "at_ms": row.at_ms} for row in rows
    ]
