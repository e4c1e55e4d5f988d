"""Routes that tell how the box is: status, devices, stock, events, health and metrics."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from edge.flow import slips
from edge.flow import status as state
from edge.flow.answers import DeviceView, StatusView
from edge.flow.shop import Shop
from edge.flow.stations import Stations
from edge.web.auth import Asked
from edge.web.screens import Act, ScreenHub
from edge.web.told import MEDIA_TYPE, Who, told
from sync.wire.codec import to_json

EVENTS_PATH = "/api/v1/events"
_COUNTS_S = 12
_AGE_SLACK_S = 5
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class FullState:
    """The `state` event: everything that a screen shows. acts: newest first."""

    run: str
    station: str
    status: StatusView
    acts: tuple[Act, ...]
    slips: tuple[slips.SlipEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """The loop turns; `run` tells one start of the process from another."""

    ok: bool
    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Whether a code can be redeemed now, and why not. A lost printer or HQ is not `no`."""

    ok: bool
    why: str


def routes(shop: Shop) -> APIRouter:
    """The routes of `/api/v1` that only look."""
    router = APIRouter(tags=["state"])

    @router.get("/status", response_model=StatusView)
    async def status(who: Who) -> Response:
        """Everything of the status bar."""
        return told(await state.status(shop, who.station))

    @router.get("/devices", response_model=list[DeviceView])
    async def devices(who: Who) -> Response:
        """The box's devices and how they are."""
        return told((await state.status(shop, who.station)).devices)

    return router


def add_raw(app: FastAPI, shop: Shop, screens: ScreenHub, stations: Stations, run: str) -> None:
    """Add the stream of events, and what watchers of the process ask at the root."""

    async def events(request: Request) -> Response:
        asked: Asked = request.scope["state"]["asked"]
        station, token = asked.station, asked.token
        assert station is not None
        assert token is not None

        async def everything() -> FullState:
            acts = screens.recent(station)
            if not acts:  # nothing since this process began: what the ledger kept
                kept = await state.last_answers(shop, station)
                acts = tuple(Act(event="answer", value=one, painted=one.painted) for one in kept)
            return FullState(
                run=run,
                station=station,
                status=await state.status(shop, station),
                slips=await slips.recent(shop, station),
                acts=acts,
            )

        said: StatusView | None = None

        async def news() -> StatusView | None:
            nonlocal said
            now = await state.status(shop, station)
            if said is not None and not _differs(said, now):
                return None
            said = now
            return now

        def allowed() -> bool:
            return stations.by_token(token) == station

        return StreamingResponse(
            screens.stream(station, everything, news, allowed),
            media_type="text/event-stream",
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    async def healthz(_request: Request) -> Response:
        return _uncached(Response(to_json(Alive(ok=True, run=run)), media_type=MEDIA_TYPE))

    async def readyz(_request: Request) -> Response:
        ok, why = await state.ready(shop)
        body = to_json(Ready(ok=ok, why=why))
        return _uncached(Response(body, 200 if ok else 503, media_type=MEDIA_TYPE))

    async def metrics(_request: Request) -> Response:
        text = exposition({**state.metrics(shop), "storeedge_screens_open": screens.connected()})
        return _uncached(PlainTextResponse(text, headers={"content-type": METRICS_TYPE}))

    app.add_route(EVENTS_PATH, events, ["GET"])
    app.add_route("/healthz", healthz, ["GET"])
    app.add_route("/readyz", readyz, ["GET"])
    app.add_route("/metrics", metrics, ["GET"])


def _differs(said: StatusView, now: StatusView) -> bool:
    """Whether a bar that goes on counting by itself since `said` would now be wrong."""
    passed_s = (now.now_ms - said.now_ms) // 1000
    if passed_s >= _COUNTS_S or _timeless(said) != _timeless(now):
        return True
    if said.data_age_s is None or now.data_age_s is None:
        return said.data_age_s is not now.data_age_s
    return abs(said.data_age_s + passed_s - now.data_age_s) > _AGE_SLACK_S


def _timeless(view: StatusView) -> StatusView:
    return replace(view, now_ms=0, data_age_s=None, oldest_unsynced_s=None)


def exposition(values: Mapping[str, float]) -> str:
    """Prometheus text format 0.0.4 of samples named `metric` or `metric{label="value"}`.

    A metric whose name ends in `_total` is a counter, any other a gauge.
    """
    lines: list[str] = []
    last = None
    for sample in sorted(values):
        name = sample.partition("{")[0]
        if name != last:
            lines.append(f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}")
            last = name
        lines.append(f"{sample} {values[sample]:.17g}")
    return "\n".join(lines) + "\n"


def _uncached(response: Response) -> Response:
    response.headers["cache-control"] = "no-store"
    return response
