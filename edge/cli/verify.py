"""`storeedge verify`: are this box's books whole, and what can a thief of its disk read."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli.backup import PHRASE_VARIABLE, PhraseOption, phrase_from
from edge.cli.exits import DATA, NO, OUTSIDE, USAGE, leave
from edge.cli.settings import DEFAULT, ConfigOption, load

if TYPE_CHECKING:
    from edge.store.verify import Witness

PERSONAL_DATA = "sealed: the key is at headquarters and in memory, not on this disk"


def verify(
    config: ConfigOption = DEFAULT,
    head: Annotated[
        list[str] | None,
        typer.Option(metavar="SEQ:HASH", help="A head witnessed elsewhere, as the hub shows it."),
    ] = None,
    backup: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Check this backup instead, to its last byte."),
    ] = None,
    phrase_file: PhraseOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Check the audit chain against itself and against witnessed heads (exit 1 when broken).

    Heads come from headquarters (--head), and from the stick that the configuration names.
    """
    if backup is not None:
        _verify_backup(backup, phrase_file, as_json=as_json)
        return
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
    settings = load(config).config
    ledger = settings.node.data_dir / "ledger.db"
    notes: list[str] = []
    if settings.box.witness_file is not None:
        stick, note = _stick(settings.box.witness_file, ledger)
        notes = [note] if note else []
        witnesses += [stick] if stick else []
    try:
        books = verify_ledger(ledger, witnesses)
    except StoreError as error:
        leave(DATA, f"{error.code} {error}\n    {error.hint}")
    node = node_name(books.node_public)
    if as_json:
        facts = {
            "ok": not books.faults,
            "node": node,
            "incarnation": books.incarnation.hex(),
            "fenced": books.fenced,
            "fenced_why": books.fenced_why,
            "late": books.late,
            "notes": notes,
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
            why = books.fenced_why or "unknown"
            typer.echo(f"fenced        yes ({why}): every order needs a person; call HQ")
        for note in notes:
            typer.echo(f"note          {note}")
        typer.echo(f"personal data {PERSONAL_DATA}")
        typer.echo("\n".join(f"FAULT {fault}" for fault in books.faults) or "all whole")
    if books.faults:
        raise typer.Exit(NO)


def _stick(file: Path, ledger: Path) -> "tuple[Witness | None, str]":
    """The head that the stick keeps, if this box made it; else a note why there is none."""
    from edge.store.errors import StoreError
    from edge.store.verify import kept_head

    try:
        kept = kept_head(ledger, file.read_text(encoding="ascii").strip())
    except (OSError, UnicodeDecodeError):
        return None, f"{file} cannot be read: no head from there"
    except StoreError:
        return None, ""  # said once, by the check itself
    return kept, "" if kept else f"{file} holds no head of this incarnation"


def _verify_backup(file: Path, phrase_file: Path | None, *, as_json: bool) -> None:
    from edge.cli.bars import Bar
    from edge.store.backup import check
    from edge.store.errors import NotOpened

    phrase = phrase_from(phrase_file)
    if phrase is None:
        leave(USAGE, f"give the recovery phrase by --phrase-file or in {PHRASE_VARIABLE}")
    try:
        with Bar() as bar:
            held = check(file, phrase, on_progress=bar)
    except ValueError as error:
        leave(USAGE, str(error))
    except OSError as error:
        leave(OUTSIDE, f"{file}: {error}")
    except NotOpened as error:
        if as_json:
            typer.echo(json.dumps({"ok": False, "code": error.code, "why": str(error)}))
        leave(NO, f"{error.code} {error}\n    {error.hint}")
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "ok": True,
                    "node": held.node,
                    "incarnation": held.incarnation,
                    "audit_seq": held.audit_seq,
                    "head": held.head,
                    "schema": held.schema,
                    "taken_ms": held.taken_ms,
                }
            )
        )
    else:
        typer.echo(f"whole: {held.node} up to audit row {held.audit_seq}, head {held.head[:8]}")
