"""`storeedge-hub admin`: HQ's verbs straight on the database, whether or not `serve` is running."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.pretty import pprint

from sync.hub import (
    approvals,
    backup,
    cases,
    cli_budget,
    cli_console,
    cli_orders,
    cli_outside,
    cli_price,
    cli_recall,
    cli_recovery,
    enrolment,
    identity,
    leases,
    stores,
    takeovers,
)
from sync.hub.cli_options import AsJson, checked
from sync.hub.clock import open_clock
from sync.hub.database import Database
from sync.hub.identity import Hub
from sync.hub.leases import Lease
from sync.hub.problems import Problem
from sync.hub.stores import Json

T = TypeVar("T")
admin = typer.Typer(help="Administer the chain on its database.", no_args_is_help=True)
store = typer.Typer(help="Stores.", no_args_is_help=True)
product = typer.Typer(help="Articles.", no_args_is_help=True)
staff = typer.Typer(help="People.", no_args_is_help=True)
pairing = typer.Typer(help="Pairing codes for new boxes.", no_args_is_help=True)
node = typer.Typer(help="Boxes.", no_args_is_help=True)
case = typer.Typer(help="Cases for a person.", no_args_is_help=True)
token = typer.Typer(help="Admin tokens.", no_args_is_help=True)
for name, group in (
    ("store", store),
    ("product", product),
    ("staff", staff),
    ("pairing", pairing),
    ("node", node),
    ("case", case),
    ("token", token),
):
    admin.add_typer(group, name=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the options before the verb say."""

    database: str
    time: str


@admin.callback()
def options(
    context: typer.Context,
    database: Annotated[
        str,
        typer.Option(
            envvar="STOREEDGE_HUB_DATABASE", help="sqlite:////path/hub.db or postgresql://…"
        ),
    ],
    time: Annotated[str, typer.Option(help="system: or offset:/absolute/file")] = "system:",
) -> None:
    """Administer the chain on its database."""
    context.obj = Desk(database=database, time=time)


def _desk(context: typer.Context) -> Desk:
    found = context.obj
    assert isinstance(found, Desk)
    return found


def _show(answer: Json, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False))
    else:
        pprint(answer, console=Console(file=sys.stdout), expand_all=True)


def _stop(error: Exception) -> typer.Exit:
    typer.echo(str(error), err=True)
    return typer.Exit(1)


def _run(context: typer.Context, as_json: bool, verb: Callable[[Hub], Json]) -> None:
    desk = _desk(context)
    try:
        database = Database(desk.database)
        hub = identity.open_hub(database, open_clock(desk.time))
        answer = database.again(lambda: verb(hub))
        database.close()
    except (Problem, ValueError, OSError, identity.NotInitialised) as error:
        raise _stop(error) from error
    _show(answer, as_json)


@admin.command()
def init(
    context: typer.Context,
    chain: Annotated[str, typer.Option(help="Name of the chain")],
    demo: Annotated[bool, typer.Option("--demo", help="A demo chain: boxes may use sim:")] = False,
    as_json: AsJson = False,
) -> None:
    """Make the chain with its keys; prints the first admin token, once."""
    desk = _desk(context)
    try:
        database = Database(desk.database)
        clock = open_clock(desk.time)
        made = identity.initialise(database, clock, name=chain, demo=demo)
        hub = identity.open_hub(database, clock)
    except (ValueError, OSError) as error:
        raise _stop(error) from error
    _show({"chain": hub.chain, "name": hub.name, "demo": hub.demo, "admin_token": made}, as_json)


@admin.command("backup")
def make_backup(
    context: typer.Context,
    to: Annotated[str, typer.Option(help="File to be made; must not exist")],
    as_json: AsJson = False,
) -> None:
    """Copy the database; nodes may then forget what the copy holds."""
    _run(context, as_json, lambda hub: backup.make(hub, to))


@admin.command("approve")
def approve(
    context: typer.Context,
    challenge: Annotated[str, typer.Argument(help="The six digits that the store reads out")],
    number: Annotated[int, typer.Option("--store")],
    for_case: Annotated[int, typer.Option("--case", help="The case number that it reads out")],
    by: Annotated[str, typer.Option(help="Who approves; the store writes this name down")],
    as_json: AsJson = False,
) -> None:
    """The six digits to read back, so that the store may go on with this case."""
    values: Json = {"store": number, "challenge": challenge, "case": for_case, "by": by}
    _run(
        context,
        as_json,
        lambda hub: approvals.approve(hub, checked(approvals.NewApproval, values)),
    )


@token.command("new")
def token_new(
    context: typer.Context, name: Annotated[str, typer.Option()], as_json: AsJson = False
) -> None:
    """Another admin token, printed once."""
    _run(context, as_json, lambda hub: {"name": name, "admin_token": identity.add_token(hub, name)})


