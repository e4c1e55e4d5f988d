"""`storeedge enroll`: an un-enrolled box becomes a store's node."""

import asyncio
import json
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli.exits import CONFIGURATION, DATA, NO, OUTSIDE, USAGE, leave
from edge.cli.settings import DEFAULT, ConfigOption, load

if TYPE_CHECKING:
    from sync.wire.messages import Certificate


def enroll(
    config: ConfigOption = DEFAULT,
    code: Annotated[
        str, typer.Option(prompt="Pairing code", help="As headquarters printed it.")
    ] = "",
    wait_min: Annotated[int, typer.Option(help="How long to wait for HQ to confirm.")] = 15,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON at the end.")] = False,
) -> None:
    """Ask headquarters with the printed code, and wait until somebody there confirms this box."""
    from edge.main.enrolling import EnrolmentRefused, enrol_node
    from edge.store.errors import StoreError
    from sync.wire.enrol import printed
    from sync.wire.errors import LinkError, WireError

    settings = load(config).config

    def pending(fingerprint: str) -> None:
        typer.echo(f"this box: {fingerprint}", err=True)
        typer.echo("headquarters must show the same; waiting for it to confirm", err=True)

    async def ask() -> "Certificate":
        async with asyncio.timeout(wait_min * 60):
            return await enrol_node(settings, code, on_pending=pending)

    try:
        certificate = asyncio.run(ask())
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
    fingerprint = printed(certificate.node)
    if as_json:
        facts = {
            "node": certificate.node,
            "fingerprint": fingerprint,
            "store": certificate.store,
            "store_code": certificate.store_code,
            "demo": certificate.demo,
        }
        typer.echo(json.dumps(facts, ensure_ascii=False))
    else:
        typer.echo(f"enrolled as {certificate.store_code}; fingerprint {fingerprint}")
