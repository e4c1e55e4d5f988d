"""Routes of the store page: picking, and the documents that goods travel with."""

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from edge.flow import documents, pick, pick_view
from edge.flow.answers import SlipView
from edge.flow.documents import DocumentView
from edge.flow.pick_view import PickList, PickView
from edge.flow.shop import Shop
from edge.web.told import Who, told


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreView:
    """What the store page shows: what is to be picked, and what travels."""

    picks: PickList
    documents: tuple[DocumentView, ...]


def routes(shop: Shop) -> APIRouter:
    """The routes over `shop`."""
    router = APIRouter(tags=["store"])

    @router.get("/picks", response_model=PickList)
    async def picks(who: Who) -> Response:
        """What is to be picked, priority first, with timers; and what lies ready in which bin."""
        return told(await pick_view.pick_list(shop, who.station))

    @router.post("/picks/{order}/start", response_model=PickView)
    async def start_pick(who: Who, order: str) -> Response:
        """Begin to pick an order."""
        return told(await pick.begin(shop, who, order))

    @router.post("/picks/{order}/pick", response_model=PickView)
    async def set_found(who: Who, order: str, body: pick.FoundAsk) -> Response:
        """Say how many pieces of a line lie in the basket now."""
        return told(await pick.found(shop, who, order, body))

    @router.post("/picks/{order}/short", response_model=PickView)
    async def settle_short(who: Who, order: str, body: pick.ShortAsk) -> Response:
        """Settle what is not there by the customer's choice; a refund releases the units."""
        return told(await pick.short(shop, who, order, body))

    @router.post("/picks/{order}/ready", response_model=PickView)
    async def put_ready(who: Who, order: str, body: pick.ReadyAsk) -> Response:
        """The packed order lies in its bin."""
        return told(await pick.put_ready(shop, who, order, body))

    @router.post("/picks/{order}/print", response_model=list[SlipView])
    async def print_pick(who: Who, order: str) -> Response:
        """Print the pick slip, or a label for each bag of a packed order."""
        return told(await pick.print_papers(shop, who, order))

    @router.get("/store", response_model=StoreView)
    async def store(who: Who) -> Response:
        """Everything of the store page at once."""
        picks = await pick_view.pick_list(shop, who.station)
        return told(StoreView(picks=picks, documents=await documents.listed(shop, who.station)))

    @router.get("/documents", response_model=list[DocumentView])
    async def list_documents(who: Who) -> Response:
        """Transfers and purchases from and to this store, the open ones first."""
        return told(await documents.listed(shop, who.station))

    @router.post("/documents/{document}/dispatch", response_model=DocumentView)
    async def dispatch_document(who: Who, document: str, body: documents.MoveAsk) -> Response:
        """The goods of a transfer leave."""
        return told(await documents.dispatch(shop, who, document, body))

    @router.post("/documents/{document}/receive", response_model=DocumentView)
    async def receive_document(who: Who, document: str, body: documents.MoveAsk) -> Response:
        """The goods of a document arrive, as counted."""
        return told(await documents.receive(shop, who, document, body))

    @router.post("/documents/{document}/print", response_model=SlipView)
    async def print_paper(who: Who, document: str) -> Response:
        """Print the document's paper."""
        return told(await documents.print_document(shop, who, document))

    return router
