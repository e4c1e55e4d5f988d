"""What others keep of this box, so that an old copy of it is found out (attacks 5c).

A witness is one line of text that the node makes and anybody keeps: the counter's screen, a stick
in a USB port. It says how far the audit chain had gone under which incarnation, with a code that
only the node's own key makes, so a copy of the ledger knows it for its own and nobody can invent
one.

    W1.NODE.INCARNATION(16 hex).AUDIT SEQ.HEAD(64 hex).MAC(32 hex)
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Literal

_SHAPE = re.compile(
    r"W1\.([0-9A-Z]{16})\.([0-9a-f]{16})\.(\d{1,18})\.([0-9a-f]{64})\.([0-9a-f]{32})", re.ASCII
)
MAX_CHARS = 160

Judgement = Literal["known", "ahead", "fork", "foreign"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """The audit head (32 bytes) of `node` at row `seq`, under an incarnation (8 bytes)."""

    node: str
    incarnation: bytes
    seq: int
    head: bytes


def witness_key(private_key: bytes) -> bytes:
    """The key of this box's witnesses: a copy of the ledger has it too, and must."""
    return hmac.digest(private_key, b"storeedge/derived/1\0witness", hashlib.sha256)


def text_of(witness: Witness, key: bytes) -> str:
    """The line to keep."""
    body = f"W1.{witness.node}.{witness.incarnation.hex()}.{witness.seq}.{witness.head.hex()}"
    return f"{body}.{_mac(body, key)}"


def parse(text: str, key: bytes) -> Witness | None:
    """What this box once said; None for anything that it did not make."""
    found = _SHAPE.fullmatch(text)
    if found is None:
        return None
    body = text.rpartition(".")[0]
    if not hmac.compare_digest(found[5], _mac(body, key)):
        return None
    return Witness(
        node=found[1],
        incarnation=bytes.fromhex(found[2]),
        seq=int(found[3]),
        head=bytes.fromhex(found[4]),
    )


def judge(
    witness: Witness | None,
    *,
    incarnation: bytes,
    before: frozenset[bytes],
    audit_seq: int,
    head_there: bytes | None,
) -> Judgement:
    """What a witness says of a ledger.

    incarnation and audit_seq: of the ledger now. before: incarnations it had. head_there: its own
    hash at the witness's row, None when it has no such row.
    """
    if witness is None:
        return "foreign"
    if witness.incarnation in before:
        return "known"  # it began again since: that it fell behind is known and fenced for
    if witness.incarnation != incarnation or witness.seq > audit_seq:
        return "ahead"
    return "known" if head_there == witness.head else "fork"


def _mac(body: str, key: bytes) -> str:
    return hmac.digest(key, body.encode(), hashlib.sha256)[:16].hex()
