"""The tour: what the product claims, step by step. Names are a contract, their order is not."""

from edge.lab.tour import (
    agreement,
    boxes,
    devices,
    faults,
    handing,
    locks,
    ownership,
    picking,
    provisional,
    recall,
    reconciling,
    rotating,
    setting_up,
    stock,
    times,
)
from edge.lab.tour.step import Step

STEPS: tuple[Step, ...] = (
    Step(name="enrolled", run=setting_up.enrolled, needs=()),
    Step(name="bootstrapped", run=setting_up.bootstrapped, needs=("enrolled",)),
    Step(name="redeemed", run=handing.redeemed),
    Step(name="refused_second", run=handing.refused_second, needs=("bootstrapped", "redeemed")),
    Step(name="redeemed_hid", run=handing.redeemed_hid),
    Step(name="handed_partial", run=handing.handed_partial),
    Step(name="printed", run=devices.printed),
    Step(name="short_pick_settled", run=picking.short_pick_settled),
    Step(name="paper_out_then_confirmed", run=devices.paper_out_then_confirmed),
    Step(name="locked_after_three", run=locks.locked_after_three),
    Step(
        name="released_by_supervisor",
        run=locks.released_by_supervisor,
        needs=("bootstrapped", "locked_after_three"),
    ),
    Step(name="undone_and_redeemed_again", run=handing.undone_and_redeemed_again),
    Step(
        name="v3_rotates_and_replay_refused",
        run=rotating.v3_rotates_and_replay_refused,
    ),
    Step(name="online_and_store_never_oversell", run=stock.online_and_store_never_oversell),
    Step(name="tier_closed_online", run=stock.tier_closed_online),
    Step(name="transferred_between_stores", run=ownership.transferred_between_stores),
    Step(name="partition_refused_elsewhere", run=ownership.partition_refused_elsewhere),
    Step(name="cancel_waits_for_release", run=ownership.cancel_waits_for_release),
    Step(name="provisional_settled", run=provisional.provisional_settled),
    Step(name="recalled_everywhere", run=recall.recalled_everywhere),
    Step(name="expired", run=times.expired),
    Step(name="offline_redeemed", run=faults.offline_redeemed),
    Step(name="node_killed_and_recovered", run=faults.node_killed_and_recovered),
    Step(name="reconciled_2000", run=reconciling.reconciled_2000),
    Step(name="restored_backup_fenced", run=boxes.restored_backup_fenced),
    Step(name="node_replaced", run=boxes.node_replaced),
    Step(name="synced", run=agreement.synced, needs=("bootstrapped", "redeemed")),
    Step(name="audit_verified", run=agreement.audit_verified, needs=("bootstrapped", "redeemed")),
)


class NoSuchStep(Exception):
    """There is no step of that name; the message lists those there are."""


def needed_for(name: str) -> tuple[Step, ...]:
    """The step `name` behind everything that it needs, in the tour's order.

    Raises:
        NoSuchStep: as it says.
    """
    known = {step.name: step for step in STEPS}
    if name not in known:
        raise NoSuchStep(f"no step {name!r}: there are {', '.join(known)}")
    wanted = {name}
    for step in reversed(STEPS):
        if step.name in wanted:
            wanted.update(step.needs)
    return tuple(step for step in STEPS if step.name in wanted)
