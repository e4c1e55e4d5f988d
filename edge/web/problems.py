"""Errors as people and programs can read them: RFC 9457 problem+json, in both languages.

Every error body of the node has this shape, those of the frameworks included. Nothing that a
caller sent is ever echoed: a body may hold a code or a PIN.
"""

import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from edge.flow.answers import Refusal
from edge.store.errors import StoreError, UnitFailed
from sync.wire.codec import to_json
from sync.wire.errors import RemoteWireError

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """Where a body is not what it must be; the value itself is never repeated."""

    at: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """RFC 9457 members, and `code`, `zh`, `en` as on every screen.

    type: URN made of the code, stable. instance: what to tell support, for our own failures only.
    wait_s: seconds after which the same may be asked again, where only time is missing.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    zh: str
    en: str
    instance: str | None = None
    errors: tuple[FieldError, ...] = ()
    wait_s: int | None = None


# code: (status, zh, en)
_OURS: dict[str, tuple[int, str, str]] = {
    "malformed": (400, "请求不是有效的 JSON", "The body is not JSON that can be read"),
    "unauthenticated": (401, "此屏幕未登记", "This screen or program is not registered"),
    "wrong_station": (403, "令牌属于另一收银台", "The token belongs to another station"),
    "foreign_host": (403, "地址不在允许之列", "This address is not one of the box's own"),
    "foreign_origin": (403, "请求来自其他网站", "The request comes from another site"),
    "not_found": (404, "没有这个地址或资料", "There is nothing here"),
    "method": (405, "此地址不接受这种请求", "This address does not take that method"),
    "too_large": (413, "内容过长", "The body is too large"),
    "invalid": (422, "内容不符合要求", "The body is not of the shape asked for"),
    "internal": (500, "本机出错,请再试一次", "The box failed here; try again"),
    "unavailable": (
        503,
        "本机暂时不能处理,请稍候",
        "The box cannot do this now; try again shortly",
    ),
}
_BY_STATUS = {400: "malformed", 404: "not_found", 405: "method", 413: "too_large"}


def ours(
    code: str, *, errors: Sequence[FieldError] = (), instance: str | None = None
) -> tuple[int, bytes]:
    """Status and body of a problem that the web layer itself finds (KeyError: our bug)."""
    status, zh, en = _OURS[code]
    return status, _body(status, code, zh, en, errors=errors, instance=instance)


def refused(refusal: Refusal) -> Response:
    """A refusal of the business as a problem with its own status."""
    status, body = refused_bytes(refusal)
    return Response(body, status, media_type=MEDIA_TYPE)


def refused_bytes(refusal: Refusal) -> tuple[int, bytes]:
    """The same for a raw route."""
    body = _body(refusal.status, refusal.code, refusal.zh, refusal.en, wait_s=refusal.wait_s)
    return refusal.status, body


def response(
    code: str,
    *,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    instance: str | None = None,
) -> Response:
    """`ours` as a Starlette response."""
    status, body = ours(code, errors=errors, instance=instance)
    return Response(body, status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every error that FastAPI and Starlette answer a problem of ours."""

    async def invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        found = [
            FieldError(at=".".join(str(part) for part in one["loc"]), message=str(one["type"]))
            for one in error.errors()
        ]
        broken = any(one.message == "json_invalid" for one in found)
        return response("malformed" if broken else "invalid", errors=() if broken else found)

    async def misshapen(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RemoteWireError)
        return response("invalid")

    async def failed(_request: Request, error: Exception) -> Response:
        assert isinstance(error, StoreError)
        status, body = unserved(error)
        return Response(body, status, media_type=MEDIA_TYPE)

    async def plain(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = _BY_STATUS.get(error.status_code)
        if code is not None:
            return response(code, headers=error.headers)
        words = HTTPStatus(error.status_code).phrase
        body = _body(error.status_code, f"http_{error.status_code}", words, words)
        return Response(body, error.status_code, headers=error.headers, media_type=MEDIA_TYPE)

    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(RemoteWireError, misshapen)
    app.add_exception_handler(StoreError, failed)
    app.add_exception_handler(HTTPException, plain)


def unserved(error: StoreError) -> tuple[int, bytes]:
    """The store could not answer: 500 nothing was done, 503 ask again under the same key."""
    status, zh, en = _OURS["internal" if isinstance(error, UnitFailed) else "unavailable"]
    return status, _body(status, error.code, zh, en)


async def crashed(request: Request, error: Exception) -> Response:
    """What a caller sees of our own failure: a number for support, never the exception."""
    instance = f"urn:storeedge:request:{secrets.token_hex(6)}"
    logger.error("request=%s error=%s path=%s", instance, type(error).__name__, request.url.path)
    return response("internal", instance=instance)


def _body(
    status: int,
    code: str,
    zh: str,
    en: str,
    *,
    errors: Sequence[FieldError] = (),
    instance: str | None = None,
    wait_s: int | None = None,
) -> bytes:
    return to_json(
        Problem(
            type=f"urn:storeedge:problem:{code}",
            title=HTTPStatus(status).phrase,
            status=status,
            detail=en,
            code=code,
            zh=zh,
            en=en,
            instance=instance,
            errors=tuple(errors),
            wait_s=wait_s,
        )
    )
