"""A rotating code as HQ told it, and what a phone would show of it."""

from typing import Any

from sync.rules import crockford
from sync.wire.rotating import rotating_text
from sync.wire.token import CODE_ID_BYTES


def code_id_of(told: dict[str, Any]) -> bytes:
    """The ten bytes behind its symbols."""
    return crockford.decode(told["code"][:-1]).to_bytes(CODE_ID_BYTES, "big")


def shown(told: dict[str, Any], unix_s: int) -> str:
    """The text on the phone in this second."""
    return rotating_text(code_id_of(told), bytes.fromhex(told["secret"]), unix_s)
