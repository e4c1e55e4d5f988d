"""`storeedge enroll`: an un-enrolled box becomes a store's node."""

import asyncio
import json
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli.exits import CONFIGURATION, DATA, NO, OUTSIDE, USAGE, leave
from edge.cli.settings import DEFAULT, ConfigOption, load

if TYPE_CHECKING:
    from edge.main.enrolment import EnrolledBox


def enroll(
    config: ConfigOption = DEFAULT,
    code: Annotated[
        str, typer.Option(prompt="Pairing code", help="As headquarters printed it.")
    ] = "",
    wait_min: Annotated[int, typer.Option(help="How long to wait for HQ to confirm.")] = 15,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON at the end.")] = False,
) -> None:
    """Ask headquarters with the printed code, and wait until somebody there confirms this box."""
    from edge.main.enrolment import EnrolmentRefused, enrol_box
    from edge.store.errors import StoreError
    from sync.wire.errors import LinkError, WireError

    settings = load(config).config

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
