"""What lines, power, clocks, disks and machines do, and what people then do about them."""

import shutil

from counter import a_box, customer_collects, show
from store_box import StoreBox
from world import STORES, World

from edge.store import backup, restore
from sync.hub import backup as hub_backup
from sync.hub import enrolment, recalls, stock_api
from sync.hub.problems import Problem
from sync.wire.enrol import node_name

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
WRONG_CLOCKS_MS = (0, 4_070_908_800_000)  # 1970 and 2099
PHRASE = "ABCDE-FGHJK-MNPQR-STVWX-YZ234"


async def line_changes(world: World) -> None:
    """A partition, its end, or a line that loses, repeats and reorders."""
    box = world.boxes[world.dice.choice(STORES)]
    line = world.dice.choice(("cut", "good", "good", "bad"))
    weather = box.weather
    weather.cut = line == "cut"
    chance = world.dice.choice((0.2, 0.5)) if line == "bad" else 0.0
    weather.lose_question = weather.lose_answer = weather.repeat = weather.late = chance
    world.saw(f"line_{line}")
    world.tell(f"{box.number} line {line}")


async def box_talks(world: World) -> None:
    """A box pushes or pulls."""
    box = a_box(world)
    if box is None:
        return
    way = world.dice.choice(("push", "pull", "both", "both"))
    if way != "pull":
        await box.push()
    if way != "push":
        await box.pull()
        await box.house()
    world.tell(f"{box.number} {way}")


async def time_passes(world: World) -> None:
    """For everybody; some boxes then do their housework."""
    by_ms = world.dice.choice((1_000, 5 * MINUTE_MS, 11 * MINUTE_MS, HOUR_MS, 3 * HOUR_MS))
    world.advance(by_ms)
    if "stock" in world.parts:
        stock_api.tick(world.headquarters.hub)
    for box in world.boxes.values():
        if box.running and world.dice.random() < 0.5:
            await box.house()
    world.tell(f"{by_ms // 1000} s pass")


async def process_or_power_ends(world: World) -> None:
    """A box is killed, or loses its power and wakes up with any date; without RTC that is 1970."""
    box = a_box(world)
    if box is None:
        return
    await box.stop()
    off_ms = world.dice.choice((0, 0, 1_000, 2 * HOUR_MS))
    wall_ms = world.dice.choice((*WRONG_CLOCKS_MS, world.now_ms, world.now_ms - HOUR_MS))
    if off_ms:
        world.advance(off_ms)
        box.clock.reboot(wall_ms=wall_ms)
        world.saw("rebooted")
    else:
        box.clock.jump_wall(wall_ms)
    await box.open()
    world.saw("restarted")
    world.tell(f"{box.number} down {off_ms // 1000} s, wall clock {wall_ms}")


# -- a box that is not what it was -------------------------------------------------------------


async def box_is_backed_up(world: World) -> None:
    """`storeedge backup`, while it works."""
    box = a_box(world)
    if box is None:
        return
    file = world.folder / f"s{box.number}.backup"
    backup.take(box.data, file, PHRASE, now_ms=world.now_ms, on_progress=_quiet)
    world.saved[box.number] = file
    world.saw("backed_up")
    world.tell(f"{box.number} is backed up")


async def backup_is_restored(world: World) -> None:
    """`storeedge restore --replace`: what happened since is forgotten here, and it says so."""
    found = [number for number in world.saved if world.boxes[number].running]
    if not found:
        return
    box = world.boxes[world.dice.choice(found)]
    life = world.incarnation(box)
    await box.stop()
    try:
        restore.restore(
            box.data,
            world.saved.pop(box.number),
            PHRASE,
            replace=True,
            machine=box.machine(),
            now_ms=world.now_ms,
            on_progress=_quiet,
        )
    finally:
        await box.open()
    _life_ended(world, box.number, life)
    world.saw("restored")
    world.tell(f"{box.number} is restored from its backup")


async def person_at_hq_attests(world: World) -> None:
    """A named person says that the box that asks is the one that goes on."""
    box = world.boxes[world.dice.choice(STORES)]
    if box.running:
        await person_at_hq_attests_box(world, box)


async def person_at_hq_attests_box(world: World, box: StoreBox) -> None:
    """This one, if it waits to be attested."""
    identity = box.node.shop.identity
    if identity.is_certified and not identity.fenced:
        return
    name = node_name(identity.signer().public)
    try:
        enrolment.confirm(world.headquarters.hub, name, replace=True, by="Li Ping")
    except Problem as problem:
        world.tell(f"{box.number} not attested: {problem.code}")
        return
    assert identity.enrolled is not None
    _life_ended(world, box.number, identity.enrolled.certificate.incarnation.hex())
    world.hub_copy = None  # it would not know of this life
    world.saw("attested")
    world.tell(f"{box.number} is attested")


