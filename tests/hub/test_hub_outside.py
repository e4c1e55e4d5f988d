"""The chain's own systems: tokens and scopes, notices in order, signed webhooks, files."""

import asyncio
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from running_hub import Headquarters, RunningHub
from toy_node import STORE, Box

from sync.hub import csv_files, notices, oauth, orders, webhooks
from sync.hub.ingest import take
from sync.hub.oauth import NewClient
from sync.hub.orders import NewLine, NewOrder
from sync.hub.problems import Problem
from sync.hub.webhooks import NewWebhook, NotSent


def client_of(http: httpx.Client, *scopes: str) -> tuple[str, str]:
    answer = http.post("/v1/clients", json={"name": "web shop", "scopes": scopes})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    return made["client_id"], made["client_secret"]


def token_of(http: httpx.Client, client_id: str, secret: str, **more: str) -> httpx.Response:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    return http.post("/oauth/token", data=form | more)


@pytest.fixture
def http(running: RunningHub) -> Iterator[httpx.Client]:
    with running.admin() as made:
        yield made


@pytest.fixture
def web_shop(http: httpx.Client) -> tuple[str, str]:
    return client_of(http, "orders:write", "orders:read")


def test_a_token_opens_what_its_scopes_say_and_nothing_else(
    http: httpx.Client, web_shop: tuple[str, str]
) -> None:
    answer = token_of(http, *web_shop)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    bearer = {"authorization": f"Bearer {answer.json()['access_token']}"}
    made = http.post(
        "/v1/orders", json={"store": STORE, "lines": [{"sku": "MILK1"}]}, headers=bearer
    )
    assert made.status_code == 201, made.text
    number = made.json()["order_no"]
    assert http.get(f"/v1/orders/{number}", headers=bearer).status_code == 200
    refused = http.post(f"/v1/orders/{number}/reissue", json={}, headers=bearer)
    assert (refused.status_code, refused.json()["scope"]) == (403, "codes:write")
    for path in ("/v1/fleet", "/v1/cases", "/v1/clients", "/v1/stores"):
        assert http.get(path, headers=bearer).status_code == 403, path


def test_fewer_scopes_may_be_asked_for_but_never_more(
    http: httpx.Client, web_shop: tuple[str, str]
) -> None:
    less = token_of(http, *web_shop, scope="orders:read").json()
    assert less["scope"] == "orders:read"
    bearer = {"authorization": f"Bearer {less['access_token']}"}
    order = {"store": STORE, "lines": [{"sku": "MILK1"}]}
    assert http.post("/v1/orders", json=order, headers=bearer).status_code == 403
    more = token_of(http, *web_shop, scope="orders:read stock:reserve")
    assert (more.status_code, more.json()["error"]) == (400, "invalid_scope")


def test_a_wrong_secret_an_unknown_client_and_another_grant_are_refused_alike(
    http: httpx.Client, web_shop: tuple[str, str]
) -> None:
    client_id, secret = web_shop
    for answer in (token_of(http, client_id, secret + "x"), token_of(http, "nobody", secret)):
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    other = token_of(http, client_id, secret, grant_type="password")
    assert (other.status_code, other.json()["error"]) == (400, "unsupported_grant_type")
    basic = http.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret)
    )
    assert basic.status_code == 200


def test_a_token_ends_after_an_hour_and_with_its_client(headquarters: Headquarters) -> None:
    hub = headquarters.hub
    made = oauth.add_client(hub, NewClient(name="erp", scopes=("stock:read",)))
    client_id, secret = str(made["client_id"]), str(made["client_secret"])
    first = str(oauth.grant(hub, client_id, secret, None)["access_token"])
    second = str(oauth.grant(hub, client_id, secret, None)["access_token"])
    assert oauth.holder(hub, first) is not None
    oauth.revoke_client(hub, client_id)
    assert oauth.holder(hub, first) is None
    with pytest.raises(Problem):
        oauth.grant(hub, client_id, secret, None)
    made = oauth.add_client(hub, NewClient(name="erp", scopes=("stock:read",)))
    third = str(
        oauth.grant(hub, str(made["client_id"]), str(made["client_secret"]), None)["access_token"]
    )
    headquarters.clock.advance(oauth.TOKEN_MS)
    assert oauth.holder(hub, third) is None
    assert oauth.holder(hub, second) is None


