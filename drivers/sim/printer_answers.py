"""The state of a virtual printer's mechanism, and its bits in each kind of answer (pure)."""

from dataclasses import dataclass

from drivers.sim.paper import NotUnderstood


@dataclass(slots=True)
class Mechanism:
    """Sensors."""

    paper_out: bool = False
    paper_low: bool = False
    cover_open: bool = False
    drawer_open: bool = False

    @property
    def can_print(self) -> bool:
        """On line."""
        return not (self.paper_out or self.cover_open)


def real_time(mechanism: Mechanism, n: int) -> bytes:
    """The answer to DLE EOT n, 1 to 4; bits 1 and 4 are always set."""
    bits = 0x12
    match n:
        case 1:
            bits |= 0x04 * mechanism.drawer_open | 0x08 * (not mechanism.can_print)
        case 2:
            bits |= 0x04 * mechanism.cover_open | 0x20 * mechanism.paper_out
        case 3:
            pass
        case _:
            low = mechanism.paper_low or mechanism.paper_out
            bits |= 0x0C * low | 0x60 * mechanism.paper_out
    return bytes((bits,))


def in_order(mechanism: Mechanism, n: int) -> bytes:
    """The answer to GS r n: 1 or 49 paper, 2 or 50 drawer; bits 4 and 7 are never set."""
    match n:
        case 1 | 49:
            return bytes((0x03 * mechanism.paper_low | 0x0C * mechanism.paper_out,))
        case 2 | 50:
            return bytes((0x01 * mechanism.drawer_open,))
        case _:
            raise NotUnderstood(f"GS r {n}")


def automatic(mechanism: Mechanism) -> bytes:
    """Four bytes of automatic status back."""
    state = 0x10 | 0x04 * mechanism.drawer_open | 0x08 * (not mechanism.can_print)
    state |= 0x20 * mechanism.cover_open
    paper = 0x03 * mechanism.paper_low | 0x0C * mechanism.paper_out
    return bytes((state, 0x00, paper, 0x0F))


def process_id(data: bytes) -> bytes:
    """The answer to GS ( H with what followed its letters: length, function, mode, four bytes."""
    ident = data[4:]
    if data[:4] != b"\x06\x00\x30\x30" or not all(0x20 <= byte <= 0x7E for byte in ident):
        raise NotUnderstood(f"GS ( H {data.hex(' ')}")
    return b"\x37\x22" + ident + b"\x00"
