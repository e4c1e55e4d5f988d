"""`storeedge-hub admin order`: orders made, shown, extended, moved, refunded, cancelled."""

from typing import Annotated

import typer

from sync.hub import orders, ownership
from sync.hub.cli_options import AsJson, Run, checked
from sync.hub.identity import Hub
from sync.hub.refunds import NewRefund, Override
from sync.hub.stores import Json
from sync.hub.transfers import NewTransfer


def add_to(admin: typer.Typer, run: Run) -> None:
    """Put the commands into `admin`; `run` opens the hub and shows the answer."""
    order = typer.Typer(help="Orders to be picked up.", no_args_is_help=True)
    admin.add_typer(order, name="order")

    @order.command("create")
    def order_create(
        context: typer.Context,
        number: Annotated[int, typer.Option("--store")],
        line: Annotated[list[str], typer.Option(help="SKU:QUANTITY, SKU:QUANTITY@MAIN-LINE")],
        order_no: Annotated[str | None, typer.Option("--no")] = None,
        name: Annotated[str, typer.Option(help="Customer's name")] = "",
        phone: Annotated[str, typer.Option(help="Customer's phone")] = "",
        hours: Annotated[float | None, typer.Option(help="Until when; 48 by default")] = None,
        lane: Annotated[str, typer.Option(help="normal, priority")] = "normal",
        ready: Annotated[bool, typer.Option("--ready/--not-ready")] = True,
        place: Annotated[str, typer.Option()] = "",
        bags: Annotated[int, typer.Option()] = 1,
        value_minor: Annotated[int, typer.Option()] = 0,
        min_grade: Annotated[int, typer.Option()] = 1,
        courier: Annotated[bool, typer.Option("--courier", help="With serial and PIN")] = False,
        rotating: Annotated[bool, typer.Option("--rotating", help="A code that changes")] = False,
        platform: Annotated[str | None, typer.Option(help="MT:23:8831")] = None,
        as_json: AsJson = False,
    ) -> None:
        """Make an order and print its codes, once."""

        def verb(hub: Hub) -> Json:
            parts = platform.split(":") if platform else []
            if platform and len(parts) != 3:
                raise ValueError("platform is NAME:NUMBER:ORDER-TAIL, like MT:23:8831")
            values: Json = {
                "store": number,
                "lines": [_line(each) for each in line],
                "order_no": order_no,
                "customer": {"name": name, "phone": phone} if name or phone else None,
                "hours": hours,
                "lane": lane,
                "ready": ready,
                "place": place,
                "bags": bags,
                "value_minor": value_minor,
                "min_grade": min_grade,
                "courier": courier,
                "rotating": rotating,
                "platform": dict(zip(("name", "number", "order_tail"), parts, strict=True))
                if parts
                else None,
            }
            return orders.create(hub, checked(orders.NewOrder, values))

        run(context, as_json, verb)

    @order.command("show")
    def order_show(context: typer.Context, order_no: str, as_json: AsJson = False) -> None:
        """An order with each unit's life."""
        run(context, as_json, lambda hub: orders.show(hub, order_no))

    @order.command("extend")
    def order_extend(
        context: typer.Context,
        order_no: str,
        hours: Annotated[float, typer.Option()],
        as_json: AsJson = False,
    ) -> None:
        """Give the customer longer."""
        run(context, as_json, lambda hub: orders.extend(hub, order_no, hours))

    @order.command("cancel")
    def order_cancel(context: typer.Context, order_no: str, as_json: AsJson = False) -> None:
        """Ask the store to stop; see `cancel.state` for when it did."""
        run(context, as_json, lambda hub: ownership.cancel(hub, order_no))

    @order.command("move")
    def order_move(
        context: typer.Context,
        order_no: str,
        to: Annotated[int, typer.Option(help="Number of the store that is to have it")],
        as_json: AsJson = False,
    ) -> None:
        """Ask its store to give it up to another; the same again shows how far it came."""
        wanted = NewTransfer(order_no=order_no, to_store=to)
        run(context, as_json, lambda hub: ownership.move(hub, wanted, by="admin"))

    @order.command("refund")
    def order_refund(
        context: typer.Context,
        order_no: str,
        by: Annotated[str, typer.Option(help="Who refunds what the store may still give")] = "",
        reason: Annotated[str, typer.Option(help="Why; the loss is booked")] = "",
        as_json: AsJson = False,
    ) -> None:
        """Refund what was given up, ask for the rest; with --by and --reason do not wait."""
        override = Override(by=by, reason=reason) if by and reason else None
        wanted = NewRefund(override=override)
        run(context, as_json, lambda hub: ownership.refund(hub, order_no, wanted))

    @order.command("reissue")
    def order_reissue(
        context: typer.Context,
        order_no: str,
        hours: Annotated[float | None, typer.Option()] = None,
        as_json: AsJson = False,
    ) -> None:
        """New codes; the old ones are void."""
        run(context, as_json, lambda hub: orders.reissue(hub, order_no, hours=hours))


def _line(text: str) -> Json:
    sku, _, rest = text.partition(":")
    quantity, _, bundle = rest.partition("@")
    return {
        "sku": sku,
        "quantity": int(quantity or 1),
        "bundle_of": int(bundle) if bundle else None,
    }