@store.command("add")
def store_add(
    context: typer.Context,
    number: Annotated[int, typer.Option(help="1 to 16777215, in tokens")],
    code: Annotated[str, typer.Option(help="Short code, on slips")],
    name_zh: Annotated[str, typer.Option()],
    name_en: Annotated[str, typer.Option()],
    as_json: AsJson = False,
) -> None:
    """Open a store."""
    values: Json = {"number": number, "code": code, "name_zh": name_zh, "name_en": name_en}
    _run(
        context,
        as_json,
        lambda hub: stores.add_store(hub, checked(stores.NewStore, values)),
    )


@store.command("lease")
def store_lease(
    context: typer.Context,
    number: Annotated[int, typer.Option(help="The store")],
    hours: Annotated[float, typer.Option(help="After HQ was last heard; 0 for no lease")],
    as_json: AsJson = False,
) -> None:
    """How long a store may give orders without hearing HQ; it only stops, it proves nothing."""
    lease = checked(Lease, {"hours": hours})
    _run(context, as_json, lambda hub: leases.put_lease(hub, number, lease))


@store.command("list")
def store_list(context: typer.Context, as_json: AsJson = False) -> None:
    """Every store."""
    _run(context, as_json, lambda hub: {"stores": stores.list_stores(hub)})


@product.command("add")
def product_add(
    context: typer.Context,
    sku: Annotated[str, typer.Option(help="At most 8 bytes")],
    name_zh: Annotated[str, typer.Option()],
    name_en: Annotated[str, typer.Option()],
    gtin: Annotated[str | None, typer.Option(help="8, 12, 13 or 14 digits")] = None,
    storage: Annotated[str, typer.Option(help="ambient, chilled, frozen")] = "ambient",
    min_grade: Annotated[int, typer.Option(help="1 any code; 2 signed or PIN; 3 rotating")] = 1,
    as_json: AsJson = False,
) -> None:
    """Write an article down, or change it."""
    values: Json = {
        "sku": sku,
        "name_zh": name_zh,
        "name_en": name_en,
        "gtin": gtin,
        "storage": storage,
        "min_grade": min_grade,
    }
    _run(
        context,
        as_json,
        lambda hub: stores.put_product(hub, checked(stores.NewProduct, values)),
    )


@staff.command("add")
def staff_add(
    context: typer.Context,
    number: Annotated[int, typer.Option("--store")],
    staff_id: Annotated[str, typer.Option("--id")],
    name: Annotated[str, typer.Option()],
    role: Annotated[str, typer.Option(help="cashier, supervisor, manager, technician")],
    badge: Annotated[str | None, typer.Option(help="What the badge's code says")] = None,
    pin: Annotated[str | None, typer.Option(help="4 to 6 digits", prompt=False)] = None,
    active: Annotated[bool, typer.Option("--active/--inactive")] = True,
    as_json: AsJson = False,
) -> None:
    """Write a person down, or change them."""
    values: Json = {
        "store": number,
        "staff_id": staff_id,
        "name": name,
        "role": role,
        "badge": badge,
        "pin": pin,
        "active": active,
    }
    _run(context, as_json, lambda hub: stores.put_person(hub, checked(stores.NewPerson, values)))


@pairing.command("new")
def pairing_new(
    context: typer.Context,
    number: Annotated[int, typer.Option("--store")],
    as_json: AsJson = False,
) -> None:
    """A pairing code for one box, good for 15 minutes."""
    _run(context, as_json, lambda hub: enrolment.new_pairing(hub, number))


@node.command("confirm")
def node_confirm(
    context: typer.Context,
    fingerprint: str,
    replace: Annotated[
        bool, typer.Option("--replace", help="The store's old box is unplugged")
    ] = False,
    by: Annotated[str, typer.Option(help="Who has seen that, by name; needed to replace")] = "",
    as_json: AsJson = False,
) -> None:
    """The fingerprint on the box's screen is this one."""
    _run(context, as_json, lambda hub: enrolment.confirm(hub, fingerprint, replace=replace, by=by))


@node.command("takeovers")
def node_takeovers(context: typer.Context, as_json: AsJson = False) -> None:
    """Which boxes gave way to which, and who attested it."""
    _run(context, as_json, lambda hub: {"takeovers": takeovers.list_takeovers(hub)})


@node.command("list")
def node_list(context: typer.Context, as_json: AsJson = False) -> None:
    """Every box and how far it is."""
    _run(context, as_json, enrolment.fleet)


@case.command("list")
def case_list(
    context: typer.Context,
    only_open: Annotated[bool, typer.Option("--open")] = False,
    as_json: AsJson = False,
) -> None:
    """What a person must decide, or has decided."""
    _run(context, as_json, lambda hub: {"cases": cases.list_cases(hub, only_open=only_open)})


cli_recall.add_to(admin, _run)
cli_orders.add_to(admin, _run)
cli_outside.add_to(admin, _run)
cli_budget.add_to(admin, _run)
cli_price.add_to(admin, _run)
cli_console.add_to(admin, _run)
cli_recovery.add_to(admin, store, _run)
