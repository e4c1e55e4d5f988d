"""`storeedge backup`: ledger and catalog as one sealed file, while the node runs."""

import datetime as dt
import json
import os
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.exits import DATA, OUTSIDE, USAGE, leave
from edge.cli.settings import DEFAULT, ConfigOption, load

PHRASE_VARIABLE = "STOREEDGE_RECOVERY_PHRASE"
PhraseOption = Annotated[
    Path | None,
    typer.Option(
        "--phrase-file",
        help=f"A file with the recovery phrase; else the variable {PHRASE_VARIABLE} has it.",
    ),
]


def phrase_from(file: Path | None) -> str | None:
    """The recovery phrase from a file or the environment; None when neither has one."""
    if file is None:
        return os.environ.get(PHRASE_VARIABLE)
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        leave(USAGE, f"--phrase-file {file}: {error}")


def backup(
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="Where it goes.")],
    config: ConfigOption = DEFAULT,
    phrase_file: PhraseOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON at the end.")] = False,
) -> None:
    """Take a backup of this box, sealed with a recovery phrase; the node may go on working.

    Without a phrase one is made and printed once: nobody can open the backup without it.
    """
    from drivers.host.clock import open_clock
    from edge.cli.bars import Bar
    from edge.store.backup import new_phrase, take
    from edge.store.errors import StoreError

    settings = load(config).config
    data_dir, clock = settings.node.data_dir, open_clock(settings.time.source)
    given = phrase_from(phrase_file)
    phrase = given or new_phrase()
    try:
        with Bar() as bar:
            made = take(data_dir, to, phrase, now_ms=clock.wall_ms(), on_progress=bar)
    except ValueError as error:
        leave(USAGE, str(error))
    except StoreError as error:
        leave(DATA, f"{error.code} {error}\n    {error.hint}")
    except OSError as error:
        leave(OUTSIDE, f"{to}: {error}; no backup was made, an older one is as it was")
    if as_json:
        facts = {
            "file": str(to),
            "node": made.node,
            "incarnation": made.incarnation,
            "audit_seq": made.audit_seq,
            "head": made.head,
            "schema": made.schema,
            "bytes": to.stat().st_size,
        }
        if given is None:
            facts["recovery_phrase"] = phrase
        typer.echo(json.dumps(facts, ensure_ascii=False))
        return
    taken = dt.datetime.fromtimestamp(made.taken_ms / 1000, dt.UTC)
    typer.echo(f"backup of {made.node} up to audit row {made.audit_seq}, {taken:%Y-%m-%d %H:%M}Z")
    typer.echo(f"file {to}, {to.stat().st_size} bytes")
    if given is None:
        typer.echo(f"recovery phrase (shown once; write it down): {phrase}")
