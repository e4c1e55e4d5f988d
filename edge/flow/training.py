"""Training mode, per station: the trainee's acts go to a room of their own, never to real goods.

Whether a station trains is in the real ledger, so a restart cannot hand a trainee the real shop;
everything else of training is in the room's ledger (`room`) and leaves with the day.
"""

import asyncio
import logging

from edge.flow.answers import Refusal, SlipView, StatusView
from edge.flow.caller import Caller
from edge.flow.give import add_slip, store_time
from edge.flow.practice import PracticeKit
from edge.flow.room import open_room, sweep, today
from edge.flow.serve import operator_of
from edge.flow.shop import Room, Shop
from edge.flow.slips import PracticeFacts
from edge.flow.status import status
from edge.store.errors import StoreError
from edge.store.row import integer, text
from edge.store.tx import Tx

logger = logging.getLogger(__name__)

NOT_OFFERED = Refusal(
    status=501,
    code="no_training",
    zh="本机没有练习模式",
    en="This box offers no training",
)
SERVING = Refusal(
    status=409,
    code="serving",
    zh="请先交付或放回正在办理的订单",
    en="Hand over or put back the order that is being served first",
)
NO_ROOM = Refusal(
    status=503,
    code="no_practice_ledger",
    zh="练习账本打不开,请稍后再试",
    en="The training ledger cannot be opened; try again later",
)


async def switch(shop: Shop, caller: Caller, on: bool) -> StatusView | Refusal:
    """Begin or end training at the caller's station.

    Refused while the station serves an order. Beginning signs the operator out: what a trainee
    does is nobody else's.
    """
    if shop.practice_folder is None:
        return NOT_OFFERED
    memory = shop.station(caller.station)
    if on != memory.training:
        if on and await _room(shop) is None:
            return NO_ROOM
        refusal = await shop.writer.do(
            lambda tx: _begin(tx, caller.station) if on else _end(tx, caller.station),
            shop.moment(),
        )
        if refusal is not None:
            return refusal
        memory.training = on
        memory.waiting_serial = memory.waiting_token = memory.waiting_lines = None
        memory.recent.clear()
    view = await status(shop, caller.station)
    shop.screens.publish(caller.station, "training", view)
    shop.screens.publish(caller.station, "status", view)
    return view


def _begin(tx: Tx, station: str) -> Refusal | None:
    live = tx.one("claims_live_of_station", station, tx.moment.trusted_ms)
    assert live is not None
    if integer(live[0]):
        return SERVING
    tx.run("training_begin", station, tx.moment.trusted_ms)
    tx.note("training_began", station=station, operator=operator_of(tx, station))
    tx.run("operator_end", station)
    return None


def _end(tx: Tx, station: str) -> None:
    tx.run("training_end", station)
    tx.note("training_ended", station=station)


async def print_sheet(shop: Shop, caller: Caller) -> SlipView | Refusal:
    """Print the practice sheet on the station's printer; its codes are good every day."""
    if shop.practice_folder is None:
        return NOT_OFFERED
    room = await _room(shop)
    if room is None:
        return NO_ROOM
    facts = _facts(shop)

    def act(tx: Tx) -> SlipView:
        number = add_slip(tx, caller.station, "practice", facts, None)
        return SlipView(effect=number, state="queued")

    answer = await room.shop.writer.do(act, shop.moment())
    shop.wake_effects()
    return answer


def sheet_png(shop: Shop) -> bytes | None:
    """The practice sheet as a PNG, for a screen or any printer; None where none is offered."""
    if shop.practice_folder is None:
        return None
    facts = _facts(shop)
    kit = PracticeKit(shop.mac_key)
    return shop.draw(kit.sheet(store_name=facts.store_name, at_text=facts.at_text))


def _facts(shop: Shop) -> PracticeFacts:
    return PracticeFacts(
        store_name=shop.settings.store_name,
        at_text=store_time(shop, shop.moment().trusted_ms),
    )


async def restore(shop: Shop) -> None:
    """At the start: know which stations train, find today's room, delete what older days left."""
    folder = shop.practice_folder
    if folder is None:
        return
    shop.practice_codes = PracticeKit(shop.mac_key).codes()

    def read(tx: Tx) -> list[str]:
        return [text(station) for (station,) in tx.all("training_stations")]

    for station in await shop.writer.do(read, shop.moment()):
        shop.station(station).training = True
    if _in_use(shop):
        await _room(shop)
    else:
        await asyncio.to_thread(sweep, folder, keep_day=None)


async def keep(shop: Shop) -> None:
    """Now and then: a new room for a new day, and another try where none could be had."""
    if shop.practice_folder is None:
        return
    if _in_use(shop):
        await _room(shop)
    elif shop.room is not None and shop.room.day != today(shop):
        async with shop.room_door:
            await close(shop)
        await asyncio.to_thread(sweep, shop.practice_folder, keep_day=None)


async def close(shop: Shop) -> None:
    """Leave the room, at the end of the process or of the day."""
    room, shop.room = shop.room, None
    if room is not None:
        await room.close()


def _in_use(shop: Shop) -> bool:
    return any(memory.training for memory in shop.memory.values())


async def _room(shop: Shop) -> Room | None:
    """Today's room, opened when it must be; None when it cannot be opened."""
    assert shop.practice_folder is not None
    async with shop.room_door:
        if shop.room is not None and shop.room.day == today(shop):
            return shop.room
        await close(shop)
        try:
            shop.room = await open_room(shop, shop.practice_folder)
        except (StoreError, OSError) as error:
            logger.error("no training room error=%s", type(error).__name__)
            return None
        return shop.room