def test_every_scoped_route_exists(http: httpx.Client) -> None:
    paths = http.get("/openapi.json").json()["paths"]
    for method, path in oauth.SCOPE_OF:
        assert method.lower() in paths[path], f"{method} {path}"


def place(headquarters: Headquarters) -> bytes:
    made = orders.create(headquarters.hub, NewOrder(store=STORE, lines=(NewLine(sku="MILK1"),)))
    return bytes.fromhex(str(made["order_id"]))


def test_notices_are_numbered_without_holes_and_read_on_from_any(
    headquarters: Headquarters,
) -> None:
    for _ in range(3):
        place(headquarters)
    first = notices.read(headquarters.hub, after=0, limit=2)
    assert first["more"]
    rest = notices.read(headquarters.hub, after=int(str(first["next"])), limit=10)
    told = [*_told(first), *_told(rest)]
    assert [each["seq"] for each in told] == [1, 2, 3]
    assert {each["kind"] for each in told} == {"placed"}
    assert told[0]["units"] == {"held": 1}
    place(headquarters)
    last = notices.read(headquarters.hub, after=3, limit=10)
    assert [each["seq"] for each in _told(last)] == [4]


def _told(answer: dict[str, object]) -> list[dict[str, object]]:
    found = answer["notices"]
    assert isinstance(found, list)
    return found


def test_what_a_store_hands_over_is_noticed(headquarters: Headquarters, box: Box) -> None:
    from sync.hub.enrolment import authorised
    from sync.wire.events import Handed
    from sync.wire.messages import EventBatch

    order_id = place(headquarters)
    event = box.event(
        Handed(
            handover=1,
            order_id=order_id,
            order_no="x",
            units=((order_id, 1, 1),),
            epoch=1,
            at_ms=1,
            station="till1",
            operator=None,
            basis="replica",
            credential="v1",
        )
    )
    sender = authorised(headquarters.hub, box.peer.node, box.peer.incarnation)
    batch = EventBatch(incarnation=box.peer.incarnation, nonce=bytes(16), events=(event,))
    assert take(headquarters.hub, sender, batch).rows[0].outcome == "accepted"
    told = _told(notices.read(headquarters.hub, after=0, limit=10))
    assert [(each["kind"], each["units"]) for each in told] == [
        ("placed", {"held": 1}),
        ("handed", {"handed": 1}),
    ]


class Receiver:
    """A system that takes notices over plain HTTP on the loopback."""

    def __init__(self) -> None:
        self.bodies: list[tuple[str, bytes]] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status = receiver.answers.pop(0) if receiver.answers else 204
                if status < 300:
                    receiver.bodies.append((self.headers[webhooks.SIGNATURE], body))
                self.send_response(status)
                if status == 302:
                    self.send_header("location", "http://127.0.0.1:9/")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def send_due(headquarters: Headquarters) -> list[bool]:
    async def once() -> list[bool]:
        return [
            await webhooks.send_once(headquarters.hub, row)
            for row in await asyncio.to_thread(webhooks.due, headquarters.hub)
        ]

    return asyncio.run(once())


def test_a_webhook_gets_every_notice_signed_and_in_order_through_failures(
    headquarters: Headquarters, receiver: Receiver
) -> None:
    made = webhooks.add(headquarters.hub, NewWebhook(url=receiver.url), client_id=None)
    secret = bytes.fromhex(str(made["secret"]))
    receiver.answers = [500, 302]
    place(headquarters)
    assert send_due(headquarters) == [False]
    assert send_due(headquarters) == [], "it waits before it asks again"
    headquarters.clock.advance(3_600_000)
    assert send_due(headquarters) == [False], "a redirect is not followed"
    place(headquarters)
    headquarters.clock.advance(3_600_000)
    assert send_due(headquarters) == [True]
    ((signature, body),) = receiver.bodies
    at, _, given = signature.partition(",v1=")
    expected = hmac.new(secret, at[2:].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert given == expected
    assert [each["seq"] for each in json.loads(body)["notices"]] == [1, 2]
    assert send_due(headquarters) == []
    (row,) = webhooks.listed(headquarters.hub, client_id=None)
    assert (row["waiting"], row["failures"], row["trouble"]) == (0, 0, None)


def test_two_processes_never_send_the_same_turn(
    headquarters: Headquarters, receiver: Receiver
) -> None:
    webhooks.add(headquarters.hub, NewWebhook(url=receiver.url), client_id=None)
    place(headquarters)
    (row,) = webhooks.due(headquarters.hub)

    async def both() -> tuple[bool, bool]:
        return await asyncio.gather(
            webhooks.send_once(headquarters.hub, row), webhooks.send_once(headquarters.hub, row)
        )

    assert sorted(asyncio.run(both())) == [False, True]
    assert len(receiver.bodies) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "ftp://example.com/",
        "https://user:secret@example.com/",
        "https:///nowhere",
        "https://[::1",
        "not an address",
    ],
)
def test_notices_do_not_go_to_an_address_that_is_not_https_or_names_somebody(url: str) -> None:
    with pytest.raises(NotSent):
        webhooks.parts(url, local=True)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "::1", "100.64.0.1"]
)
def test_notices_do_not_go_into_a_private_network(host: str) -> None:
    there = webhooks.Parts(scheme="https", host=host, port=443, target="/")
    with pytest.raises(NotSent):
        asyncio.run(webhooks.address_of(there, local=False))


