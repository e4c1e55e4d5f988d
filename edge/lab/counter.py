"""A station of the node, used from outside: its HTTP API with its token, and what its screen hears.

Answers are read into the very types that the API promises, so a field that changes breaks the tour.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import httpx

from edge.flow.answers import (
    CaseView,
    OperatorAnswer,
    ScanAnswer,
    SlipView,
    StaffView,
    StatusView,
    UndoAnswer,
)
from edge.flow.pick_view import PickList, PickView
from edge.flow.reconcile import ReconcileView
from edge.flow.slips import SlipEntry
from edge.flow.stock_answers import StockAct, StockView
from edge.flow.transfers import TransferView
from sync.wire.codec import from_json, to_json

T = TypeVar("T")
_TIMEOUT_S = 10.0


class Refused(Exception):
    """The node answered with a problem; `status` is its HTTP status, `code` its word."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(f"{status} {code}: {text}")
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class _Problem:
    code: str = ""
    en: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What /healthz says: `run` names the process that answered."""

    ok: bool
    run: str


class Ear:
    """What a station's screen was told since it began to listen, in order."""

    def __init__(self) -> None:
        self._heard: list[tuple[str, bytes]] = []
        self._news = asyncio.Condition()
        self._ended: Exception | None = None

    async def take(self, lines: AsyncIterator[str]) -> None:
        """Read a stream of server-sent events until it ends."""
        event, data = "message", ""
        try:
            async for line in lines:
                if line.startswith("event:"):
                    event = line[6:].strip()
                elif line.startswith("data:"):
                    data += line[5:].strip()
                elif not line and data:
                    async with self._news:
                        self._heard.append((event, data.encode()))
                        self._news.notify_all()
                    event, data = "message", ""
        except httpx.HTTPError as error:
            self._ended = error
        async with self._news:
            self._ended = self._ended or ConnectionError("the stream of events ended")
            self._news.notify_all()

    async def wait_for(
        self, event: str, kind: type[T], fits: Callable[[T], bool], *, within_s: float = 10
    ) -> T:
        """The first `event` that fits, heard already or within the time.

        Raises:
            TimeoutError: none came; ConnectionError: the stream ended before.
        """
        at = 0
        async with asyncio.timeout(within_s), self._news:
            while True:
                for name, data in self._heard[at:]:
                    at += 1
                    if name == event and fits(value := from_json(kind, data)):
                        return value
                if self._ended is not None:
                    raise ConnectionError(str(self._ended)) from self._ended
                await self._news.wait()


