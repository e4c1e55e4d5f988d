"""Our own papers under a scanner: bag labels, pick slips, documents. None of them is a pickup code.

`BAG:⟨order⟩/⟨bag⟩/⟨of⟩`, `PICK:⟨order⟩`, `DOC:⟨document⟩`: ASCII, so that Code 128 holds them.
"""

import re
from dataclasses import dataclass
from typing import Literal

_PAPER = re.compile(
    r"(?P<kind>BAG|PICK|DOC):(?P<number>[0-9A-Z-]{4,32})(?:/(?P<bag>[0-9]{1,2})/(?P<of>[0-9]{1,2}))?",
    re.IGNORECASE | re.ASCII,
)
_MAX_CHARS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A paper of ours and its number; bag, of: of a bag label, from 1."""

    kind: Literal["bag", "pick", "document"]
    number: str
    bag: int = 0
    of: int = 0


def read_paper(text: str) -> Paper | None:
    """What paper a scan is of, or None for anything else.

    >>> read_paper("BAG:SE0001/1/2")
    Paper(kind='bag', number='SE0001', bag=1, of=2)
    >>> read_paper("PICK:SE0001").kind
    'pick'
    """
    found = _PAPER.fullmatch(text.strip()) if len(text) <= _MAX_CHARS else None
    if found is None:
        return None
    head, number = found["kind"].upper(), found["number"]
    if head == "BAG":
        bag, of = int(found["bag"] or 0), int(found["of"] or 0)
        return Paper(kind="bag", number=number, bag=bag, of=of) if 1 <= bag <= of else None
    if found["bag"] is not None:
        return None
    return Paper(kind="pick" if head == "PICK" else "document", number=number)


def bag_text(order_no: str, bag: int, of: int) -> str:
    """What stands in the code of a bag label."""
    return f"BAG:{order_no}/{bag}/{of}"


def pick_text(order_no: str) -> str:
    """What stands in the code of a pick slip."""
    return f"PICK:{order_no}"


def document_text(document: str) -> str:
    """What stands in the code of a document."""
    return f"DOC:{document}"
