"""The console: HQ's pages under `/console`, drawn here, without a line of script.

A page is read or a form is sent; each form carries its session's key and goes back to a page (303),
so that a reload never repeats an act. What an act may not do is said above the page it came from.
"""

import asyncio
import datetime as dt
import io
import re
import secrets
import tomllib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

import segno
from fastapi import APIRouter, Depends, Query, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import RedirectResponse, Response

from sync.hub import console_desk, console_people, console_stores, console_story, console_views
from sync.hub.admin_api import TheHub
from sync.hub.begin_again import AgainRoute
from sync.hub.console_people import Role, Session
from sync.hub.identity import Hub
from sync.hub.problems import Problem, missing
from sync.hub.stores import Json

COOKIE = "storeedge_console"
LANGUAGE = "storeedge_language"
MAX_FORM_BYTES = 16_384
_CODE = re.compile(r"[a-z_]{1,40}")
_INSIDE = re.compile(r"/console(?:/[0-9A-Za-z_-]+)*")
_HERE = Path(__file__).parent
_SAFE = {
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
}
Language = Literal["zh", "en"]
T = TypeVar("T")
router = APIRouter(
    prefix="/console", include_in_schema=False, tags=["console"], route_class=AgainRoute
)


class _Site:
    """Templates, words and the one style sheet, read once."""

    def __init__(self) -> None:
        words = tomllib.loads((_HERE / "console_words.toml").read_text(encoding="utf-8"))
        self.words: dict[str, dict[str, str]] = {
            language: {key: both[language] for key, both in words.items()}
            for language in ("zh", "en")
        }
        self.css = (_HERE / "static/console.css").read_bytes()
        self.environment = Environment(
            loader=FileSystemLoader(_HERE / "templates/console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        own: dict[str, Callable[..., str]] = {"when": _when, "ago": _ago, "bytes": _bytes}
        self.environment.filters.update(own)


def _when(at_ms: int | None) -> str:
    """A time in UTC, since stores lie in several zones; the page says so."""
    if not at_ms:
        return "–"
    return dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")


def _ago(at_ms: int | None, now_ms: int) -> str:
    """How long ago, in the largest unit that fits."""
    if not at_ms:
        return "–"
    seconds = max(0, (now_ms - at_ms) // 1000)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _bytes(number: int | None) -> str:
    """Bytes in GB or MB."""
    if number is None:
        return "–"
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.0f} MB"


_SITE = _Site()


class NeedsLogIn(Exception):
    """Nobody is logged in here; `to` is the page that was wanted."""

    def __init__(self, to: str) -> None:
        super().__init__(to)
        self.to = to


def somebody(request: Request, hub: TheHub) -> Session:
    """Who is logged in."""
    found = console_people.session(hub, request.cookies.get(COOKIE))
    if found is None:
        raise NeedsLogIn(request.url.path if request.method == "GET" else "/console")
    return found


Here = Annotated[Session, Depends(somebody)]


async def to_log_in(_request: Request, error: Exception) -> Response:
    """Send who is not logged in to where they can."""
    assert isinstance(error, NeedsLogIn)
    return RedirectResponse(f"/console/login?to={quote(error.to)}", status_code=303)


def _language(request: Request) -> Language:
    wanted = request.query_params.get("lang") or request.cookies.get(LANGUAGE, "")
    if wanted not in ("zh", "en"):
        wanted = "en" if request.headers.get("accept-language", "").startswith("en") else "zh"
    return "en" if wanted == "en" else "zh"


def _draw(
    request: Request,
    hub: Hub,
    template: str,
    who: Session | None,
    facts: Json | None = None,
    *,
    status: int = 200,
    here: str | None = None,
) -> Response:
    """A page; `here` is where its links to itself lead, else its own address."""
    language = _language(request)
    words = _SITE.words[language]
    other = "zh" if language == "en" else "en"
    kept = [(k, v) for k, v in request.query_params.items() if k not in ("lang", "no", "done")]
    no = request.query_params.get("no", "")
    text = _SITE.environment.get_template(template).render(
        t=words,
        lang="en" if language == "en" else "zh-CN",
        other=other,
        here=here or request.url.path,
        other_link=f"{here or request.url.path}?{urlencode([*kept, ('lang', other)])}",
        who=who,
        chain=hub.name,
        demo=hub.demo,
        now_ms=hub.clock.now_ms(),
        trouble=no if _CODE.fullmatch(no) else "",
        done="done" in request.query_params,
        **(facts or {}),
    )
    answer = Response(text, status_code=status, media_type="text/html", headers=_SAFE)
    if "lang" in request.query_params:
        answer.set_cookie(LANGUAGE, language, max_age=31_536_000, httponly=True, samesite="lax")
    return answer


async def trouble(request: Request, problem: Problem) -> Response:
    """A problem as a page, for people."""
    hub: Hub = request.app.state.hub
    cookie = request.cookies.get(COOKIE)
    who = await asyncio.to_thread(console_people.session, hub, cookie)
    return _draw(
        request,
        hub,
        "trouble.html",
        who,
        {"code": problem.code, "detail": problem.detail},
        status=problem.status,
        here="/console",
    )


async def _form(request: Request) -> dict[str, str]:
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem(status=403, code="form_key", detail="This form came from another site.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise Problem(status=413, code="too_large", detail="That form is too large.")
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


@router.get("/console.css")
def style() -> Response:
    """The one style sheet."""
    return Response(
        _SITE.css,
        media_type="text/css",
        headers={"cache-control": "max-age=3600", "x-content-type-options": "nosniff"},
    )


@router.get("/login")
def login_page(request: Request, hub: TheHub, to: str = "/console") -> Response:
    """Where somebody logs in."""
    return _draw(request, hub, "login.html", None, {"to": _inside(to)})


@router.post("/login")
async def login(request: Request, hub: TheHub) -> Response:
    """Log in; the cookie is for this site alone."""
    fields = await _form(request)
    to = _inside(fields.get("to", ""))
    try:
        cookie = await _once(
            hub,
            lambda: console_people.log_in(
                hub, fields.get("login", "")[:64], fields.get("password", "")[:200]
            ),
        )
    except Problem as problem:
        return RedirectResponse(
            f"/console/login?to={quote(to)}&no={quote(problem.code)}", status_code=303
        )
    answer = RedirectResponse(to, status_code=303)
    answer.set_cookie(
        COOKIE,
        cookie,
        max_age=console_people.LONGEST_MS // 1000,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/console",
    )
    return answer


def _inside(to: str) -> str:
    """A page of the console, whatever was asked for."""
    return to if _INSIDE.fullmatch(to) else "/console"


@router.get("")
def stores_page(
    request: Request, hub: TheHub, who: Here, *, page: int = 1, trouble_only: bool = False
) -> Response:
    """Stores: line, lag, version, clock, disk, what waits there."""
    found = console_stores.stores_view(hub, page=page, only_trouble=trouble_only)
    return _draw(request, hub, "stores.html", who, found)


@router.get("/stores/{number}")
def store_page(request: Request, hub: TheHub, who: Here, number: int) -> Response:
    """A store and its boxes, which life of each."""
    return _draw(request, hub, "store.html", who, console_stores.store_view(hub, number))


@router.get("/boxes/{fingerprint}")
def box_page(request: Request, hub: TheHub, who: Here, fingerprint: str) -> Response:
    """The page of a box's store."""
    del who
    number = console_desk.store_of_box(hub, fingerprint)
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/console/stores/{number}{query}", status_code=303)


@router.get("/orders")
def find_page(
    request: Request, hub: TheHub, who: Here, q: Annotated[str, Query(max_length=300)] = ""
) -> Response:
    """Find an order by its number or any code of it."""
    if q.strip():
        found = console_desk.find_order(hub, q)
        if found is not None:
            return RedirectResponse(f"/console/orders/{quote(found)}", status_code=303)
    return _draw(request, hub, "find.html", who, {"q": q})


@router.get("/orders/{order_no}")
def order_page(request: Request, hub: TheHub, who: Here, order_no: str) -> Response:
    """An order's whole story."""
    return _draw(request, hub, "order.html", who, console_story.order_view(hub, order_no))


@router.get("/cases")
def cases_page(
    request: Request, hub: TheHub, who: Here, *, everything: bool = False, page: int = 1
) -> Response:
    """What a person must decide, with what it rests on."""
    found = console_views.cases_view(hub, everything=everything, page=page)
    return _draw(request, hub, "cases.html", who, found)


@router.get("/stock")
def stock_page(request: Request, hub: TheHub, who: Here) -> Response:
    """Tiers and proposals."""
    return _draw(request, hub, "stock.html", who, console_views.stock_view(hub))


@router.get("/transfers")
def transfers_page(request: Request, hub: TheHub, who: Here) -> Response:
    """Moves between stores: asked against stopped."""
    return _draw(request, hub, "transfers.html", who, console_views.transfers_view(hub))


@router.get("/recalls")
def recalls_page(request: Request, hub: TheHub, who: Here) -> Response:
    """What no store may hand out, and which have stopped."""
    return _draw(request, hub, "recalls.html", who, console_views.recalls_view(hub))


@router.get("/recalls/{recall_id}")
def recall_page(request: Request, hub: TheHub, who: Here, recall_id: str) -> Response:
    """A recall: which stores stopped when, and who has it already."""
    return _draw(request, hub, "recall.html", who, console_views.recall_view(hub, recall_id))


@router.post("/pairing/{number}")
async def pairing_sheet(request: Request, hub: TheHub, who: Here, number: int) -> Response:
    """A sheet for the installer, to be printed: shown once, good for fifteen minutes."""
    await _checked(request, who, "manager")
    sheet = await _once(hub, lambda: console_desk.pairing_sheet(hub, number))
    out = io.BytesIO()
    segno.make_qr(str(sheet["code"]), error="m").save(
        out, kind="svg", xmldecl=False, svgns=True, scale=6, border=4
    )
    symbol = Markup(out.getvalue().decode())  # noqa: S704 - drawn by segno from our own text
    facts: Json = {"sheet": sheet, "symbol": symbol}
    return _draw(request, hub, "pairing.html", who, facts, here=f"/console/stores/{number}")


async def _checked(request: Request, who: Session, role: Role) -> dict[str, str]:
    fields = await _form(request)
    if not secrets.compare_digest(fields.get("key", "").encode(), who.form_key.encode()):
        raise Problem(status=403, code="form_key", detail="This form is not of this session.")
    if not who.may(role):
        raise Problem(status=403, code="role", detail=f"This needs the role {role}.")
    return fields


async def _once(hub: Hub, verb: Callable[[], T]) -> T:
    """A verb in a thread, begun again by itself: a form's body is read only once."""
    return await asyncio.to_thread(hub.database.again, verb)


Verb = Callable[[Hub, dict[str, str], Session], Json]


def _act(path: str, role: Role, verb: Verb, back: str) -> None:
    """A form's address: the verb, and the page that one returns to."""

    async def act(request: Request, hub: TheHub, who: Here) -> Response:
        fields = await _checked(request, who, role)
        fields |= {name: str(value) for name, value in request.path_params.items()}
        page = back.format_map({name: quote(value, safe="") for name, value in fields.items()})
        try:
            await _once(hub, lambda: verb(hub, fields, who))
        except Problem as problem:
            return RedirectResponse(f"{page}?no={quote(problem.code)}", status_code=303)
        return RedirectResponse(f"{page}?done=1", status_code=303)

    endpoint: Callable[..., Awaitable[Response]] = act
    router.add_api_route(path, endpoint, methods=["POST"])


async def logout(request: Request, hub: TheHub, who: Here) -> Response:
    """Log out."""
    await _checked(request, who, "viewer")
    await _once(hub, lambda: console_people.log_out(hub, request.cookies.get(COOKIE)))
    return RedirectResponse("/console/login", status_code=303)


router.add_api_route("/logout", logout, methods=["POST"])
_ORDER = "/console/orders/{order_no}"
_act("/orders/{order_no}/cancel", "operator", console_desk.cancel, _ORDER)
_act("/orders/{order_no}/refund", "operator", console_desk.refund, _ORDER)
_act("/orders/{order_no}/extend", "operator", console_desk.extend, _ORDER)
_act("/orders/{order_no}/move", "operator", console_desk.move, _ORDER)
_act("/cases/{case}/own", "operator", console_desk.take_case, "/console/cases")
_act("/cases/{case}/disown", "operator", console_desk.leave_case, "/console/cases")
_act("/cases/{case}/close", "operator", console_desk.close_case, "/console/cases")
_act("/recalls", "manager", console_desk.recall, "/console/recalls")
_act("/recalls/{recall}/end", "manager", console_desk.end_recall, "/console/recalls/{recall}")
_act(
    "/nodes/{fingerprint}/confirm",
    "manager",
    console_desk.confirm_box,
    "/console/boxes/{fingerprint}",
)


@router.get("/{page}")
def nowhere(page: str, who: Here) -> Response:
    """A page that there is not."""
    del who
    raise missing(f"page {page}")
