"""A copy of the hub's database; what it holds is `backed_up`, and nodes may then forget it."""

from pathlib import Path

from sqlalchemy import select, update

from sync.hub.identity import Hub
from sync.hub.problems import refused
from sync.hub.stores import Json
from sync.hub.tables import node


def make(hub: Hub, to: str) -> Json:
    """Copy to a new file and move every node's mark to what stood in it.

    The marks are read before the copy: it holds at least that much.
    """
    file = Path(to)
    if file.exists():
        raise refused("exists", "The file of a backup must not exist.")
    with hub.database.reading() as connection:
        marks = connection.execute(select(node.c.node, node.c.incarnation, node.c.acked_seq)).all()
    file.touch(mode=0o600)  # it holds the private keys
    hub.database.copy_to(file)

    def tell() -> None:
        with hub.database.writing() as connection:
            for mark in marks:
                connection.execute(
                    update(node)
                    .where(node.c.node == mark.node, node.c.incarnation == mark.incarnation)
                    .values(backed_up_seq=mark.acked_seq)
                )

    hub.database.again(tell)
    return {"file": str(file), "nodes": len(marks)}
