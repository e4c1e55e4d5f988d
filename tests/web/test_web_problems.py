"""Errors: one shape, both languages, and never what the caller sent."""

from collections.abc import Mapping

import httpx
import pytest
from made_shop import v1
from starlette.requests import Request
from web_site import BASE, TOKEN, Site

from edge.flow.stations import Stations
from edge.store.errors import DiskFull, UnitFailed
from edge.web import problems
from edge.web.app import build
from edge.web.state import exposition

SECRET = "987654-secret"  # noqa: S105 - what must not come back
PROBLEM = {
    "type",
    "title",
    "status",
    "detail",
    "code",
    "zh",
    "en",
    "instance",
    "errors",
    "wait_s",
}


def is_problem(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == PROBLEM
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"urn:storeedge:problem:{code}"
    assert body["zh"]
    assert body["en"]


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code"),
    [
        ("GET", "/no/such", None, 404, "not_found"),
        ("GET", "/api/v1/no/such", None, 404, "not_found"),
        ("GET", "/api/v1/scans", None, 405, "method"),
        ("PUT", "/api/v1/handovers", b"{}", 405, "method"),
        ("POST", "/api/v1/handovers", b"{", 400, "malformed"),
        ("POST", "/api/v1/handovers", b'{"order": 7}', 422, "invalid"),
        ("POST", "/api/v1/claims", b'{"order": "a", "take_over": false}', 422, "invalid"),
        ("POST", "/api/v1/reviews/one/release", b"{}", 422, "invalid"),
        ("POST", "/api/v1/scans", b"[]", 422, "invalid"),
        ("POST", "/api/v1/scans", b"\xff", 422, "invalid"),
        ("GET", "/api/v1/stock/NONE", None, 404, "not_found"),
        ("GET", "/api/v1/slips/1.exe", None, 422, "invalid"),
        ("GET", "/api/v1/slips/999.png", None, 404, "not_found"),
    ],
)
async def test_every_error_is_a_problem(
    client: httpx.AsyncClient, method: str, path: str, content: bytes | None, status: int, code: str
) -> None:
    headers = {"content-type": "application/json"}
    answer = await client.request(method, path, content=content, headers=headers)
    is_problem(answer, status, code)


async def test_a_refusal_of_the_shop_has_its_own_status_and_words(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post("/api/v1/handovers", json={"order": "00"})
    is_problem(answer, 404, "no_order")
    assert answer.json()["zh"] == "没有这个订单"


@pytest.mark.parametrize(
    "body",
    [
        {"staff_id": SECRET, "pin": [SECRET]},
        {"staff_id": 1, "pin": SECRET},
        {"pin": SECRET},
    ],
)
async def test_what_was_sent_is_never_repeated(
    client: httpx.AsyncClient, body: Mapping[str, object]
) -> None:
    answer = await client.post("/api/v1/operator", json=body)
    is_problem(answer, 422, "invalid")
    assert answer.json()["errors"]
    assert SECRET not in answer.text


async def test_a_scan_that_is_not_text_is_not_repeated_either(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/v1/scans", json={"text": [SECRET]})
    is_problem(answer, 422, "invalid")
    assert SECRET not in answer.text


async def test_same_key_and_another_body_is_refused(client: httpx.AsyncClient) -> None:
    headers = {"idempotency-key": "one"}
    first = await client.post("/api/v1/scans", json={"text": v1(1)}, headers=headers)
    assert first.status_code == 200
    again = await client.post("/api/v1/scans", json={"text": v1(2)}, headers=headers)
    is_problem(again, 422, "key_reused")


def test_a_store_that_cannot_answer_says_whether_to_ask_again() -> None:
    assert problems.unserved(DiskFull("x"))[0] == 503
    assert problems.unserved(UnitFailed("x"))[0] == 500
    assert b"E-STO-06" in problems.unserved(DiskFull("x"))[1]


async def test_our_own_failure_tells_a_number_and_not_the_exception() -> None:
    scope: dict[str, object] = {"type": "http", "path": "/counter", "headers": [], "method": "GET"}
    scope |= {"query_string": b"token=" + SECRET.encode(), "server": ("127.0.0.1", 80)}
    answer = await problems.crashed(Request(scope), ValueError(SECRET))
    body = bytes(answer.body)
    assert answer.status_code == 500
    assert b"urn:storeedge:request:" in body
    assert SECRET.encode() not in body


async def test_a_broken_shop_is_answered_through_the_same_door(site: Site) -> None:
    """The hot route and an ordinary one, over a ledger that is closed under them."""
    await site.made.shop.writer.close()
    transport = httpx.ASGITransport(app=site.app, raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers) as client:
        for answer in (
            await client.post("/api/v1/scans", json={"text": v1(1)}),
            await client.get("/api/v1/status"),
        ):
            assert answer.status_code in (500, 503)
            assert answer.headers["content-type"] == "application/problem+json"


def test_metrics_are_text_that_prometheus_reads() -> None:
    from prometheus_client.parser import text_string_to_metric_families

    text = exposition({"edge_a_total": 3, 'edge_b{state="up"}': 1.5, 'edge_b{state="down"}': 0})
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert families["edge_a"].type == "counter"
    assert {s.labels["state"]: s.value for s in families["edge_b"].samples} == {
        "up": 1.5,
        "down": 0,
    }


def test_stations_without_a_shop_are_not_built(site: Site) -> None:
    """`build` is the only way in: the same shop may have two listeners with other tokens."""
    other = Stations({"till9": "t" * 24}, key=b"o" * 32)
    made = build(site.made.shop, site.screens, other, hosts=("127.0.0.1",), run="run-1")
    assert made is not site.app
