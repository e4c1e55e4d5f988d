"""The shop's settings as the flow needs them; `edge.main` fills them from the configuration."""

from dataclasses import dataclass, field
from typing import Literal

from edge.domain.facts import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Times in ms or s as named; amounts in minor units."""

    policy: Policy = field(default_factory=Policy)
    debounce_ms: int = 2_000
    claim_ms: int = 600_000
    undo_ms: int = 30_000
    operator: Literal["optional", "required"] = "optional"
    second_person: Literal["on_site", "remote", "lone_capped"] = "on_site"
    lone_each_minor: int = 10_000
    lone_shift_minor: int = 30_000
    proxy_approval_minor: int = 20_000
    idle_lock_ms: int = 900_000
    lock_ms: int = 900_000
    lock_tight_ms: int = 300_000
    slip_pickup: Literal["always", "ask", "never"] = "always"
    drawer: bool = False
    buzzer: bool = False
    store_name: str = ""
    store_address: str = ""
    store_phone: str = ""
    time_zone: str = "Asia/Shanghai"
    reconcile_at_min: int = 20 * 60
