"""The staff listener as one ASGI application: the door, the hot route, the API, the pages."""

from collections.abc import Mapping

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from edge.flow.shop import Shop
from edge.flow.stations import Stations
from edge.web import (
    acts,
    desk,
    openapi,
    pages,
    paper,
    people,
    picks,
    problems,
    provisional,
    reconcile,
    scans,
    state,
    stock,
    transfers,
)
from edge.web.assets import Assets
from edge.web.auth import Door, Hear
from edge.web.screens import ScreenHub
from edge.web.told import MEDIA_TYPE
from sync.wire.codec import to_json


def build(
    shop: Shop,
    screens: ScreenHub,
    stations: Stations,
    *,
    hosts: tuple[str, ...],
    run: str,
    names: Mapping[str, str] | None = None,
    hear: Hear | None = None,
) -> ASGIApp:
    """Everything that the staff listener serves.

    hosts: names under which the box may be called (`127.0.0.1`, `localhost`, `[::1]`), or
    `name:port` to allow that port alone. run: told by `/healthz`; another at each start.
    names: what people call a station, by its id; a station without one goes by its id.
    hear: listens to what stations keep of this box, before anything is decided (attacks 5c).
    """
    app = FastAPI(
        title="StoreEdge node",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
    )
    problems.install(app)
    api = APIRouter(prefix="/api/v1")
    for part in (
        acts.routes(shop, screens),
        transfers.routes(shop),
        provisional.routes(shop),
        desk.routes(shop),
        people.routes(shop),
        paper.routes(shop),
        state.routes(shop),
        stock.routes(shop),
        picks.routes(shop),
        reconcile.routes(shop),
    ):
        api.include_router(part)
    app.include_router(api)
    state.add_raw(app, shop, screens, stations, run)
    assets = Assets()
    describe = openapi.document(app)

    async def document(_request: Request) -> Response:
        return Response(to_json(describe()), media_type=MEDIA_TYPE)

    async def hot_only(_request: Request) -> Response:
        return problems.response("method", headers={"allow": "POST"})

    app.add_route("/openapi.json", document, ["GET"])
    app.add_route(scans.PATH, hot_only, ["GET", "PUT", "PATCH", "DELETE"])
    app.add_route("/static/{digest}/{name:path}", assets.serve, ["GET"])
    page = pages.counter(assets, stations, run, zone=shop.settings.time_zone, names=names or {})
    app.add_route("/counter", page, ["GET"])
    desk_of_store = pages.store(
        assets, stations, run, zone=shop.settings.time_zone, names=names or {}
    )
    app.add_route("/store", desk_of_store, ["GET"])
    hot = {scans.PATH: scans.scans(shop)}
    door = Door(app, stations=stations, hosts=hosts, hot=hot, hear=hear)
    return ServerErrorMiddleware(door, handler=problems.crashed)


def _operation_id(route: APIRoute) -> str:
    return route.name
