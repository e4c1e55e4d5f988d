"""The counter page, and how a screen becomes a station's: the link with a token, once."""

import gzip
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from edge.flow.stations import Stations
from edge.web import words
from edge.web.assets import Assets
from edge.web.auth import COOKIE, Asked

_TEMPLATES = Path(__file__).parent / "templates"
_COOKIE_S = 366 * 24 * 3600
_Page = Callable[[Request], Awaitable[Response]]


def counter(
    assets: Assets, stations: Stations, run: str, *, zone: str, names: Mapping[str, str]
) -> _Page:
    """The handler of `GET /counter`; as `_page`."""
    at = ("/counter", "counter.html")
    return _page(assets, stations, run, zone=zone, names=names, at=at, table=words.load())


def store(
    assets: Assets, stations: Stations, run: str, *, zone: str, names: Mapping[str, str]
) -> _Page:
    """The handler of `GET /store`; as `_page`."""
    at = ("/store", "store.html")
    return _page(assets, stations, run, zone=zone, names=names, at=at, table=words.load_store())


def _page(
    assets: Assets,
    stations: Stations,
    run: str,
    *,
    zone: str,
    names: Mapping[str, str],
    at: tuple[str, str],
    table: Mapping[str, Mapping[str, str]],
) -> _Page:
    """A page of a station: its template with its words in the browser's language.

    at: its path and its template. zone: the shop's, an IANA name. names: what people call a
    station, by its id; one that is not there goes by its id.
    """
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    path, template = at
    page = environment.get_template(template)
    stranger = environment.get_template("stranger.html")
    called = json.dumps(dict(names), ensure_ascii=False)
    # `<` must not end the data block; the rest of JSON is inert inside it.
    block = json.dumps(table, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")

    async def serve(request: Request) -> Response:
        token = request.query_params.get("token")
        if token is not None:
            return _adopt(request, token)
        asked: Asked = request.scope["state"]["asked"]
        language = words.preferred(request.headers.get("accept-language", ""))
        text = {key: both[language] for key, both in table.items()}
        shown = page if asked.station is not None else stranger
        html = shown.render(
            base=assets.base,
            lang=words.HTML_LANG[language],
            station=asked.station,
            station_name=names.get(asked.station or "", asked.station),
            stations=called,
            run=run,
            zone=zone,
            words=block,
            t=text,
        )
        return _html(request, html, 200 if asked.station is not None else 401)

    def _adopt(request: Request, token: str) -> Response:
        answer = RedirectResponse(path, 303, {"cache-control": "no-store"})
        if stations.by_token(token) is None:
            answer.delete_cookie(COOKIE, path="/")
            return answer
        secure = request.url.scheme == "https"
        answer.set_cookie(
            COOKIE, token, _COOKIE_S, path="/", secure=secure, httponly=True, samesite="strict"
        )
        return answer

    return serve


def _html(request: Request, html: str, status: int) -> Response:
    headers = {"cache-control": "no-store", "vary": "accept-encoding, cookie, accept-language"}
    body = html.encode()
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"] = "gzip"
        body = gzip.compress(body, 6)
    return Response(body, status, headers, "text/html; charset=utf-8")
