"""Two hub processes on one database: none of them remembers anything that matters."""

import hashlib
import itertools
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from hub_databases import Servers
from hub_processes import Box, HubProcess, enrol_over_http, hub_processes
from toy_node import Box as ToyBox
from toy_node import Ordered, handed, read_order

from sync.engine.verify import check_page, start
from sync.wire import codec, enrol, pairing
from sync.wire.messages import (
    BatchAnswer,
    Cursor,
    EventBatch,
    FeedAnswer,
    FeedQuestion,
    Manifest,
    SignedManifest,
)
from sync.wire.signature import Signer, fingerprint
from sync.wire.snapshot import open_manifest

pytestmark = pytest.mark.timeout(120)
STORE = 101


class Pair:
    """Two processes, a store, and a box that never asks the same process twice running."""

    def __init__(self, hubs: list[HubProcess], token: str) -> None:
        self.hubs = hubs
        self.token = token
        self._turn = itertools.cycle(hubs)
        self.admin("/v1/stores", number=STORE, code="S", name_zh="店", name_en="Shop")
        self.admin("/v1/products", sku="MILK1", name_zh="牛奶", name_en="Milk")
        self.admin("/v1/products", sku="CUP", name_zh="杯", name_en="Cup")
        self.box: Box = enrol_over_http(hubs, token, STORE)
        self.toy = ToyBox(signer=self.box.signer, peer=self.box.peer, k_store=b"")

    def admin(self, path: str, **body: object) -> httpx.Response:
        answer = next(self._turn).post(path, body, token=self.token)
        assert answer.status_code in (200, 201), answer.text
        return answer

    def order(self, quantity: int = 1) -> Ordered:
        lines = [{"sku": "MILK1", "quantity": quantity}]
        return read_order(self.admin("/v1/orders", store=STORE, lines=lines).json())

    def ask(self, method: str, target: str, body: bytes = b"") -> httpx.Response:
        answer = next(self._turn).ask(self.box, method, target, body)
        assert answer.status_code == 200, answer.text
        return answer

    def pull(self, cursors: tuple[Cursor, ...], limit: int = 3) -> FeedAnswer:
        question = FeedQuestion(cursors=cursors, nonce=secrets.token_bytes(16), limit=limit)
        body = self.ask("POST", "/v1/feed", codec.to_body(question)).content
        return codec.from_body(FeedAnswer, body)

    def read_all(self) -> dict[str, int]:
        """Every scope from the start in small pages, each from the other process, all checked."""
        cursors = {scope: start(scope) for scope in self.box.peer.scopes}
        while True:
            answer = self.pull(tuple(cursors.values()))
            assert answer.gone == ()
            for page in answer.pages:
                check_page(page, cursors[page.scope], self.box.peer)
                cursors[page.scope] = page.head
            if not any(page.more for page in answer.pages):
                return {scope: cursor.seq for scope, cursor in cursors.items()}

    def batch(self, *events: object) -> bytes:
        return codec.to_body(
            EventBatch(
                incarnation=self.box.peer.incarnation,
                nonce=secrets.token_bytes(16),
                events=events,  # type: ignore[arg-type]  # made by the toy box
            )
        )


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def pair(
    request: pytest.FixtureRequest, servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    tmp_path: Path = tmp_path_factory.mktemp("pair")
    if request.param == "sqlite":
        with hub_processes(f"sqlite:///{tmp_path / 'hub.db'}", tmp_path) as (hubs, token):
            yield Pair(hubs, token)
        return
    with (  # an empty database: both want to make its tables and the chain
        servers.postgresql(migrated=False) as url,
        hub_processes(url, tmp_path) as (hubs, token),
    ):
        yield Pair(hubs, token)


def test_a_node_that_changes_hubs_at_every_step_loses_and_repeats_nothing(pair: Pair) -> None:
    before = pair.read_all()
    orders = [pair.order() for _ in range(4)]
    assert pair.read_all()[f"store:{STORE}"] == before[f"store:{STORE}"] + 4
    events = [
        pair.toy.event(handed(each, (1, 1), handover=number))
        for number, each in enumerate(orders, start=1)
    ]
    outcomes = [
        [row.outcome for row in codec.from_body(BatchAnswer, answer.content).rows]
        for part in (events[:2], events[:2], events[1:4])
        for answer in [pair.ask("POST", "/v1/events", pair.batch(*part))]
    ]
    assert outcomes == [["accepted"] * 2, ["known"] * 2, ["known", "accepted", "accepted"]]
    shown = pair.hubs[1].get(f"/v1/orders/{orders[0].order_no}", token=pair.token).json()
    assert shown["lines"][0]["units"][0]["handed_total"] == 1


def test_the_same_batch_at_both_at_the_same_moment_counts_once(pair: Pair) -> None:
    orders = [pair.order() for _ in range(6)]
    for number, each in enumerate(orders, start=1):
        body = pair.batch(pair.toy.event(handed(each, (1, 1), handover=number)))
        with ThreadPoolExecutor(4) as pool:
            answers = list(
                pool.map(lambda hub, body=body: hub.ask(pair.box, "POST", "/v1/events", body),
                         [*pair.hubs, *pair.hubs])
            )  # fmt: skip
        assert [answer.status_code for answer in answers] == [200] * 4
        outcomes = sorted(
            codec.from_body(BatchAnswer, answer.content).rows[0].outcome for answer in answers
        )
        assert outcomes == ["accepted", "known", "known", "known"]
        shown = pair.hubs[0].get(f"/v1/orders/{each.order_no}", token=pair.token).json()
        assert shown["lines"][0]["units"][0]["handed_total"] == 1
        assert len(shown["events"]) == 1


def test_writers_at_both_processes_leave_no_gap_and_no_error(pair: Pair) -> None:
    before = pair.read_all()

    def one(number: int) -> int:
        hub = pair.hubs[number % 2]
        if number % 3:
            lines = [{"sku": "MILK1", "quantity": 2}]
            answer = hub.post("/v1/orders", {"store": STORE, "lines": lines}, token=pair.token)
        else:
            body = {"sku": f"P{number}", "name_zh": "货", "name_en": "Goods"}
            answer = hub.post("/v1/products", body, token=pair.token)
        return answer.status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, range(60))) == {201}
    after = pair.read_all()
    assert after["chain"] - before["chain"] == 20
    assert after[f"store:{STORE}"] - before[f"store:{STORE}"] == 40


