"""`POST /api/v1/scans`: the hot route, bytes in and bytes out without a framework."""

from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from edge.flow.answers import Refusal
from edge.flow.reading import read
from edge.flow.scan import ScanAsk
from edge.flow.shop import Shop
from edge.store.errors import StoreError
from edge.web import problems
from edge.web.auth import answer, caller
from sync.wire.codec import from_json, to_json
from sync.wire.errors import RemoteWireError

PATH = "/api/v1/scans"
_JSON = b"application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanBody:
    """A scan as it is sent. station: for programs that name it; must be the token's own.

    text: what was read or typed, as it is; empty when only the PIN of a serial just scanned is
    told. aim: symbology identifier. pin: typed beside it. typed: by hand, not by a scanner.
    """

    text: str
    station: str | None = None
    aim: str | None = None
    pin: str | None = None
    typed: bool = False


def scans(shop: Shop) -> ASGIApp:
    """The route over `shop`."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        who = caller(scope)
        try:
            body = from_json(ScanBody, (await receive())["body"])
        except RemoteWireError:
            await answer(send, *problems.ours("invalid"))
            return
        if body.station is not None and body.station != who.station:
            await answer(send, *problems.ours("wrong_station"))
            return
        try:
            ask = ScanAsk(text=body.text, aim=body.aim, pin=body.pin, typed=body.typed)
            told = await read(shop, who, ask)
        except StoreError as error:
            await answer(send, *problems.unserved(error))
            return
        if isinstance(told, Refusal):
            await answer(send, *problems.refused_bytes(told))
        else:
            await answer(send, 200, to_json(told), _JSON)

    return serve
