"""How an ordinary route answers: the business's value as JSON, a refusal as a problem."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from edge.flow.answers import Refusal
from edge.flow.caller import Caller
from edge.web import auth, problems
from sync.wire.codec import to_json

MEDIA_TYPE = "application/json"


def _caller(request: Request) -> Caller:
    return auth.caller(request.scope)


Who = Annotated[Caller, Depends(_caller)]
"""The caller of a route, from its token."""


def told(value: object) -> Response:
    """`value` encoded once, by the codec of the wire; a Refusal with its own status."""
    if isinstance(value, Refusal):
        return problems.refused(value)
    return Response(to_json(value), media_type=MEDIA_TYPE)


def nothing() -> Response:
    """204: done, and nothing to say."""
    return Response(status_code=204)
