"""`storeedge enroll`: an un-enrolled box becomes a store's node."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli.exits import CONFIGURATION, DATA, NO, OUTSIDE, USAGE, leave
from edge.cli.settings import DEFAULT, ConfigOption, load

if TYPE_CHECKING:
    from config.schema import Config
    from edge.main.enrolment import EnrolledBox


def enroll(
    config: ConfigOption = DEFAULT,
    code: Annotated[str, typer.Option(help="The pairing code, as headquarters printed it.")] = "",
    take_in: Annotated[
        Path | None,
        typer.Option(
            "--import",
            metavar="FOLDER",
            help="Hand in what the store's box before never told: its second copy, or its disk. "
            "Alone, for a box that is enrolled; beside --code, after that.",
        ),
    ] = None,
    wait_min: Annotated[int, typer.Option(help="How long to wait for HQ to confirm.")] = 15,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON at the end.")] = False,
) -> None:
    """Ask headquarters with the printed code, and wait until somebody there confirms this box."""
    settings = load(config).config
    if take_in is not None and not code:
        _take_in(settings, take_in, as_json=as_json)
        return
    code = code or typer.prompt("Pairing code", err=True)
    from edge.main.enrolment import EnrolmentRefused, enrol_box
    from edge.store.errors import StoreError
    from sync.wire.errors import LinkError, WireError

    def pending(fingerprint: str) -> None:
        typer.echo(f"this box: {fingerprint}", err=True)
        typer.echo("headquarters must show the same; waiting for it to confirm", err=True)

    async def ask() -> "EnrolledBox":
        async with asyncio.timeout(wait_min * 60):
            return await enrol_box(settings, code, on_pending=pending)

    try:
        enrolled = asyncio.run(ask())
    except ValueError as error:
        leave(USAGE, f"{error}: compare it with the printed one")
    except TimeoutError:
        leave(NO, f"nobody at headquarters confirmed within {wait_min} minutes")
    except EnrolmentRefused as error:
        leave(CONFIGURATION, str(error))
    except (LinkError, WireError) as error:
        leave(OUTSIDE, f"{error.code} {error}\n    {error.hint}")
    except StoreError as error:
        leave(DATA, f"{error.code} {error}\n    {error.hint}")
    facts = {
        "node": enrolled.node,
        "fingerprint": enrolled.fingerprint,
        "store": enrolled.store,
        "store_code": enrolled.store_code,
        "demo": enrolled.demo,
    }
    if as_json:
        typer.echo(json.dumps(facts, ensure_ascii=False))
    else:
        typer.echo(f"enrolled as {facts['store_code']}; fingerprint {facts['fingerprint']}")
    if take_in is not None:
        _take_in(settings, take_in, as_json=as_json)


def _take_in(settings: "Config", folder: Path, *, as_json: bool) -> None:
    from edge.cli.bars import Bar
    from edge.main.importing import NothingToImport, import_folder
    from edge.store.errors import StoreError
    from sync.wire.errors import LinkError, WireError

    try:
        with Bar() as bar:
            told = asyncio.run(import_folder(settings, folder, on_progress=bar))
    except NothingToImport as error:
        leave(NO, str(error))
    except (LinkError, WireError) as error:
        leave(OUTSIDE, f"{error.code} {error}\n    {error.hint}")
    except StoreError as error:
        leave(DATA, f"{error.code} {error}\n    {error.hint}")
    except OSError as error:
        leave(OUTSIDE, f"{folder}: {error}")
    if as_json:
        typer.echo(json.dumps({"sources": told.sources, **told.outcomes}))
    else:
        words = ", ".join(f"{count} {outcome}" for outcome, count in told.outcomes.items())
        typer.echo(f"handed in for {told.sources} box(es): {words or 'nothing was left'}")
