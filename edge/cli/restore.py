"""`storeedge restore`: a box from its backup, under a new incarnation and fenced."""

import json
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.backup import PHRASE_VARIABLE, PhraseOption, phrase_from
from edge.cli.exits import DATA, OUTSIDE, USAGE, leave
from edge.cli.settings import DEFAULT, ConfigOption, load


def restore(
    source: Annotated[Path, typer.Option("--from", metavar="FILE", help="The backup.")],
    config: ConfigOption = DEFAULT,
    phrase_file: PhraseOption = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="A ledger that is here is kept aside, not refused.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON at the end.")] = False,
) -> None:
    """Make this box the one of a backup; its node must be stopped.

    What happened after the backup is not in it. So the box starts fenced: it asks a person for
    every order until somebody at headquarters attests it.
    """
    from drivers.host.clock import open_clock
    from edge.cli.bars import Bar
    from edge.main.opening import machine_name
    from edge.store.errors import StoreError
    from edge.store.restore import restore as restore_box

    settings = load(config).config
    data_dir, clock = settings.node.data_dir, open_clock(settings.time.source)
    phrase = phrase_from(phrase_file)
    if phrase is None:
        leave(USAGE, f"give the recovery phrase by --phrase-file or in {PHRASE_VARIABLE}")
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        with Bar() as bar:
            done = restore_box(
                data_dir,
                source,
                phrase,
                replace=replace,
                machine=machine_name(data_dir),
                now_ms=clock.wall_ms(),
                on_progress=bar,
            )
    except ValueError as error:
        leave(USAGE, str(error))
    except StoreError as error:
        leave(DATA, f"{error.code} {error}\n    {error.hint}")
    except OSError as error:
        leave(OUTSIDE, f"{error}; the node does not start on anything half-done: run it again")
    if as_json:
        facts = {
            "node": done.backup.node,
            "incarnation": done.incarnation.hex(),
            "before": done.backup.incarnation,
            "audit_seq": done.backup.audit_seq,
            "fenced": True,
            "aside": None if done.aside is None else str(done.aside),
        }
        typer.echo(json.dumps(facts, ensure_ascii=False))
        return
    typer.echo(f"restored {done.backup.node} up to audit row {done.backup.audit_seq}")
    if done.aside is not None:
        typer.echo(f"what was here is kept in {done.aside}")
    typer.echo("fenced: start the node; it asks headquarters, where a person attests it")