class Counter:
    """One station. `station` None asks only what needs no token."""

    def __init__(self, url: str, *, station: str, token: str) -> None:
        self.station = station
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"authorization": f"Bearer {token}"},
            timeout=_TIMEOUT_S,
            trust_env=False,
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.aclose()

    async def health(self) -> Health | None:
        """Who answers at this address; None when nobody does."""
        try:
            answer = await self._http.get("/healthz")
        except httpx.HTTPError:
            return None
        return from_json(Health, answer.content) if answer.is_success else None

    async def ready(self) -> bool:
        """Whether it can redeem now."""
        try:
            return (await self._http.get("/readyz")).is_success
        except httpx.HTTPError:
            return False

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncGenerator[Ear]:
        """The events of this station; the first `state` has arrived when the block begins."""
        ear = Ear()
        async with self._http.stream("GET", "/api/v1/events", timeout=None) as stream:
            if not stream.is_success:
                await stream.aread()
                raise _refused(stream)
            reading = asyncio.create_task(ear.take(stream.aiter_lines()), name="ear")
            try:
                await ear.wait_for("state", object, lambda _: True)
                yield ear
            finally:
                reading.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await reading

    async def scan(
        self, text: str, *, pin: str | None = None, key: str | None = None
    ) -> ScanAnswer:
        """Type a code at this station."""
        body = {"text": text, "station": self.station}
        return await self._post(
            "/api/v1/scans", body if pin is None else {**body, "pin": pin}, ScanAnswer, key=key
        )

    async def hand_over(
        self,
        order: str,
        *,
        units: tuple[tuple[int, int], ...] | None = None,
        missing: tuple[tuple[int, int], ...] = (),
    ) -> ScanAnswer:
        """Press "handed over"; units None: all that are open."""
        body = {"order": order, "units": units, "missing": missing}
        return await self._post("/api/v1/handovers", body, ScanAnswer)

    async def ask_for(
        self, answer: ScanAnswer, *, wait: bool = False, follow: bool = False
    ) -> TransferView:
        """Ask HQ for the order of a code that was scanned here and is another store's."""
        body = {"answer": answer.id, "wait": wait, "follow": follow}
        return await self._post("/api/v1/transfers", body, TransferView)

    async def give_provisionally(self, order: str, *, pin: str) -> ScanAnswer:
        """Choose what was offered: another store's order, on HQ's budget."""
        return await self._post("/api/v1/provisional", {"order": order, "pin": pin}, ScanAnswer)

    async def undo(self, handover: int) -> UndoAnswer:
        """Take a hand-over back, the goods still here."""
        body = {"handover": handover, "goods_still_here": True}
        return await self._post("/api/v1/undo", body, UndoAnswer)

    async def status(self) -> StatusView:
        """The status bar."""
        return await self._get("/api/v1/status", StatusView)

    async def stock(self, sku: str) -> StockView | None:
        """What the node holds of an article; None while it does not know it."""
        answer = await self._http.get(f"/api/v1/stock/{sku}")
        return None if answer.status_code == 404 else _read(answer, StockView)

    async def reconcile(self) -> ReconcileView:
        """The daily reconciliations and what is due."""
        return await self._get("/api/v1/reconcile", ReconcileView)

    async def print_reconcile(self, day: str) -> SlipView:
        """A day's report on this station's printer."""
        return await self._post("/api/v1/reports/reconcile/print", {"day": day}, SlipView)

    async def count_stock(self, sku: str, counted: int) -> StockAct:
        """Count an article, from now on."""
        return await self._post(f"/api/v1/stock/{sku}/count", {"counted": counted}, StockAct)

    async def record_stock(self, sku: str, quantity: int, kind: str) -> StockAct:
        """Pieces came, went or were set apart."""
        body = {"quantity": quantity, "kind": kind}
        return await self._post(f"/api/v1/stock/{sku}/receive", body, StockAct)

    async def set_aside(self, sku: str, quantity: int = 1) -> StockAct:
        """Set pieces aside."""
        return await self._post("/api/v1/locks", {"sku": sku, "quantity": quantity}, StockAct)

    async def end_lock(self, lock: int, way: Literal["release", "take"]) -> StockAct:
        """Put what was set aside back, or sell it."""
        return await self._post(f"/api/v1/locks/{lock}/{way}", {}, StockAct)

    async def slips(self) -> tuple[SlipEntry, ...]:
        """Recent slips of this station."""
        return await self._get("/api/v1/slips", tuple[SlipEntry, ...])

    async def staff(self) -> tuple[StaffView, ...]:
        """Who can be chosen as operator."""
        return await self._get("/api/v1/staff", tuple[StaffView, ...])

    async def sign_in(self, staff_id: str, pin: str) -> OperatorAnswer:
        """Become the station's operator."""
        return await self._post(
            "/api/v1/operator", {"staff_id": staff_id, "pin": pin}, OperatorAnswer
        )

    async def cases(self) -> tuple[CaseView, ...]:
        """The review queue."""
        return await self._get("/api/v1/reviews", tuple[CaseView, ...])

    async def release(self, case: int, *, staff_id: str, pin: str, note: str) -> CaseView:
        """Release a case as another person."""
        body = {"staff_id": staff_id, "pin": pin, "note": note}
        return await self._post(f"/api/v1/reviews/{case}/release", body, CaseView)

    async def put_back(self, order: str) -> None:
        """This station no longer serves the order."""
        await self._post("/api/v1/claims/release", {"order": order}, OperatorAnswer)

    async def picks(self) -> PickList:
        """What is to be picked, and what lies ready."""
        return await self._get("/api/v1/picks", PickList)

    async def pick_act(self, order: str, act: str, **body: object) -> PickView:
        """`start`, `pick`, `short` or `ready` an order."""
        return await self._post(f"/api/v1/picks/{order}/{act}", body, PickView)

    async def print_pick(self, order: str) -> tuple[SlipView, ...]:
        """The pick slip, or the bag labels of a packed order."""
        return await self._post(f"/api/v1/picks/{order}/print", {}, tuple[SlipView, ...])

    async def _get(self, path: str, kind: type[T]) -> T:
        return _read(await self._http.get(path), kind)

    async def _post(self, path: str, body: object, kind: type[T], *, key: str | None = None) -> T:
        headers = {"content-type": "application/json"}
        if key is not None:
            headers["idempotency-key"] = key
        return _read(await self._http.post(path, content=to_json(body), headers=headers), kind)


def _read(answer: httpx.Response, kind: type[T]) -> T:
    if not answer.is_success:
        raise _refused(answer)
    return from_json(kind, answer.content)


def _refused(answer: httpx.Response) -> Refused:
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        problem = from_json(_Problem, answer.content)
        return Refused(answer.status_code, problem.code, problem.en)
    return Refused(answer.status_code, "unknown", answer.text[:200])
