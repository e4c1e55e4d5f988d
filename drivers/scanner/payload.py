"""What every scanner's reading goes through, whichever wire it came by.

Outcomes of a codec are `Scan` and `Spoiled`. A reading that may have lost a byte is dropped whole:
a shortened code is another valid-looking code, and the person can simply scan again.
"""

import re

from drivers.ports.scanner import Fault, Reading, Scan, Spoiled

MAX_DATA_BYTES = 4096
GS = b"\x1d"

_AIM = re.compile(rb"\][A-Za-z][0-9A-Za-z]")
_EDGES = b"\r\n\x03"


def unwrap(raw: bytes, *, gs: bytes, boot_ms: int) -> Reading | None:
    """Take CR, LF, ETX off both ends, one STX and the AIM prefix off the front; None when empty.

    gs: what this scanner sends in place of 0x1D ("^]", "|", …); empty when it sends 0x1D itself.
    AIM prefix: `]`, a letter, a modifier (ISO/IEC 15424).
    """
    data = raw.strip(_EDGES).removeprefix(b"\x02").strip(_EDGES)
    aim: str | None = None
    if match := _AIM.match(data):
        aim = match.group().decode("ascii")
        data = data[match.end() :]
    if gs:
        data = data.replace(gs, GS)
    if not data:
        return None
    if len(data) > MAX_DATA_BYTES:
        return Spoiled(fault=Fault.OVERLONG, size=len(data))
    return Scan(data=data, aim=aim, boot_ms=boot_ms)
