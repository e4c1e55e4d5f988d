"""Two boxes and the hub over a line that loses, repeats and reorders: what matters is exact."""

import asyncio
import json
import random
from pathlib import Path

import pytest
from running_hub import Headquarters
from toy_node import Box, FileReplica, ListOutbox, Ordered, enrol_box, handed, order, undone

from sync.engine.pull import PullEngine
from sync.engine.push import PushEngine
from sync.engine.state import Presence
from sync.hub import cases, enrolment, orders
from sync.link.memory import MemoryLink, Weather
from sync.link.rounds import Puller, Pusher


class StepClock:
    """Time that moves when somebody waits."""

    def __init__(self) -> None:
        self.now_ms = 0

    def boot_ms(self) -> int:
        return self.now_ms

    async def until(self, boot_deadline_ms: int) -> None:
        self.now_ms = max(self.now_ms, boot_deadline_ms)
        await asyncio.sleep(0)


class Node:
    def __init__(
        self, headquarters: Headquarters, box: Box, folder: Path, weather: Weather, seed: int
    ) -> None:
        self.box = box
        self.clock = StepClock()
        self.presence = Presence(now_boot_ms=0)
        self.outbox = ListOutbox()
        self.replica = FileReplica(folder)
        dice = random.Random(seed)  # noqa: S311 - a seed decides
        link = MemoryLink(
            headquarters.desk,
            signer=box.signer,
            peer=box.peer,
            clock=self.clock,
            weather=weather,
            random_=dice,
        )
        self.pusher = Pusher(
            PushEngine(box.peer, dice, self.presence),
            link=link,
            outbox=self.outbox,
            replica=self.replica,
            clock=self.clock,
            changed=lambda: None,
        )
        self.puller = Puller(
            PullEngine(box.peer, dice, self.presence),
            link=link,
            replica=self.replica,
            clock=self.clock,
            folder=folder / "parts",
            changed=lambda: None,
        )

    async def begin(self) -> None:
        await self.clock.until((await self.pusher.begin()).until_boot_ms)
        await self.clock.until((await self.puller.begin()).until_boot_ms)

    async def step(self) -> None:
        await self.clock.until((await self.pusher.woken()).until_boot_ms)
        await self.clock.until((await self.puller.woken()).until_boot_ms)


def unit_counts(headquarters: Headquarters, ordered: Ordered) -> tuple[int, int, int]:
    shown = json.loads(json.dumps(orders.show(headquarters.hub, ordered.order_no)))
    units = [each for line in shown["lines"] for each in line["units"]]
    handed_total, undone_total, conflicts = (
        sum(each[name] for each in units) for name in ("handed_total", "undone_total", "conflicts")
    )
    return handed_total, undone_total, conflicts


@pytest.mark.parametrize("seed", range(6))
async def test_bad_weather_changes_nothing_that_matters(
    headquarters: Headquarters, box: Box, tmp_path: Path, seed: int
) -> None:
    weather = Weather(lose_question=0.3, lose_answer=0.3, repeat=0.3, late=0.5)
    node = Node(headquarters, box, tmp_path, weather, seed)
    await node.begin()
    placed: list[Ordered] = []
    for number in range(1, 9):
        ordered = order(headquarters)
        placed.append(ordered)
        node.outbox.events.append(box.event(handed(ordered, (1, 1), handover=2 * number)))
        if number % 2:
            node.outbox.events.append(box.event(undone(ordered, (1, 1), handover=2 * number)))
        weather.cut = number in (3, 4)
        for _ in range(3):
            await node.step()
    calm = Weather()
    weather.cut = False
    weather.lose_question = weather.lose_answer = weather.repeat = weather.late = calm.late
    for _ in range(12):
        await node.step()
    assert node.presence.state.online
    assert node.outbox.acked == len(node.outbox.events) == 12
    outcomes = {row.outcome for answer in node.outbox.answers for row in answer.rows}
    assert outcomes <= {"accepted", "known"}
    for number, ordered in enumerate(placed, start=1):
        assert unit_counts(headquarters, ordered) == (1, number % 2, 0)
    assert cases.list_cases(headquarters.hub) == []
    heads = headquarters.desk.heads()
    assert node.puller.engine.heads == {scope: heads[scope] for scope in box.peer.scopes}
    node.replica.close()


async def test_a_replaced_box_stays_offline_and_keeps_its_events(
    headquarters: Headquarters, box: Box, tmp_path: Path
) -> None:
    node = Node(headquarters, box, tmp_path, Weather(), 1)
    await node.begin()
    ordered = order(headquarters)
    enrol_box(headquarters, replace=True)
    node.outbox.events.append(box.event(handed(ordered, (1, 1))))
    for _ in range(5):
        await node.step()
    assert node.outbox.acked == 0
    assert (node.presence.state.online, node.presence.state.push_error) == (False, "E-LNK-04")
    fleet = json.loads(json.dumps(enrolment.fleet(headquarters.hub)))["nodes"]
    assert [each["state"] for each in fleet] == ["superseded", "enrolled"]
    node.replica.close()
