"""Headquarters, used from outside: its HTTP API with an administrator's token."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx

from edge.lab.hq_views import (
    AskedAtHq,
    BudgetAtHq,
    CaseAtHq,
    Codes,
    Health,
    NodeAtHq,
    ObligationAtHq,
    Order,
    OrderAtHq,
    OrderMoveAtHq,
    PairingAtHq,
    RecallAtHq,
    ReconciledAtHq,
    RefundsAtHq,
    StockAtHq,
    TakeOverAtHq,
    TiersAtHq,
)
from sync.wire.codec import from_json, to_json

T = TypeVar("T")
_TIMEOUT_S = 10.0


class HubSaidNo(Exception):
    """Headquarters answered with a problem; `code` is its word."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class _ProblemAtHq:
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stock:
    stock: tuple[StockAtHq, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Obligations:
    obligations: tuple[ObligationAtHq, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fleet:
    nodes: tuple[NodeAtHq, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moves:
    transfers: tuple[OrderMoveAtHq, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signed:
    v2: str
    pl: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fresh:
    codes: _Signed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stopping:
    cancel: AskedAtHq | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Transfers:
    transfers: tuple[dict[str, object], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _TakeOvers:
    takeovers: tuple[TakeOverAtHq, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cases:
    cases: tuple[CaseAtHq, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reconciled:
    reports: tuple[ReconciledAtHq, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Budgets:
    budgets: tuple[BudgetAtHq, ...]


class Headquarters:
    """One administrator. Without a token it can only be asked who it is."""

    def __init__(self, url: str, *, ca: Path, token: str | None = None) -> None:
        context = ssl.create_default_context(cafile=str(ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        self._http = httpx.AsyncClient(
            base_url=url,
            verify=context,
            headers={"authorization": f"Bearer {token}"} if token else {},
            timeout=_TIMEOUT_S,
            trust_env=False,
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.aclose()

    async def answers_as(self, run: str) -> bool:
        """Whether the process with this run id answers."""
        try:
            answer = await self._http.get("/healthz")
        except httpx.HTTPError:
            return False
        return answer.is_success and from_json(Health, answer.content).run == run

    async def add_store(self, number: int, code: str, name_zh: str, name_en: str) -> None:
        """Open a store."""
        body = {"number": number, "code": code, "name_zh": name_zh, "name_en": name_en}
        await self._post("/v1/stores", body, dict[str, object])

    async def add_product(
        self, sku: str, gtin: str, name_zh: str, name_en: str, storage: str
    ) -> None:
        """Write an article down."""
        body = {
            "sku": sku,
            "gtin": gtin,
            "name_zh": name_zh,
            "name_en": name_en,
            "storage": storage,
        }
        await self._post("/v1/products", body, dict[str, object])

    async def add_person(
        self, store: int, staff_id: str, name: str, role: str, pin: str, badge: str
    ) -> None:
        """Write a person down."""
        body = {
            "store": store,
            "staff_id": staff_id,
            "name": name,
            "role": role,
            "pin": pin,
            "badge": badge,
        }
        await self._post("/v1/staff", body, dict[str, object])

    async def pairing(self, store: int) -> PairingAtHq:
        """A pairing code for a store."""
        return await self._post("/v1/pairings", {"store": store}, PairingAtHq)

    async def confirm(
        self, fingerprint: str, *, replace: bool = False, by: str = "王总 Wang"
    ) -> None:
        """The fingerprints were compared and are the same; replace: the old box is unplugged."""
        await self._post(
            f"/v1/nodes/{fingerprint}/confirm", {"replace": replace, "by": by}, dict[str, object]
        )

    async def takeovers(self) -> Sequence[TakeOverAtHq]:
        """Which boxes gave way to which."""
        return (await self._get("/v1/takeovers", _TakeOvers)).takeovers

    async def open_cases(self) -> Sequence[CaseAtHq]:
        """What a person at headquarters must decide."""
        return (await self._get("/v1/cases?open=true", _Cases)).cases

    async def fleet(self) -> Sequence[NodeAtHq]:
        """Every box."""
        return (await self._get("/v1/fleet", _Fleet)).nodes

    async def reconciled(self, store: int) -> Sequence[ReconciledAtHq]:
        """A store's daily reconciliations, newest first."""
        return (await self._get(f"/v1/reconcile?store={store}", _Reconciled)).reports

    async def grant_budget(self, store: int, pieces: int, articles: dict[str, int]) -> BudgetAtHq:
        """Let a store's box risk so many pieces; articles: minor units a piece."""
        most = pieces * max(articles.values())
        body = {"store": store, "pieces": pieces, "amount_minor": most, "articles": articles}
        return await self._post("/v1/budgets", body, BudgetAtHq)

    async def budget(self, budget_id: str) -> BudgetAtHq:
        """A budget as it stands."""
        found = (await self._get("/v1/budgets", _Budgets)).budgets
        return next(each for each in found if each.budget_id == budget_id)

    async def end_budget(self, budget_id: str) -> None:
        """Nothing more is spent of it."""
        await self._post(f"/v1/budgets/{budget_id}/end", {}, dict[str, object])

    async def begin_recall(self, sku: str, reason: str) -> RecallAtHq:
        """Stop an article in every store."""
        return await self._post("/v1/recalls", {"sku": sku, "reason": reason}, RecallAtHq)

    async def recall(self, recall_id: str) -> RecallAtHq:
        """How far a recall is."""
        return await self._get(f"/v1/recalls/{recall_id}", RecallAtHq)

    async def end_recall(self, recall_id: str) -> RecallAtHq:
        """Let it be handed out again."""
        return await self._post(f"/v1/recalls/{recall_id}/end", {}, RecallAtHq)

    async def create_order(self, body: dict[str, object]) -> Order:
        """Make an order."""
        return await self._post("/v1/orders", body, Order)

    async def order(self, order_no: str) -> OrderAtHq:
        """An order as it stands."""
        return await self._get(f"/v1/orders/{order_no}", OrderAtHq)

    async def cancel(self, order_no: str) -> None:
        """Ask for an order to be stopped."""
        await self._post(f"/v1/orders/{order_no}/cancel", {}, dict[str, object])

    async def move(self, order_no: str, to_store: int) -> None:
        """Ask for an order to be moved to another store."""
        body = {"order_no": order_no, "to_store": to_store}
        await self._post("/v1/transfers", body, dict[str, object])

    async def moving(self) -> Sequence[dict[str, object]]:
        """Moves that were asked for and are not answered yet."""
        return (await self._get("/v1/transfers?open=true", _Transfers)).transfers

    async def moves(self, order_no: str) -> Sequence[OrderMoveAtHq]:
        """Every move of an order, newest first."""
        return (await self._get(f"/v1/transfers?order={order_no}", _Moves)).transfers

    async def fresh_codes(self, order_no: str) -> Codes:
        """The order's signed code, signed anew where it is now; the plain one is the customer's."""
        made = await self._post(f"/v1/orders/{order_no}/codes", {}, _Fresh)
        return Codes(v1="", v2=made.codes.v2, pl=made.codes.pl)

    async def refund(self, order_no: str) -> RefundsAtHq:
        """Refund what was given up; ask for the rest.

        Raises:
            HubSaidNo: with the problem's code in its text.
        """
        return await self._post(f"/v1/orders/{order_no}/refunds", {}, RefundsAtHq)

    async def stopping(self, order_no: str) -> AskedAtHq | None:
        """What was asked of an order's holder when it was cancelled, against what stopped."""
        return (await self._get(f"/v1/orders/{order_no}", _Stopping)).cancel

    async def obligations(self, order_no: str) -> Sequence[ObligationAtHq]:
        """What is owed back for an order."""
        return (await self._get(f"/v1/obligations?order={order_no}", _Obligations)).obligations

    async def customer_page(self, order: Order) -> str:
        """The page that the order's customer was sent, as HTML."""
        answer = await self._http.get(order.customer_page or "")
        if not answer.is_success:
            raise HubSaidNo(f"{answer.status_code} {answer.text[:300]}")
        return answer.text

    async def stock(self, store: int, sku: str) -> StockAtHq | None:
        """An article's stock in a store; None where headquarters keeps none."""
        found = (await self._get(f"/v1/stock?store={store}&sku={sku}", _Stock)).stock
        return found[0] if found else None

    async def put_plan(self, store: int, sku: str, *, par: int) -> None:
        """Say what a full shelf is."""
        await self._post(
            "/v1/stock/plans", {"store": store, "sku": sku, "par": par}, dict[str, object]
        )

    async def tiers(self, store: int) -> TiersAtHq:
        """What is scarce in a store, and what was done about it."""
        return await self._get(f"/v1/tiers?store={store}", TiersAtHq)

    async def _get(self, path: str, kind: type[T]) -> T:
        return _read(await self._http.get(path), kind)

    async def _post(self, path: str, body: object, kind: type[T]) -> T:
        headers = {"content-type": "application/json"}
        return _read(await self._http.post(path, content=to_json(body), headers=headers), kind)


def _read(answer: httpx.Response, kind: type[T]) -> T:
    if not answer.is_success:
        code = ""
        if answer.headers.get("content-type", "").startswith("application/problem+json"):
            code = from_json(_ProblemAtHq, answer.content).code
        raise HubSaidNo(f"{answer.status_code} {answer.text[:300]}", code)
    return from_json(kind, answer.content)
