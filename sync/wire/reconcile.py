"""The daily reconciliation on the wire: what a node reports, and what HQ makes of it.

    POST /v1/reconcile     ReconcileAsk → ReconcileAnswer   (JSON, a signed request)
    POST /v1/events/again  EventBatch → EventsAgain         (packed, a signed request)

The report is the node's books as of its event `seq`, which HQ must hold. Where blocks differ, the
answer has no result and names them; the node then hands the events of those blocks in again (known
ones are answered `known`) and asks once more with each hand-over in `details`. What differs after
that is a difference. Both ends keep report and result, each under the signature of its author.
"""

from typing import Literal

import msgspec

from sync.rules.reconcile import Block
from sync.wire import codec
from sync.wire.errors import RemoteWireError
from sync.wire.events import StockLevel
from sync.wire.messages import RowAnswer
from sync.wire.signature import Signer, is_genuine

DOMAIN_REPORT = b"storeedge/reconcile-report/1\0"
DOMAIN_RESULT = b"storeedge/reconcile-result/1\0"
MOST_DIFFERENCES = 100

Differs = Literal["hub_lacks", "node_lacks", "order", "units", "undone", "sku", "stock"]


class SkuTotal(msgspec.Struct, frozen=True, kw_only=True):
    """Pieces of an article in the hand-overs of a report, those taken back left out."""

    sku: str
    handed: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A node's books as of its event `seq`; signed by the node over its JSON.

    day: the store's business day, ISO 8601. first, last: numbers of the hand-overs compared (an
    empty range when there are none). sku_unknown: pieces of orders whose lines the node does not
    know. levels: of articles with stock of their own.
    """

    store: int
    node: str
    incarnation: bytes
    day: str
    at_ms: int
    seq: int
    audit_seq: int
    audit_hash: bytes
    first: int
    last: int
    blocks: tuple[Block, ...]
    skus: tuple[SkuTotal, ...]
    sku_unknown: int
    levels: tuple[StockLevel, ...] = ()


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """One hand-over as the node has it."""

    handover: int
    order_id: bytes
    units: tuple[tuple[int, int], ...]
    undone: bool


class ReconcileAsk(msgspec.Struct, frozen=True, kw_only=True):
    """report: JSON of a `Report`. details: None at first, then the hand-overs that were wanted."""

    report: bytes
    signature: bytes
    details: tuple[Detail, ...] | None = None


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the two sides do not know alike; `node` and `hub` are for people."""

    kind: Differs
    handover: int | None = None
    order_id: bytes | None = None
    order_no: str | None = None
    sku: str | None = None
    node: str = ""
    hub: str = ""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What HQ found; signed by HQ over its JSON. report_hash: SHA-256 of the report's bytes.

    differences: at most 100 of `total`. handovers, pieces: what HQ holds in the range.
    """

    store: int
    node: str
    incarnation: bytes
    day: str
    at_ms: int
    report_hash: bytes
    handovers: int
    pieces: int
    total: int
    differences: tuple[Difference, ...]


class ReconcileAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """wanted: first numbers of the blocks that differ; then `result` is empty, else JSON of it."""

    wanted: tuple[int, ...] = ()
    result: bytes = b""
    signature: bytes = b""


class EventsAgain(msgspec.Struct, frozen=True, kw_only=True):
    """What HQ did with events that it had answered before."""

    rows: tuple[RowAnswer, ...]


def sign_report(report: Report, signer: Signer) -> tuple[bytes, bytes]:
    """The report's bytes and the node's signature."""
    packed = codec.to_json(report)
    return packed, signer.sign(DOMAIN_REPORT, packed)


def open_report(packed: bytes, signature: bytes, public: bytes) -> Report:
    """A report by its author.

    Raises:
        RemoteWireError: it is not signed by `public`, or is none.
    """
    if not is_genuine(public, DOMAIN_REPORT, packed, signature):
        raise RemoteWireError("the report is not signed by the box that sent it")
    return codec.from_json(Report, packed)


def sign_result(result: Result, signer: Signer) -> tuple[bytes, bytes]:
    """The result's bytes and HQ's signature."""
    packed = codec.to_json(result)
    return packed, signer.sign(DOMAIN_RESULT, packed)


def open_result(packed: bytes, signature: bytes, public: bytes) -> Result:
    """HQ's result.

    Raises:
        RemoteWireError: it is not signed by `public`, or is none.
    """
    if not is_genuine(public, DOMAIN_RESULT, packed, signature):
        raise RemoteWireError("the result is not signed by headquarters")
    return codec.from_json(Result, packed)
