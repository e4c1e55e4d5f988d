"""What a person, a supervisor program or a graph must know about this box."""

from collections.abc import Mapping
from typing import Literal, cast

from edge.flow.answers import OperatorAnswer, ScanAnswer, StatusView
from edge.flow.operator import operator_answer
from edge.flow.serve import dressed_answer
from edge.flow.shop import RECENT_ANSWERS, Shop
from edge.store.errors import StoreError
from edge.store.row import blob, integer, maybe_integer, text
from edge.store.tx import Tx

_Desk = tuple[int, int, OperatorAnswer]
"""Open cases, slips that wait, who operates."""
_NOBODY: _Desk = (0, 0, OperatorAnswer(staff_id=None, name=None, role=None))
Link = Literal["online", "offline", "not_enrolled"]


async def status(shop: Shop, station: str) -> StatusView:
    """The status bar of a station; where it trains, people, cases and slips are of training."""
    moment = shop.moment()
    training = shop.station(station).training

    def read(tx: Tx) -> tuple[tuple[int, int | None], _Desk]:
        return _outbox(tx), _NOBODY if training else _desk(tx, station)

    (unsynced, oldest_ms), (cases, slips, operator) = await shop.writer.do(read, moment)
    if training and shop.room is not None:
        room = shop.room.shop
        cases, slips, operator = await room.writer.do(lambda tx: _desk(tx, station), moment)
    enrolled = shop.identity.enrolled
    link = "not_enrolled" if enrolled is None else shop.link.state
    return StatusView(
        store=shop.settings.store_name,
        station=station,
        link=cast("Link", link),
        link_since_ms=shop.link.since_ms,
        unsynced=unsynced,
        oldest_unsynced_s=None
        if oldest_ms is None
        else max(0, moment.trusted_ms - oldest_ms) // 1000,
        data_age_s=shop.time.heard_ago_s(),
        clock=moment.clock,
        now_ms=moment.trusted_ms,
        operator=operator,
        devices=tuple(shop.devices.values()),
        open_cases=cases,
        slips_waiting=slips,
        names="locked" if shop.personal_key is None else "open",
        training=training,
        second_person=shop.settings.second_person,
        demo=enrolled is not None and enrolled.certificate.demo,
        fenced=shop.identity.fenced_why,
    )


def _outbox(tx: Tx) -> tuple[int, int | None]:
    row = tx.one("outbox_count")
    assert row is not None
    return integer(row[0]), maybe_integer(row[1])


def _desk(tx: Tx, station: str) -> _Desk:
    cases = tx.one("reviews_open_count")
    slips = tx.one("effects_waiting")
    assert cases is not None
    assert slips is not None
    return integer(cases[0]), integer(slips[0]), operator_answer(tx, station)


async def ready(shop: Shop) -> tuple[bool, str]:
    """Whether this box can redeem, and if not why, in one word."""
    if shop.identity.enrolled is None:
        return False, "not_enrolled"
    if not shop.has_replica:
        return False, "no_catalog"
    try:
        await shop.writer.do(lambda tx: tx.one("counters"), shop.moment())
    except StoreError as error:
        return False, error.code
    return True, "ready"


def metrics(shop: Shop) -> Mapping[str, float]:
    """Counters and gauges by metric name, without labels that could name a person or an order."""
    writer = shop.writer
    gauges: dict[str, float] = {
        "storeedge_writer_batches_total": writer.batches,
        "storeedge_writer_acts_total": writer.acts,
        "storeedge_link_online": 1.0 if shop.link.state == "online" else 0.0,
        "storeedge_devices_up": sum(1 for view in shop.devices.values() if view.state == "up"),
        "storeedge_devices": len(shop.devices),
        "storeedge_fenced": 1.0 if shop.identity.fenced else 0.0,
    }
    recalled = shop.recalls
    gauges["storeedge_recalls_open"] = (
        0 if recalled is None else len(recalled.skus) + len(recalled.orders)
    )
    age_s = shop.time.heard_ago_s()
    if age_s is not None:
        gauges["storeedge_data_age_seconds"] = age_s
    for name, count in shop.counts.items():
        gauges[f"storeedge_{name}_total"] = count
    return gauges


async def last_answers(shop: Shop, station: str) -> tuple[ScanAnswer, ...]:
    """A station's newest answers, for a page that was just opened; survives a restart."""
    shop = shop.at(station)
    memory = shop.station(station)
    if memory.recent:
        return tuple(memory.recent)

    def read(tx: Tx) -> tuple[ScanAnswer, ...]:
        return tuple(
            dressed_answer(
                shop,
                tx,
                blob(body),
                number=integer(number),
                at_ms=integer(at_ms),
                shown=shown_ms is not None,
            )
            for number, kind, body, at_ms, shown_ms in tx.all(
                "answers_last", station, RECENT_ANSWERS
            )
            if text(kind) == "ScanAnswer"
        )

    kept = await shop.writer.do(read, shop.moment())
    memory.recent.extend(kept)
    return kept
