"""`pricefeed`: prices in batches of a hundred, from headquarters into a store's catalog.

`pricefeed`: bytes of the hub's compressed answer for each price, one batch an answer, everything in
it counted: heads, signatures, time. The floor is the pairs alone, compressed. `pricefeed-applied`:
p99 from sending `POST /v1/prices` to the price in the box's catalog file, over TLS, the box woken
by its doorbell; batches come at random moments.
"""

import asyncio
import random
import ssl
import time

import httpx

from edge.lab.bench.box_talk import questions
from edge.lab.bench.figures import machine, median, percentile
from edge.lab.bench.hq import Box, put_boxes, put_products
from edge.lab.bench.plan import Plan
from edge.lab.bench.processes import HOST
from edge.lab.bench.rows import Row, judged
from edge.lab.bench.store_line import STORE, StoreLine, store_line
from sync.wire import codec
from sync.wire.catalog import ProductRow
from sync.wire.messages import FeedAnswer
from sync.wire.request import sign_request

_BATCH = 100
_WITHIN_S = 30.0
_APART_S = 1.5
_ENDINGS = (0, 50, 80, 90, 99)
_NAMED = 5


def pricefeed(plan: Plan, *, skus: int = 20_000, batches: int = 80) -> tuple[Row, ...]:
    """Bytes for each price, and how soon it is there."""
    return asyncio.run(_measure(plan, skus, batches))


async def _measure(plan: Plan, skus: int, batches: int) -> tuple[Row, ...]:
    dice = random.Random(3)  # noqa: S311 - the same prices each time
    numbered = [str(each) for each in dice.sample(range(10**6, 10**7), skus)]
    named = [f"SK{each}" for each in dice.sample(range(10**5, 10**6), _BATCH * _NAMED)]
    async with store_line(plan.folder) as line:
        rows = (
            ProductRow(sku=sku, gtin=None, name_zh="商品", name_en="Article")
            for sku in (*numbered, *named)
        )
        put_products(line.made.hub, tuple(rows))
        (reader,) = put_boxes(line.made.hub, 1, first=STORE + 1)
        await line.until(lambda: line.has_read(line.heads()), within_s=120)
        tls = ssl.create_default_context(cafile=str(line.ground.hub_ca))
        async with httpx.AsyncClient(
            base_url=f"https://{HOST}:{line.hub_port}", verify=tls, trust_env=False, timeout=30
        ) as http:
            sizes: list[int] = []
            bare: list[int] = []
            took_s: list[float] = []
            for number in range(batches):
                said = _prices(dice, dice.sample(numbered, _BATCH))
                (body,) = questions(line.made, [reader])
                took_s.append(await _apply(line, http, said))
                sizes.append(await _size(http, reader, body))
                bare.append(len(codec.to_body(sorted(said.items()))))
                plan.progress("saying prices", number + 1, batches)
                # so that commits meet the doorbell at any moment of its round
                await asyncio.sleep(dice.random() * _APART_S)
            text_sizes: list[int] = []
            for number in range(_NAMED):
                chosen = named[number * _BATCH : (number + 1) * _BATCH]
                (body,) = questions(line.made, [reader])
                await _say(line, http, _prices(dice, chosen))
                text_sizes.append(await _size(http, reader, body))
    context = {**machine(plan.folder), "batches": batches, "prices_a_batch": _BATCH}
    delay_ms, faults = plan.fsync_delay_ms, plan.faults
    return (
        judged(
            "pricefeed",
            median(sizes) / _BATCH,
            floor=median(bare) / _BATCH,
            fsync_delay_ms=delay_ms,
            faults=faults,
            context={
                **context,
                "floor_is": "the pairs alone, MessagePack and zstd",
                "worst_b": max(sizes) / _BATCH,
                "skus_that_are_no_numbers_b": median(text_sizes) / _BATCH,
            },
        ),
        judged(
            "pricefeed-applied",
            percentile(took_s, 99),
            fsync_delay_ms=delay_ms,
            faults=faults,
            context={**context, "p50_s": round(median(took_s), 3)},
        ),
    )


def _prices(dice: random.Random, skus: list[str]) -> dict[str, int]:
    return {sku: dice.randrange(1, 100) * 100 + dice.choice(_ENDINGS) for sku in skus}


async def _say(line: StoreLine, http: httpx.AsyncClient, said: dict[str, int]) -> int:
    """Put prices; from when they are."""
    bearer = {"authorization": f"Bearer {line.made.token}"}
    answer = await http.post("/v1/prices", json={"prices": said}, headers=bearer)
    answer.raise_for_status()
    return int(answer.json()["effective_from_ms"])


async def _apply(line: StoreLine, http: httpx.AsyncClient, said: dict[str, int]) -> float:
    sku = next(iter(said))
    began_s = time.perf_counter()
    from_ms = await _say(line, http, said)

    def there() -> bool:
        found = line.catalog(
            "SELECT minor FROM price WHERE sku = ? AND effective_from_ms = ?", sku, from_ms
        )
        return found == said[sku]

    return await line.until(there, within_s=_WITHIN_S) - began_s


async def _size(http: httpx.AsyncClient, reader: Box, body: bytes) -> int:
    """Bytes of the answer that carries what came since the question was made."""
    headers = sign_request(
        reader.signer,
        method="POST",
        target="/v1/feed",
        node=reader.name,
        incarnation=reader.incarnation,
        body=body,
    )
    answer = await http.post("/v1/feed", content=body, headers=headers)
    answer.raise_for_status()
    rows = [row for page in codec.from_body(FeedAnswer, answer.content).pages for row in page.rows]
    assert [row.kind for row in rows] == ["prices"], rows
    return len(answer.content)
