"""What can go wrong between a node and its hub, drawn once.

WireError               a message is not what the protocol says
├── LocalWireError      our own: a bug here, or a row too large to be sent
└── RemoteWireError     theirs: bad signature, broken chain, unknown layout; nothing was applied
    └── HubAhead        the hub holds events of this box that this ledger never wrote
LinkError               a message did not get through
├── Offline             no connection, time-out, cut half-way; try again for ever
├── HubBusy             the hub asks us to wait (`retry_after_ms`)
└── HubRefused          the hub will not serve this node (not enrolled, wrong version)
    ├── HubBehind       the hub lost events of ours that it had (`expected_seq` is the first)
    └── Superseded      another box took its place; carries the hub's evidence
"""

from typing import ClassVar


class WireError(Exception):
    """A message that is not what the protocol says."""

    code: ClassVar[str] = "E-WIR-00"
    transient: ClassVar[bool] = False
    hint: ClassVar[str] = "Report this to support with the time of day."


class LocalWireError(WireError):
    """We made something that cannot be sent."""

    code = "E-WIR-01"


class RemoteWireError(WireError):
    """They sent something that cannot be trusted or understood; it was not applied."""

    code = "E-WIR-02"
    hint = "The line to HQ may be tampered with, or versions differ. Selling goes on."


class HubAhead(RemoteWireError):
    """The hub holds more of this box than it ever wrote: a copy of it is, or was, at work."""

    code = "E-WIR-03"
    hint = "This ledger is older than what HQ has: it asks a person for each order. Call HQ."


class LinkError(Exception):
    """A message did not get through."""

    code: ClassVar[str] = "E-LNK-00"
    transient: ClassVar[bool] = True
    hint: ClassVar[str] = "Nothing to do: the box tries again by itself."


class Offline(LinkError):
    """HQ cannot be reached."""

    code = "E-LNK-01"


class HubBusy(LinkError):
    """HQ asks us to come back later."""

    code = "E-LNK-02"

    def __init__(self, message: str, *, retry_after_ms: int) -> None:
        super().__init__(message)
        self.retry_after_ms = retry_after_ms


class HubRefused(LinkError):
    """HQ does not serve this node any more."""

    code = "E-LNK-03"
    transient = False
    hint = "Call HQ: this box must be enrolled again, or was replaced."


class HubBehind(HubRefused):
    """The hub holds less of us than it had acknowledged: it was restored. We send it again."""

    code = "E-LNK-05"
    transient = True
    hint = "HQ was restored from a copy; this box sends again what HQ lost. Nothing to do."

    def __init__(self, message: str, *, expected_seq: int) -> None:
        super().__init__(message)
        self.expected_seq = expected_seq


class Superseded(HubRefused):
    """Another box, or a restored one, took this one's place; `takeover` is the hub's evidence.

    takeover, signature: as in `messages.SignedTakeOver`; empty when the hub gave none.
    """

    code = "E-LNK-04"
    hint = "This box was replaced. Unplug it; what it still holds, HQ takes in by hand."

    def __init__(self, message: str, *, takeover: bytes, signature: bytes) -> None:
        super().__init__(message)
        self.takeover = takeover
        self.signature = signature
