"""Routes of the desk: find without a code, the review queue, the list for a power cut."""

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from edge.flow import emergency, review, second_person
from edge.flow import find as finding
from edge.flow.answers import CaseView, Found, ScanAnswer, SlipView
from edge.flow.operator import Approval
from edge.flow.second_person import Challenge, ChallengeAsk, HqAnswer
from edge.flow.shop import Shop
from edge.web.told import Who, told


@dataclass(frozen=True, slots=True, kw_only=True)
class ChooseBody:
    """An order out of the list that `find` gave."""

    order: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseBody:
    """Who decides a case and why: a person with their PIN, or HQ's six digits and a name."""

    staff_id: str = ""
    pin: str = ""
    response: str | None = None
    name: str = ""
    note: str = ""

    def by(self, case: int) -> Approval | HqAnswer:
        """Who decides `case`."""
        if self.response is not None:
            return HqAnswer(case=case, response=self.response, name=self.name)
        return Approval(staff_id=self.staff_id, pin=self.pin)


def routes(shop: Shop) -> APIRouter:
    """The routes over `shop`."""
    router = APIRouter(tags=["desk"])

    @router.post("/find", response_model=list[Found])
    async def find(who: Who, body: finding.FindAsk) -> Response:
        """Orders by two facts, masked; five look-ups a minute."""
        return told(await finding.find(shop, who, body))

    @router.post("/find/choose", response_model=ScanAnswer)
    async def choose(who: Who, body: ChooseBody) -> Response:
        """Serve a found order here; the hand-over then asks for a second fact."""
        return told(await finding.choose(shop, who, body.order))

    @router.get("/reviews", response_model=list[CaseView])
    async def cases(who: Who) -> Response:
        """The review queue."""
        return told(await review.cases(shop, who.station))

    @router.post("/reviews/{case}/release", response_model=CaseView)
    async def release(who: Who, case: int, body: CaseBody) -> Response:
        """Release a case: another person than the one who opened it, by PIN."""
        return told(await review.release(shop, who, case, body.by(case), body.note))

    @router.post("/reviews/{case}/close", response_model=CaseView)
    async def close(who: Who, case: int, body: CaseBody) -> Response:
        """Close a case without releasing anything."""
        return told(await review.close(shop, who, case, body.by(case), body.note))

    @router.post("/challenges", response_model=Challenge)
    async def challenge(who: Who, body: ChallengeAsk) -> Response:
        """Six digits to read to HQ, for a case or for an order to be handed over."""
        return told(await second_person.challenge(shop, who, body))

    @router.post("/emergency-list", response_model=SlipView)
    async def print_list(who: Who) -> Response:
        """Print the open pickups, for hours without power."""
        return told(await emergency.print_list(shop, who))

    @router.post("/late-entries", response_model=ScanAnswer)
    async def enter_later(who: Who, body: emergency.LateAsk) -> Response:
        """Enter a hand-over that was written on the emergency list."""
        return told(await emergency.enter_later(shop, who, body))

    return router