def test_a_client_sees_and_ends_its_own_webhooks_only(headquarters: Headquarters) -> None:
    hub = headquarters.hub
    made = webhooks.add(hub, NewWebhook(url="https://example.com/a"), client_id="a")
    webhooks.add(hub, NewWebhook(url="https://example.com/b"), client_id="b")
    assert [row["url"] for row in webhooks.listed(hub, client_id="a")] == ["https://example.com/a"]
    with pytest.raises(Problem):
        webhooks.end(hub, str(made["webhook_id"]), client_id="b")
    webhooks.end(hub, str(made["webhook_id"]), client_id="a")
    assert webhooks.listed(hub, client_id="a") == []


def test_a_file_is_checked_whole_before_its_first_row_is_done(headquarters: Headquarters) -> None:
    hub = headquarters.hub
    good = "sku,name_zh,name_en\r\nTEA1,茶,Tea\r\n"
    assert csv_files.take(hub, "products", good, dry_run=True)["done"] == 0
    assert "TEA1" not in csv_files.give(hub, "products")
    bad = good + "TOOLONGSKU,茶,Tea\r\n"
    with pytest.raises(Problem, match="line 3: sku"):
        csv_files.take(hub, "products", bad, dry_run=False)
    assert "TEA1" not in csv_files.give(hub, "products")
    assert csv_files.take(hub, "products", good, dry_run=False)["done"] == 1
    assert "TEA1" in csv_files.give(hub, "products")


def test_a_cell_that_a_spreadsheet_would_run_goes_out_behind_a_quote_and_comes_back_whole(
    headquarters: Headquarters,
) -> None:
    hub = headquarters.hub
    for risky in ("=1+1", "+1", "-1", "@SUM(A1)"):
        given = csv_files.safe(risky)
        assert given == f"'{risky}"
        text = f"sku,name_zh,name_en\r\nX,{given},x\r\n"
        csv_files.take(hub, "products", text, dry_run=False)
        assert f"'{risky}" in csv_files.give(hub, "products")


def test_orders_come_by_file_and_a_number_that_exists_ends_it(headquarters: Headquarters) -> None:
    hub = headquarters.hub
    text = f"store,order_no,lines\r\n{STORE},A-1001,MILK1*2 CUP*1\r\n{STORE},A-1001,MILK1*1\r\n"
    with pytest.raises(Problem, match=r"line 3: .*The 1 rows before it are in\."):
        csv_files.take(hub, "orders", text, dry_run=False)
    assert "A-1001,MILK1*2 CUP*1,open" in csv_files.give(hub, "orders")


def test_files_travel_over_http(http: httpx.Client, tmp_path: Path) -> None:
    body = "sku,name_zh,name_en\r\nTEA2,茶,Tea\r\n".encode("utf-8-sig")
    dry = http.post("/v1/import/products", content=body)
    assert dry.json() == {"kind": "products", "rows": 1, "done": 0, "dry_run": True}
    done = http.post("/v1/import/products?dry_run=false", content=body)
    assert done.json()["done"] == 1
    out = http.get("/v1/export/products")
    assert out.headers["content-type"].startswith("text/csv")
    assert "TEA2" in out.text
    assert http.get("/v1/export/secrets").status_code == 404
