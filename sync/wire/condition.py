"""What a box says of itself beside each question: for people at HQ to read, nothing rests on it.

Header `StoreEdge-Condition: version=0.1.0;clock=synced;disk=12345678` (disk: free bytes where the
ledger lies). It is not part of the signature; a hub that does not know it does not look.
"""

import re
from dataclasses import dataclass

CONDITION_HEADER = "storeedge-condition"
_PATTERN = re.compile(
    r"version=([0-9A-Za-z.+-]{1,32});clock=(synced|holdover|unsure);disk=([0-9]{1,16})"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A box's release, how sure its time is, and free bytes on its disk."""

    version: str
    clock: str
    disk_free_bytes: int


def condition_text(condition: Condition) -> str:
    """The header's value."""
    return f"version={condition.version};clock={condition.clock};disk={condition.disk_free_bytes}"


def read_condition(text: str) -> Condition | None:
    """What a header says; None for anything else."""
    found = _PATTERN.fullmatch(text)
    if found is None:
        return None
    return Condition(version=found[1], clock=found[2], disk_free_bytes=int(found[3]))