def test_one_of_two_that_want_the_same_name_is_answered_that_it_is_taken(pair: Pair) -> None:
    for number in range(5):
        body = {"number": 200 + number, "code": f"X{number}", "name_zh": "店", "name_en": "Shop"}
        order = {"store": STORE, "order_no": f"TAKEN-{number}", "lines": [{"sku": "MILK1"}]}
        with ThreadPoolExecutor(4) as pool:
            for path, asked in (("/v1/stores", body), ("/v1/orders", order)):
                codes = sorted(
                    answer.status_code
                    for answer in pool.map(
                        lambda hub, path=path, asked=asked: hub.post(path, asked, token=pair.token),
                        [*pair.hubs, *pair.hubs],
                    )
                )
                assert codes == [201, 409, 409, 409]


def test_wrong_pairing_codes_are_counted_for_all_processes(pair: Pair) -> None:
    wrong = {"pairing_id": "0" * 8, "node_public": "", "incarnation": ""}
    codes = [
        pair.hubs[number % 2].http.post("/v1/nodes/enroll", json=wrong).json()["code"]
        for number in range(3)
    ]
    assert set(codes) == {"invalid"}, "not even a question: does not count"
    forged = codec.to_json(_forged())
    statuses = [
        pair.hubs[number % 2].http.post("/v1/nodes/enroll", content=forged).status_code
        for number in range(7)
    ]
    assert statuses == [409] * 5 + [429] * 2


def _forged() -> object:

    signer = Signer.generate()
    made = pairing.Pairing(
        secret=secrets.token_bytes(pairing.SECRET_BYTES),
        hub_fingerprint=fingerprint(signer.public),
    )
    return enrol.request(signer, secrets.token_bytes(8), made)


def test_a_snapshot_begun_at_one_process_is_finished_at_the_other(pair: Pair) -> None:
    for _ in range(5):
        pair.order()
    manifests: list[Manifest] = []
    for hub in pair.hubs:
        answer = hub.ask(pair.box, "GET", "/v1/snapshot")
        signed = codec.from_body(SignedManifest, answer.content)
        manifests.append(open_manifest(signed, pair.box.peer.hub_public))
    assert manifests[0] == manifests[1], "the same heads give the same bytes"
    target = f"/v1/snapshot/{manifests[0].sha256.hex()}"
    half = manifests[0].size // 2
    parts: list[bytes] = []
    for hub, span in zip(pair.hubs, (f"bytes=0-{half - 1}", f"bytes={half}-"), strict=True):
        headers = pair.box.headers("GET", target) | {"range": span}
        answer = hub.http.get(target, headers=headers)
        assert answer.status_code == 206
        parts.append(answer.content)
    assert hashlib.sha256(b"".join(parts)).digest() == manifests[0].sha256


def test_the_doorbell_of_one_process_rings_for_a_change_made_at_the_other(pair: Pair) -> None:
    seqs = pair.read_all()
    target = "/v1/doorbell?" + "&".join(f"at={scope}.{seq}" for scope, seq in seqs.items())
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(pair.hubs[0].ask, pair.box, "GET", target)
        pair.hubs[1].post(
            "/v1/products", {"sku": "NEW", "name_zh": "新", "name_en": "New"}, token=pair.token
        )
        assert waiting.result(20).status_code == 200
