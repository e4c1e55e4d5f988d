"""OpenAPI 3.1 of the node: what FastAPI knows, and the raw routes written by hand."""

from collections.abc import Callable
from typing import cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from edge.web import paper, scans, state
from edge.web.auth import API, COOKIE
from edge.web.problems import MEDIA_TYPE, Problem

Json = dict[str, "JsonValue"]
JsonValue = Json | list["JsonValue"] | str | int | float | bool | None

_REF = "#/components/schemas/{model}"
_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 200},
    "description": "The same key and body give the same answer, marked as a repeat; "
    "another body gives 422. Our own screens always send one.",
}


def document(app: FastAPI) -> Callable[[], Json]:
    """The document, made at the first call."""
    made: Json | None = None

    def give() -> Json:
        nonlocal made
        if made is None:
            made = _make(app)
        return made

    return give


def _make(app: FastAPI) -> Json:
    drawn = get_openapi(
        title="StoreEdge node",
        version="1",
        openapi_version="3.1.0",
        summary="Pickup codes at the counter of a store.",
        description="Times are milliseconds since 1970 UTC. A no is an answer (200), not an error.",
        routes=app.routes,
    )
    doc = cast(Json, drawn)
    components = _object(doc, "components")
    schemas = _object(components, "schemas")
    for model in (scans.ScanBody, Problem, state.FullState, state.Alive, state.Ready):
        _add(schemas, model)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "A station's token."},
        "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
    }
    components["responses"] = {
        "Problem": {
            "description": "Not done; `code`, `zh` and `en` say why.",
            "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}},
        }
    }
    paths = _object(doc, "paths")
    paths.update(_raw())
    for path, item in paths.items():
        for method, operation in cast(Json, item).items():
            _finish(path, method, cast(Json, operation))
    doc["paths"] = dict(sorted(paths.items()))
    return doc


def _finish(path: str, method: str, operation: Json) -> None:
    responses = _object(operation, "responses")
    responses.pop("422", None)
    responses["default"] = {"$ref": "#/components/responses/Problem"}
    if path.startswith(API):
        operation["security"] = [{"bearer": []}, {"cookie": []}]
        if method == "post":
            parameters = operation.setdefault("parameters", [])
            assert isinstance(parameters, list)
            parameters.append(_KEY)


def _raw() -> Json:
    number: Json = {"name": "effect", "in": "path", "required": True, "schema": {"type": "integer"}}
    return {
        scans.PATH: {
            "post": _operation(
                "scan",
                "Say what a scanned or typed text means, and claim or hand over",
                _content("application/json", "ScanAnswer"),
                tag="hand-over",
                body="ScanBody",
            )
        },
        state.EVENTS_PATH: {
            "get": _operation(
                "events",
                "Server-sent events of the token's station: `state` first, then `answer`, "
                "`duplicate`, `undone`, `put_back`, `status`, `slip`, `cases`, `operator`, `beat`",
                {"text/event-stream": {"schema": {"type": "string"}}},
                tag="state",
            )
        },
        paper.PREVIEW_PATH: {
            "get": {
                **_operation(
                    "slip_picture",
                    "The slip as the printer draws it",
                    {"image/png": {"schema": {"type": "string", "format": "binary"}}},
                    tag="slips",
                ),
                "parameters": [number],
            }
        },
        "/healthz": {
            "get": _operation(
                "healthz", "The process is alive", _content("application/json", "Alive")
            )
        },
        "/readyz": {
            "get": _operation(
                "readyz", "A code can be redeemed (200, else 503)",
                _content("application/json", "Ready"),
            )
        },
        "/metrics": {
            "get": _operation(
                "metrics", "Prometheus text", {"text/plain": {"schema": {"type": "string"}}}
            )
        },
    }  # fmt: skip


def _operation(
    name: str, summary: str, content: Json, *, tag: str = "process", body: str | None = None
) -> Json:
    operation: Json = {
        "operationId": name,
        "summary": summary,
        "tags": [tag],
        "responses": {"200": {"description": "As asked", "content": content}},
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": _content("application/json", body)}
    return operation


def _content(media_type: str, model: str) -> Json:
    return {media_type: {"schema": {"$ref": _REF.format(model=model)}}}


def _add(schemas: Json, model: type[object]) -> None:
    drawn = TypeAdapter(model).json_schema(ref_template=_REF, mode="serialization")
    schema = cast(Json, drawn)
    nested = schema.pop("$defs", {})
    assert isinstance(nested, dict)
    for name, part in nested.items():
        schemas.setdefault(name, part)
    schemas[model.__name__] = schema


def _object(parent: Json, key: str) -> Json:
    value = parent.setdefault(key, {})
    assert isinstance(value, dict)
    return value
