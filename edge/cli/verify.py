"""`storeedge verify`: are this box's books whole, and what can a thief of its disk read."""

import json
from typing import Annotated

import typer

from edge.cli.exits import DATA, NO, USAGE, leave
from edge.cli.settings import DEFAULT, ConfigOption, load

PERSONAL_DATA = "sealed: the key is at headquarters and in memory, not on this disk"


def verify(
    config: ConfigOption = DEFAULT,
    head: Annotated[
        list[str] | None,
        typer.Option(metavar="SEQ:HASH", help="A head witnessed elsewhere, as the hub shows it."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Check the audit chain against itself and against witnessed heads (exit 1 when broken)."""
    from edge.store.errors import StoreError
    from edge.store.verify import Witness
    from edge.store.verify import verify as verify_ledger
    from sync.wire.enrol import node_name

    witnesses: list[Witness] = []
    for text in head or ():
        seq, _, digits = text.partition(":")
        try:
            witnesses.append(Witness(seq=int(seq), head=bytes.fromhex(digits)))
        except ValueError:
            leave(USAGE, f"--head {text!r}: give SEQ:HASH with the hash in hexadecimal")
    data_dir = load(config).config.node.data_dir
    try:
        books = verify_ledger(data_dir / "ledger.db", witnesses)
    except StoreError as error:
        leave(DATA, f"{error.code} {error}\n    {error.hint}")
    node = node_name(books.node_public)
    if as_json:
        facts = {
            "ok": not books.faults,
            "node": node,
            "incarnation": books.incarnation.hex(),
            "fenced": books.fenced,
            "audit_seq": books.audit_seq,
            "head": books.head.hex(),
            "witnessed": len(witnesses),
            "unsent": books.unsent,
            "faults": books.faults,
            "personal_data": PERSONAL_DATA,
        }
        typer.echo(json.dumps(facts, ensure_ascii=False))
    else:
        typer.echo(f"node          {node}")
        typer.echo(f"audit chain   {books.audit_seq} rows, head {books.head[:4].hex().upper()}")
        typer.echo(f"unsent        {books.unsent} events")
        if books.fenced:
            typer.echo("fenced        yes: every order needs a person; call HQ")
        typer.echo(f"personal data {PERSONAL_DATA}")
        typer.echo("\n".join(f"FAULT {fault}" for fault in books.faults) or "all whole")
    if books.faults:
        raise typer.Exit(NO)
