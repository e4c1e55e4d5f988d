"""The API's description: complete, of version 3.1, and true to what is served."""

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
from made_shop import v1
from web_site import Site

PROMISED = {
    ("post", "/api/v1/scans"),
    ("post", "/api/v1/handovers"),
    ("post", "/api/v1/transfers"),
    ("post", "/api/v1/claims"),
    ("post", "/api/v1/claims/release"),
    ("post", "/api/v1/provisional"),
    ("post", "/api/v1/transfers"),
    ("post", "/api/v1/undo"),
    ("post", "/api/v1/shown"),
    ("post", "/api/v1/find"),
    ("post", "/api/v1/find/choose"),
    ("get", "/api/v1/reviews"),
    ("post", "/api/v1/reviews/{case}/release"),
    ("post", "/api/v1/reviews/{case}/close"),
    ("post", "/api/v1/challenges"),
    ("get", "/api/v1/staff"),
    ("get", "/api/v1/operator"),
    ("post", "/api/v1/operator"),
    ("delete", "/api/v1/operator"),
    ("get", "/api/v1/slips"),
    ("post", "/api/v1/slips/{effect}/reprint"),
    ("get", "/api/v1/slips/{effect}.png"),
    ("post", "/api/v1/challenges"),
    ("post", "/api/v1/emergency-list"),
    ("post", "/api/v1/late-entries"),
    ("post", "/api/v1/training"),
    ("post", "/api/v1/training/sheet"),
    ("get", "/api/v1/status"),
    ("get", "/api/v1/devices"),
    ("get", "/api/v1/stock/{sku}"),
    ("post", "/api/v1/stock/{sku}/count"),
    ("post", "/api/v1/stock/{sku}/receive"),
    ("post", "/api/v1/locks"),
    ("post", "/api/v1/locks/{lock}/release"),
    ("post", "/api/v1/locks/{lock}/take"),
    ("get", "/api/v1/picks"),
    *(("post", f"/api/v1/picks/{{order}}/{act}") for act in ("start", "pick", "short", "ready")),
    ("post", "/api/v1/picks/{order}/print"),
    ("get", "/api/v1/store"),
    ("get", "/api/v1/documents"),
    *(
        ("post", f"/api/v1/documents/{{document}}/{act}")
        for act in ("dispatch", "receive", "print")
    ),
    ("get", "/api/v1/reconcile"),
    ("post", "/api/v1/reports/reconcile/print"),
    ("get", "/api/v1/events"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),
}


async def described(client: httpx.AsyncClient) -> dict[str, Any]:
    document: dict[str, Any] = (await client.get("/openapi.json")).json()
    return document


async def test_every_promised_route_is_described_and_no_other(client: httpx.AsyncClient) -> None:
    document = await described(client)
    assert document["openapi"].startswith("3.1")
    found = {(method, path) for path, item in document["paths"].items() for method in item}
    assert found == PROMISED


async def test_every_described_route_is_served(client: httpx.AsyncClient) -> None:
    for method, path in sorted(PROMISED - {("get", "/api/v1/events")}):
        filled = re.sub(r"\{\w+\}", "1", path)
        answer = await client.request(method, filled, json={} if method == "post" else None)
        known = answer.headers["content-type"] != "application/problem+json"
        assert known or answer.json()["code"] != "method", (method, path)
        described_404 = path in ("/api/v1/stock/{sku}", "/api/v1/slips/{effect}.png")
        if not described_404 and not known:
            assert answer.json()["code"] != "not_found", (method, path)


async def test_references_lead_somewhere_and_names_are_unique(client: httpx.AsyncClient) -> None:
    document = await described(client)
    references = set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)))
    assert references
    for reference in references:
        at: Any = document
        for part in reference.split("/"):
            at = at[part]
    names = [op["operationId"] for item in document["paths"].values() for op in item.values()]
    assert len(names) == len(set(names))


async def test_errors_are_problems_and_acts_take_a_key(client: httpx.AsyncClient) -> None:
    document = await described(client)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert operation["responses"]["default"]["$ref"] == "#/components/responses/Problem"
            assert "422" not in operation["responses"]
            keyed = any(p.get("name") == "Idempotency-Key" for p in operation.get("parameters", []))
            assert keyed == (method == "post")
            assert ("security" in operation) == path.startswith("/api/v1/")


def fields_of(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    name = schema["$ref"].rsplit("/", 1)[1]
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def mismatches(
    value: object, schema: dict[str, Any], document: dict[str, Any], at: str
) -> Iterator[str]:
    """Where a served value has a member that the description lacks, or lacks a required one."""
    if "$ref" in schema:
        schema = fields_of(schema, document)
    if "anyOf" in schema:
        options = [list(mismatches(value, one, document, at)) for one in schema["anyOf"]]
        if all(options):
            yield from options[0]
        return
    if schema.get("type") == "null":
        if value is not None:
            yield f"{at} is not null"
    elif isinstance(value, dict) and schema.get("type") == "object":
        yield from (f"{at}.{name} is not described" for name in value.keys() - schema["properties"])
        yield from (
            f"{at}.{name} is missing" for name in set(schema.get("required", ())) - value.keys()
        )
        for name, inner in schema["properties"].items():
            if name in value:
                yield from mismatches(value[name], inner, document, f"{at}.{name}")
    elif isinstance(value, list) and schema.get("type") == "array":
        if "items" in schema:
            for one in value:
                yield from mismatches(one, schema["items"], document, f"{at}[]")
    elif isinstance(value, dict | list):
        yield f"{at} is not a {schema.get('type')}"
    elif value is None:
        yield f"{at} is null"


async def test_what_is_served_is_what_is_described(site: Site, client: httpx.AsyncClient) -> None:
    document = await described(client)
    scanned = await client.post("/api/v1/scans", json={"text": v1(1)})
    problem = await client.post("/api/v1/handovers", json={})
    status = await client.get("/api/v1/status")
    served = {
        ("post", "/api/v1/scans"): scanned,
        ("get", "/api/v1/status"): status,
        ("get", "/api/v1/staff"): await client.get("/api/v1/staff"),
        ("get", "/api/v1/slips"): await client.get("/api/v1/slips"),
        ("get", "/api/v1/stock/{sku}"): await client.get("/api/v1/stock/MILK1"),
        ("get", "/healthz"): await client.get("/healthz"),
        ("get", "/readyz"): await client.get("/readyz"),
    }
    for (method, path), answer in served.items():
        assert answer.status_code == 200, answer.text
        content = document["paths"][path][method]["responses"]["200"]["content"]
        schema = content["application/json"]["schema"]
        assert list(mismatches(answer.json(), schema, document, path)) == []
    schema = {"$ref": "#/components/schemas/Problem"}
    assert list(mismatches(problem.json(), schema, document, "problem")) == []
    assert list(mismatches({"surprise": 1}, schema, document, "problem")) != []
