"""The hub as an ASGI application: HQ's API by FastAPI, the nodes' routes raw.

Bodies are read with a bound; blocking work runs in threads. `/healthz` names the run, so that a
demo knows that it talks to the process it started.
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from sync.hub import (
    admin_api,
    budgets_api,
    console,
    notify,
    outside_api,
    ownership_api,
    picking_api,
    pickup_api,
    prices_api,
    recall_api,
    reconcile_api,
    recovery_api,
    rotating,
    stock_api,
    webhooks,
)
from sync.hub.database import Tries, busy
from sync.hub.desk import Answer, Asked, NodeDesk, refuse
from sync.hub.doorbell import Doorbell
from sync.hub.identity import Hub
from sync.hub.problems import Problem, invalid
from sync.hub.snapshots import Snapshots
from sync.wire.messages import MAX_BODY_BYTES

logger = logging.getLogger(__name__)
Endpoint = Callable[[Request], Awaitable[Response]]
# no span, metric or log leaves this process because of a variable in its environment
_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
PROBLEM = "application/problem+json"
_WRITE_HEARD_EVERY_S = 1.0
_AS_IT_COMES = {"cache-control": "no-store", "x-accel-buffering": "no"}
_NODE_ROUTES = (
    ("/v1/nodes/enroll", "POST"),
    ("/v1/nodes/return", "POST"),
    ("/v1/nodes/personal-key", "POST"),
    ("/v1/nodes/transfers", "POST"),
    ("/v1/events", "POST"),
    ("/v1/events/recovered", "POST"),
    ("/v1/events/again", "POST"),
    ("/v1/reconcile", "POST"),
    ("/v1/feed", "POST"),
    ("/v1/snapshot", "GET"),
    ("/v1/snapshot/{sha256}", "GET"),
)


def _target(request: Request) -> str:
    path: bytes = request.scope.get("raw_path") or request.url.path.encode()
    query: bytes = request.scope["query_string"]
    return (path.partition(b"?")[0] + (b"?" + query if query else b"")).decode("latin-1")


async def _read(request: Request) -> Asked:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Problem(status=413, code="too_large", detail="A body has at most 8 MiB.")
    return Asked(
        method=request.method,
        target=_target(request),
        headers=dict(request.headers),
        body=bytes(body),
        address=request.client.host if request.client else "",
    )


def respond(answer: Answer) -> Response:
    """An answer as a response; a file is served with Range."""
    if answer.file is not None:
        return FileResponse(answer.file, media_type=answer.media_type)
    return Response(
        answer.body,
        status_code=answer.status,
        media_type=answer.media_type,
        headers=dict(answer.headers),
    )


def _node_endpoint(desk: NodeDesk) -> Endpoint:
    async def serve(request: Request) -> Response:
        try:
            asked = await _read(request)
        except Problem as problem:
            return respond(refuse(problem))
        except ClientDisconnect:
            return Response(status_code=400)
        return respond(await asyncio.to_thread(desk.answer, asked))

    return serve


def _doorbell_endpoint(desk: NodeDesk, doorbell: Doorbell) -> Endpoint:
    async def serve(request: Request) -> Response:
        try:
            bell = await asyncio.to_thread(desk.bell, await _read(request))
        except Problem as problem:
            return respond(refuse(problem))
        except ClientDisconnect:
            return Response(status_code=400)
        if "text/event-stream" in request.headers.get("accept", ""):
            return StreamingResponse(
                doorbell.stream(bell.seqs), media_type="text/event-stream", headers=_AS_IT_COMES
            )
        moved = await doorbell.wait(bell.seqs)
        return Response(status_code=200 if moved else 204)

    return serve


async def _write_heard(desk: NodeDesk) -> None:
    desk.collects_heard = True
    while True:
        await asyncio.sleep(_WRITE_HEARD_EVERY_S)  # what was heard meanwhile is one write
        try:
            await asyncio.to_thread(desk.write_heard)
        except (DBAPIError, Problem) as error:
            logger.warning("not written when boxes were heard error=%s", type(error).__name__)


async def _healthz(_request: Request) -> Response:
    return JSONResponse({"ok": True, "run": os.environ.get("STOREEDGE_RUN", "")})


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    if request.url.path.startswith("/console"):
        return await console.trouble(request, error)
    return respond(refuse(error))


async def _database(_request: Request, error: Exception) -> Response:
    assert isinstance(error, DBAPIError)
    try:
        Tries().after(error)
    except Problem as problem:
        return respond(refuse(problem))
    return respond(refuse(busy()))


async def _not_valid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # pydantic's messages name fields and bounds; the input itself stays out
    words = "; ".join(
        f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()
    )
    return respond(refuse(invalid(words)))


async def _http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    problem = Problem(status=error.status_code, code="http", detail=str(error.detail))
    return respond(refuse(problem))


def build(hub: Hub, snapshots: Path) -> FastAPI:
    """The application; `snapshots` is a folder of its own."""
    desk = NodeDesk(hub, Snapshots(hub, snapshots))
    doorbell = Doorbell(desk)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None, None]:
        tasks = [
            asyncio.create_task(doorbell.run(), name="doorbell"),
            asyncio.create_task(notify.stay_alive(desk), name="watchdog"),
            asyncio.create_task(_write_heard(desk), name="heard"),
            asyncio.create_task(rotating.keep_ahead(hub), name="rotating"),
            asyncio.create_task(stock_api.keep(hub), name="stock"),
            asyncio.create_task(webhooks.keep_sending(hub), name="webhooks"),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()

    app = FastAPI(
        title="StoreEdge hub",
        version="1",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        telemetry=_NO_TELEMETRY,
        exception_handlers={
            Problem: _problem,
            RequestValidationError: _not_valid,
            HTTPException: _http,
            console.NeedsLogIn: console.to_log_in,
            DBAPIError: _database,
        },
    )
    app.state.hub = hub
    app.state.desk = desk
    app.state.doorbell = doorbell
    serve = _node_endpoint(desk)
    routes = [Route(path, serve, methods=[method]) for path, method in _NODE_ROUTES]
    routes += [
        Route("/v1/doorbell", _doorbell_endpoint(desk, doorbell), methods=["GET"]),
        Route("/healthz", _healthz, methods=["GET"]),
    ]
    app.router.routes.extend(routes)
    app.include_router(admin_api.router)
    app.include_router(stock_api.router)
    app.include_router(reconcile_api.router)
    app.include_router(ownership_api.router)
    app.include_router(picking_api.router)
    app.include_router(recall_api.router)
    app.include_router(budgets_api.router)
    app.include_router(prices_api.router)
    app.include_router(recovery_api.router)
    app.include_router(pickup_api.router)
    app.include_router(outside_api.open_router)
    app.include_router(outside_api.router)
    app.include_router(console.router)
    return app
