"""The customer's page over HTTP: `/pickup/TOKEN`, how it stands as JSON, and its few files.

Nobody signs in: the token is the right to look. Answers are kept by no cache, name no referrer and
may load nothing from elsewhere.
"""

import datetime as dt
import hashlib
import io
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import segno
from fastapi import APIRouter, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import JSONResponse, Response

from sync.hub import customer_page
from sync.hub.begin_again import AgainRoute
from sync.hub.customer_page import Shown
from sync.hub.identity import Hub
from sync.hub.problems import Problem, missing

Language = Literal["zh", "en"]
_HERE = Path(__file__).parent
_FILES = {
    "page.js": "text/javascript; charset=utf-8",
    "qr.js": "text/javascript; charset=utf-8",
    "pickup.css": "text/css; charset=utf-8",
}
_HTML_LANG: Mapping[Language, str] = {"zh": "zh-CN", "en": "en"}
_TOKEN_CHARS = 22
_PRIVATE = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
}
_FOR_EVER = {
    "cache-control": "public, max-age=31536000, immutable",
    "x-content-type-options": "nosniff",
}

router = APIRouter(prefix="/pickup", tags=["customer"], route_class=AgainRoute)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Symbol:
    """A code that stands still, drawn here, and what stands below it."""

    svg: Markup
    caption: str


class _Site:
    """Template, words and files, read once at start."""

    def __init__(self) -> None:
        self.files = {name: (_HERE / "static/pickup" / name).read_bytes() for name in _FILES}
        joined = b"\0".join(self.files[name] for name in sorted(self.files))
        self.digest = hashlib.sha256(joined).hexdigest()[:16]
        words = tomllib.loads((_HERE / "pickup_words.toml").read_text(encoding="utf-8"))
        self.words: Mapping[Language, dict[str, str]] = {
            "zh": {key: both["zh"] for key, both in words.items()},
            "en": {key: both["en"] for key, both in words.items()},
        }
        environment = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._page = environment.get_template("pickup.html")

    def html(self, shown: Shown | None, language: Language, state: str) -> str:
        """The page, or the news that there is none."""
        other: Language = "zh" if language == "en" else "en"
        text = self.words[language]
        said = json.dumps(text, ensure_ascii=False, separators=(",", ":"))
        return self._page.render(
            page=shown,
            lang=_HTML_LANG[language],
            other=other,
            other_lang=_HTML_LANG[other],
            base=f"/pickup/files/{self.digest}",
            state=f"{state}?lang={language}",
            symbols=[] if shown is None else _symbols(shown, text),
            until="" if shown is None else _utc(shown.not_after_ms),
            t=text,
            words=Markup(said.replace("<", "\\u003c")),  # noqa: S704 - our own words, inert in JSON
        )


def _symbols(shown: Shown, text: Mapping[str, str]) -> list[_Symbol]:
    drawn = ((shown.v2, text["show"], text["signed"]), (shown.pl, text["lines"], text["lines"]))
    return [
        _Symbol(svg=_svg(code, label), caption=caption)
        for code, caption, label in drawn
        if code is not None
    ]


def _svg(code: str, label: str) -> Markup:
    """A QR as inline SVG; its text is the code alone, which is of QR's own alphabet."""
    out = io.BytesIO()
    segno.make_qr(code, error="m").save(
        out, kind="svg", xmldecl=False, svgns=False, omitsize=True, nl=False, title=label
    )
    return Markup(out.getvalue().decode())  # noqa: S704 - segno escapes its title


def _utc(at_ms: int) -> str:
    return dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).strftime("%Y-%m-%dT%H:%MZ")


def _hub(request: Request) -> Hub:
    hub = request.app.state.hub
    assert isinstance(hub, Hub)
    return hub


def _language(request: Request) -> Language:
    asked = request.query_params.get("lang") or request.headers.get("accept-language", "")
    return "en" if asked.strip().lower().startswith("en") else "zh"


def _read(request: Request, token: str) -> Shown:
    if len(token) != _TOKEN_CHARS:
        raise missing("page")
    return customer_page.page(_hub(request), token)


_SITE = _Site()


@router.get("/files/{digest}/{name}", include_in_schema=False)
def file(digest: str, name: str) -> Response:
    """One of the page's files."""
    if digest != _SITE.digest or name not in _FILES:
        raise missing("file")
    return Response(_SITE.files[name], media_type=_FILES[name], headers=_FOR_EVER)


@router.get("/{token}")
def show(request: Request, token: str) -> Response:
    """An order's page, for whoever was given its address."""
    try:
        shown = _read(request, token)
    except Problem as problem:
        if problem.status != 404:
            raise
        html = _SITE.html(None, _language(request), "")
        return Response(html, 404, _PRIVATE, "text/html; charset=utf-8")
    html = _SITE.html(shown, _language(request), f"/pickup/{token}/state")
    return Response(html, 200, _PRIVATE, "text/html; charset=utf-8")


@router.get("/{token}/state")
def state(request: Request, token: str) -> Response:
    """How the order stands: `{status, store, shape, now_ms}`; no code and no secret."""
    shown = _read(request, token)
    english = _language(request) == "en"
    told = {
        "status": shown.status,
        "store": shown.store_en if english else shown.store_zh,
        "shape": shown.shape,
        "now_ms": shown.now_ms,
    }
    return JSONResponse(told, headers={"cache-control": "no-store"})
