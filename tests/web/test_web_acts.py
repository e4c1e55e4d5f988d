"""The counter's day over HTTP: scan, hand over, undo, find, by the very bytes a page sends."""

import asyncio
import socket

import httpx
import uvicorn
from made_shop import serial, v1
from web_site import BASE, COLD, OTHER_TOKEN, TOKEN, Site


async def test_a_plain_scan_hands_over_and_a_second_says_where(client: httpx.AsyncClient) -> None:
    scanned = (await client.post("/api/v1/scans", json={"text": v1(1)})).json()
    assert (scanned["kind"], scanned["verdict"], scanned["state"]) == ("pickup", "ok", "handed")
    again = await client.post(
        "/api/v1/scans", json={"text": v1(1)}, headers={"idempotency-key": "later"}
    )
    assert again.status_code == 200
    assert again.json()["verdict"] == "already"
    assert again.json()["earlier"]["station"] == "till1"


async def test_cold_goods_are_claimed_handed_in_part_and_taken_back(
    client: httpx.AsyncClient,
) -> None:
    scanned = (await client.post("/api/v1/scans", json={"text": v1(COLD)})).json()
    assert (scanned["verdict"], scanned["state"]) == ("ok", "claimed")
    assert [line["units"] for line in scanned["order"]["lines"]] == [["open", "open"]]
    body = {"order": scanned["order"]["id"], "units": [[1, 1]], "missing": [[1, 2]]}
    handed = (await client.post("/api/v1/handovers", json=body)).json()
    assert (handed["verdict"], handed["state"]) == ("ok", "handed")
    assert handed["order"]["lines"][0]["units"] == ["handed", "open"]
    cases = (await client.get("/api/v1/reviews")).json()
    assert [case["reason"]["code"] for case in cases] == ["missing_part"]
    body = {"handover": handed["handover"], "goods_still_here": False}
    assert (await client.post("/api/v1/undo", json=body)).status_code == 409
    body = {"handover": handed["handover"], "goods_still_here": True}
    assert (await client.post("/api/v1/undo", json=body)).json()["units"] == 1


async def test_the_same_key_gives_the_same_answer_and_says_that_it_does(
    client: httpx.AsyncClient,
) -> None:
    headers = {"idempotency-key": "once"}
    first = (await client.post("/api/v1/scans", json={"text": v1(2)}, headers=headers)).json()
    second = (await client.post("/api/v1/scans", json={"text": v1(2)}, headers=headers)).json()
    assert first["repeat_of_ms"] is None
    assert second["repeat_of_ms"] == first["at_ms"]
    assert second["id"] == first["id"]
    assert not second["painted"]
    assert (await client.post("/api/v1/shown", json={"answer": first["id"]})).status_code == 204
    third = (await client.post("/api/v1/scans", json={"text": v1(2)}, headers=headers)).json()
    assert third["painted"]


async def test_typed_text_forgives_case_spaces_and_full_width(client: httpx.AsyncClient) -> None:
    code = v1(3)
    wide = "".join(chr(ord(c) + 0xFEE0) for c in code[:4])
    typed = f" {wide} {code[4:8].lower()}-{code[8:]} "
    answer = (await client.post("/api/v1/scans", json={"text": typed})).json()
    assert answer["verdict"] == "ok"


async def test_a_courier_serial_asks_for_its_pin_and_takes_it(client: httpx.AsyncClient) -> None:
    asked = (await client.post("/api/v1/scans", json={"text": serial(4)})).json()
    assert asked["reason"]["code"] == "pin_needed"
    assert asked["needs"] == ["pin"]
    body = {"text": serial(4), "pin": "123456"}
    assert (await client.post("/api/v1/scans", json=body)).json()["verdict"] == "ok"


async def test_putting_back_tells_the_stations_screens(site: Site) -> None:
    async with site.client() as client:
        scanned = (await client.post("/api/v1/scans", json={"text": v1(COLD)})).json()
        order = scanned["order"]["id"]
        answer = await client.post("/api/v1/claims/release", json={"order": order})
        assert answer.status_code == 200
        assert site.screens.recent("till1")[0].event == "put_back"
        refused = await client.post("/api/v1/claims/release", json={"order": order})
    assert refused.status_code == 409
    assert [act.event for act in site.screens.recent("till1")].count("put_back") == 1


async def test_a_counter_takes_over_and_the_other_hears_of_it(site: Site) -> None:
    async with site.client() as mine, site.client(OTHER_TOKEN) as other:
        scanned = (await mine.post("/api/v1/scans", json={"text": v1(COLD)})).json()
        order = scanned["order"]["id"]
        blocked = (await other.post("/api/v1/scans", json={"text": v1(COLD)})).json()
        assert (blocked["verdict"], blocked["reason"]["code"]) == ("already", "at_counter")
        body = {"order": order, "take_over": True}
        taken = (await other.post("/api/v1/claims", json=body)).json()
        assert (taken["verdict"], taken["state"]) == ("ok", "claimed")
    assert site.screens.recent("till1")[0].event == "taken_over"


async def test_a_real_server_streams_the_state_then_the_answer(site: Site) -> None:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = int(listener.getsockname()[1])
    config = uvicorn.Config(site.app, lifespan="off", log_config=None, timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    headers = {"authorization": f"Bearer {TOKEN}"}
    base = BASE.replace("8080", str(port))
    events: list[str] = []
    async with (
        asyncio.timeout(20),
        httpx.AsyncClient(base_url=base, headers=headers, trust_env=False) as client,
        client.stream("GET", "/api/v1/events") as stream,
    ):
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
        async for line in stream.aiter_lines():
            if line.startswith("event: "):
                events.append(line.removeprefix("event: "))
            if events == ["state"] and line.startswith("data: "):
                await client.post("/api/v1/scans", json={"text": v1(1)})
            if "answer" in events:
                break
    assert events == ["state", "answer"]
    site.screens.close()
    server.should_exit = True
    async with asyncio.timeout(10):
        await serving
