"""What may happen in a day, and how often beside the others; some of it only in some days."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import counter
import fate
import people
import shelf
from world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that may happen. part: of which days (`world.PARTS`); empty: of each."""

    weight: int
    do: Callable[[World], Awaitable[None]]
    part: str = ""


ACTS: tuple[Act, ...] = (
    Act(weight=3, do=people.customer_orders),
    Act(weight=4, do=people.headquarters_acts),
    Act(weight=4, do=counter.customer_shows_a_code),
    Act(weight=4, do=counter.customer_collects),
    Act(weight=2, do=counter.cashier_takes_back),
    Act(weight=3, do=fate.line_changes),
    Act(weight=7, do=fate.box_talks),
    Act(weight=3, do=fate.time_passes),
    Act(weight=1, do=fate.process_or_power_ends),
    Act(weight=5, do=shelf.shelf_changes, part="stock"),
    Act(weight=2, do=people.headquarters_grants_a_budget, part="risk"),
    Act(weight=3, do=counter.cashier_risks, part="risk"),
    Act(weight=2, do=people.headquarters_recalls, part="recall"),
    Act(weight=1, do=fate.box_is_backed_up, part="boxes"),
    Act(weight=2, do=fate.backup_is_restored, part="boxes"),
    Act(weight=1, do=fate.box_is_replaced, part="boxes"),
    Act(weight=1, do=fate.old_box_is_plugged_in, part="boxes"),
    Act(weight=4, do=fate.person_at_hq_attests, part="boxes"),
    Act(weight=6, do=counter.supervisor_looks_at_the_shelf, part="boxes"),
    Act(weight=2, do=fate.undeclared_copy_starts, part="copy"),
    Act(weight=1, do=fate.hub_is_backed_up, part="hub"),
    Act(weight=1, do=fate.hub_is_restored, part="hub"),
)


def of(world: World) -> tuple[Act, ...]:
    """What may happen in this world."""
    return tuple(act for act in ACTS if not act.part or act.part in world.parts)