async def box_is_replaced(world: World) -> None:
    """The old box is unplugged and an empty one enrolled; some day somebody plugs the old in."""
    if len(world.gone) >= 1:
        return
    number = world.dice.choice(STORES)
    old = world.boxes[number]
    if not old.running:
        return
    life = world.incarnation(old)
    await old.stop()
    fresh = world.another_box(number, f"new{len(world.gone)}")
    fresh.data.mkdir()
    fresh.enrol(replace=True)
    world.gone.append(old)
    world.boxes[number] = fresh
    world.saved.pop(number, None)
    world.witness.pop(number, None)
    await fresh.open()
    _life_ended(world, number, life)
    world.hub_copy = None
    world.saw("replaced")
    world.tell(f"{number} has another box")


async def old_box_is_plugged_in(world: World) -> None:
    """It is on the line, hears that its place was taken, and gives nothing more."""
    if not world.gone or world.gone[0].running:
        return
    old = world.gone[0]
    old.mend()
    await old.open()
    await old.push()
    if not old.node.shop.identity.fenced:
        world.tell(f"{old.number}: the old box heard nothing")
        await old.stop()
        return
    await _customers_try(world, old)
    await old.stop()
    world.saw("old_box_refused")
    world.tell(f"{old.number}: the old box is fenced")


async def _customers_try(world: World, box: StoreBox) -> None:
    """Every order's codes at a box that is fenced: `hear` breaks if it gives."""
    for order in world.orders:
        for text in order.texts[-3:-1]:
            await show(world, box, order, text, station="till1")


async def undeclared_copy_starts(world: World) -> None:
    """A card was cloned: a second box gives beside the first until it meets a witness.

    What it gives before is nobody's promise and counted apart; it is taken away afterwards.
    """
    number = world.dice.choice(STORES)
    original = world.boxes[number]
    if not original.running or "copied" in world.seen or world.incarnation(original) in world.dead:
        return
    identity = original.node.shop.identity
    if identity.fenced or not identity.is_certified:
        return
    await original.stop()
    copy = world.another_box(number, "copy")
    shutil.copytree(original.data, copy.data)
    await original.open()
    await customer_collects(world)
    await original.push()
    if original.node.shop.identity.fenced:
        return
    text = await original.node.stand.renew()
    copy.weather.cut = True
    await copy.open()
    world.saw("copied")
    world.tell(f"{number}: a copy starts")
    if world.dice.random() < 0.5:
        await _customers_try(world, copy)
    by_screen = world.dice.random() < 0.5
    if by_screen:
        judged: str = await copy.node.stand.hear(text, source="till1")
    else:
        copy.mend()
        await copy.push()
        judged = "hq"
    fenced = copy.node.shop.identity.fenced
    world.tell(f"{number}: the copy met {judged}: {'fenced' if fenced else 'the same as before'}")
    if fenced:
        world.saw("copy_caught")
        await _customers_try(world, copy)
    await copy.stop()
    world.uncertain.add(number)


# -- the hub ----------------------------------------------------------------------------------


async def hub_is_backed_up(world: World) -> None:
    """A copy of its database, while it works."""
    file = world.folder / "hub-copy.db"
    file.unlink(missing_ok=True)
    hub_backup.make(world.headquarters.hub, str(file))
    world.hub_copy = file
    world.tell("the hub is backed up")


async def hub_is_restored(world: World) -> None:
    """From the last copy: it stands behind its boxes and learns again."""
    if world.hub_copy is None:
        return
    database = world.headquarters.hub.database
    database.close()
    for end in ("", "-wal", "-shm"):
        (world.folder / f"hub.db{end}").unlink(missing_ok=True)
    shutil.copy(world.hub_copy, world.folder / "hub.db")
    world.truth.refunded.clear()  # what was paid since the copy is in the bank's books alone
    still = recalls.listed(world.headquarters.hub, only_open=True)
    world.recall = (str(still[0]["recall_id"]), "CUP") if still else None
    world.uncertain |= set(STORES)
    world.saw("hub_restored")
    world.tell("the hub is restored from its copy")


def _life_ended(world: World, number: int, life: str) -> None:
    world.dead.add(life)
    world.uncertain.add(number)
    for key in [key for key in world.truth.locks if key[0] == number]:
        del world.truth.locks[key]


def _quiet(_what: str, _done: int, _of: int) -> None:
    return
