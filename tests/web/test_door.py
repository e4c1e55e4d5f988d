"""The door of the staff listener: who may ask, from where, and how much at once."""

import html
import json
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from made_shop import v1
from web_site import BASE, OTHER_TOKEN, TOKEN, Site

from edge.flow.stations import Stations
from edge.web.app import build
from edge.web.auth import MAX_BODY_BYTES

API_PATHS = (
    ("GET", "/api/v1/status"),
    ("GET", "/api/v1/events"),
    ("GET", "/api/v1/staff"),
    ("GET", "/api/v1/reviews"),
    ("GET", "/api/v1/slips"),
    ("POST", "/api/v1/scans"),
    ("POST", "/api/v1/handovers"),
    ("DELETE", "/api/v1/operator"),
    ("GET", "/api/v1/no-such-thing"),
)


@pytest.mark.parametrize(("method", "path"), API_PATHS)
async def test_without_a_token_nothing_of_the_api_answers(
    site: Site, method: str, path: str
) -> None:
    origin = {"origin": BASE} if method != "GET" else {}
    async with site.client(None, **origin) as client:
        answer = await client.request(method, path)
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_wrong_token_is_nobody(site: Site) -> None:
    async with site.client("counter-one-token-0123456780") as client:
        assert (await client.get("/api/v1/status")).status_code == 401


async def test_a_foreign_host_is_refused_whatever_the_token(site: Site) -> None:
    async with site.client(host="evil.example") as client:
        answer = await client.get("/api/v1/status")
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_host")


async def test_a_host_may_be_allowed_for_one_port_only(site: Site) -> None:
    async with site.client(host="box.shop:8443") as client:
        assert (await client.get("/api/v1/status")).status_code == 200
    async with site.client(host="box.shop:9999") as client:
        assert (await client.get("/api/v1/status")).status_code == 403


async def test_another_sites_page_cannot_act_even_with_the_token(site: Site) -> None:
    for origin in ("https://evil.example", "null", "http://127.0.0.1:9", "https://127.0.0.1:8080"):
        async with site.client(origin=origin) as client:
            answer = await client.post("/api/v1/scans", json={"text": v1(1)})
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")


async def test_a_cookie_acts_only_for_our_own_page(site: Site) -> None:
    cookie = f"storeedge_station={TOKEN}"
    async with site.client(None, cookie=cookie) as client:
        assert (await client.get("/api/v1/status")).status_code == 200
        assert (await client.post("/api/v1/scans", json={"text": v1(1)})).status_code == 403
        ours = {"origin": BASE}
        answer = await client.post("/api/v1/scans", json={"text": v1(1)}, headers=ours)
    assert answer.status_code == 200


async def test_the_station_is_the_tokens_and_no_other(site: Site) -> None:
    async with site.client() as client:
        answer = await client.post("/api/v1/scans", json={"text": v1(1), "station": "till2"})
        assert (answer.status_code, answer.json()["code"]) == (403, "wrong_station")
        answer = await client.post("/api/v1/scans", json={"text": v1(1), "station": "till1"})
        assert answer.json()["station"] == "till1"
    async with site.client(OTHER_TOKEN) as client:
        assert (await client.get("/api/v1/status")).json()["station"] == "till2"


@pytest.mark.parametrize("path", ["/api/v1/scans", "/api/v1/handovers"])
async def test_a_body_has_a_bound_declared_or_not(client: httpx.AsyncClient, path: str) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 1024 + 2):
            yield b"x" * 1024

    for content in (b"x" * (MAX_BODY_BYTES + 1), endless()):
        answer = await client.post(path, content=content)
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_key_may_not_be_endless(client: httpx.AsyncClient) -> None:
    headers = {"idempotency-key": "k" * 201}
    answer = await client.post("/api/v1/scans", json={"text": v1(1)}, headers=headers)
    assert answer.status_code == 422


async def test_the_link_with_a_token_gives_a_strict_cookie_and_forgets_the_token(
    site: Site,
) -> None:
    async with site.client(None) as client:
        answer = await client.get("/counter", params={"token": TOKEN})
        assert (answer.status_code, answer.headers["location"]) == (303, "/counter")
        cookie = answer.headers["set-cookie"]
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
        page = await client.get("/counter")
    assert page.status_code == 200
    assert TOKEN not in page.text
    assert 'data-station="till1"' in page.text


async def test_a_link_with_a_wrong_token_gives_no_cookie_and_takes_the_old_one(site: Site) -> None:
    async with site.client(None) as client:
        await client.get("/counter", params={"token": TOKEN})
        await client.get("/counter", params={"token": "wrong"})
        page = await client.get("/counter")
    assert page.status_code == 401
    assert "登记" in page.text or "registered" in page.text


async def test_pages_and_answers_carry_the_headers_that_keep_others_out(site: Site) -> None:
    async with site.client() as client:
        page = await client.get("/counter")
        paths = ("/api/v1/status", "/healthz", "/no/such/page", "/api/v1/scans")
        answers = [page, *[await client.get(path) for path in paths]]
        answers.append(await client.post("/api/v1/scans", json={"text": v1(1)}))
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert "<script>" not in page.text
    assert "style=" not in page.text
    for answer in (answers[1], answers[2], answers[-1], page):
        assert answer.headers["cache-control"] == "no-store"


async def test_static_files_are_named_by_their_content_and_kept_for_ever(site: Site) -> None:
    async with site.client() as client:
        page = await client.get("/counter")
        start = page.text.index("/static/")
        path = page.text[start : page.text.index('"', start)]
        answer = await client.get(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-encoding"] == "gzip"
        plain = await client.get(path, headers={"accept-encoding": "identity"})
        assert plain.content == answer.content
        stale = path.replace(path.split("/")[2], "0" * 16)
        assert (await client.get(stale)).status_code == 404
        for outside in ("../words.toml", "%2e%2e/words.toml", "/etc/passwd"):
            assert (await client.get(path.rsplit("/", 1)[0] + "/" + outside)).status_code == 404


async def test_health_needs_no_token_and_names_the_run(site: Site) -> None:
    async with site.client(None) as client:
        assert (await client.get("/healthz")).json() == {"ok": True, "run": "run-1"}
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["ok"]) == (200, True)
        metrics = await client.get("/metrics")
    assert metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "# TYPE storeedge_screens_open gauge\nstoreedge_screens_open 0\n" in metrics.text


async def test_a_page_calls_stations_by_the_names_that_the_shop_gave_them(site: Site) -> None:
    stations = Stations({"till1": TOKEN, "till2": OTHER_TOKEN}, key=b"k" * 32)
    names = {"till1": """Door "1" <east>'s"""}
    app = build(
        site.made.shop, site.screens, stations, hosts=("127.0.0.1",), run="run-1", names=names
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
        own = (await client.get("/counter", headers={"authorization": f"Bearer {TOKEN}"})).text
        other = {"authorization": f"Bearer {OTHER_TOKEN}"}
        unnamed = (await client.get("/counter", headers=other)).text
    called = re.search(r'data-stations="([^"]*)"', own)
    assert called is not None
    assert json.loads(html.unescape(called[1])) == names
    assert "Door &#34;1&#34; &lt;east&gt;&#39;s</span>" in own
    assert 'class="station">till2</span>' in unnamed
