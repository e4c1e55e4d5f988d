"""Orders with a rotating code, and the phones that show it."""

import hashlib
from dataclasses import dataclass

import msgspec
from made_shop import HOUR_MS, K_STORE, MadeShop, code_id, order_row

from sync.wire.catalog import CatalogRow, CodeRow, LineRow, OrderRow, RotatingKeyRow
from sync.wire.credential import rotating_lookup
from sync.wire.rotating import STEP_S, rotating_text, seal_secret

STEP_MS = STEP_S * 1000
SEEN_MS = 3_000
"""Longer than the debounce: the next scan of the same text is a new question."""


@dataclass(slots=True)
class Phone:
    """The phone of order `number`'s customer; its clock is `ahead_ms` ahead."""

    made: MadeShop
    number: int
    ahead_ms: int = 0

    @property
    def secret(self) -> bytes:
        return hashlib.sha256(b"rotating-%d" % self.number).digest()[:20]

    @property
    def lookup(self) -> bytes:
        return rotating_lookup(K_STORE, self.code_id)

    @property
    def code_id(self) -> bytes:
        return code_id(10_000 + self.number)

    def shows(self, *, ago_ms: int = 0) -> str:
        """What it shows now, or showed a while ago."""
        now_ms = self.made.shop.clock.wall_ms() + self.ahead_ms - ago_ms
        return rotating_text(self.code_id, self.secret, now_ms // 1000)

    def forged(self) -> str:
        """Its code with other digits."""
        shown = self.shows()
        return shown[:-1] + str((int(shown[-1]) + 1) % 10)

    def key_row(self, *, hours: int = 48, from_ms: int | None = None) -> RotatingKeyRow:
        """Its key as HQ pushes it."""
        now_ms = self.made.shop.clock.wall_ms() if from_ms is None else from_ms
        until_ms = now_ms + hours * HOUR_MS
        return RotatingKeyRow(
            lookup=self.lookup,
            order_id=self.order_row().order_id,
            sealed=seal_secret(
                K_STORE, self.secret, lookup=self.lookup, from_ms=now_ms, until_ms=until_ms
            ),
            from_ms=now_ms,
            until_ms=until_ms,
        )

    def order_row(self, *, quantity: int = 1, hours: int = 48, min_grade: int = 1) -> OrderRow:
        """Its order, with a V1 beside the rotating code."""
        not_after_ms = self.made.shop.clock.wall_ms() + hours * HOUR_MS
        plain = order_row(
            10_000 + self.number,
            holder=self.made.shop.identity.incarnation,
            not_after_ms=not_after_ms,
        )
        turning = CodeRow(
            lookup=self.lookup, kind="v3", grade=3, epoch=1, not_after_ms=not_after_ms
        )
        return msgspec.structs.replace(
            plain,
            codes=(turning,),
            lines=(LineRow(line=1, sku="MILK1", quantity=quantity),),
            bags=quantity,
            min_grade=min_grade,
        )

    def rows(
        self, *, quantity: int = 1, hours: int = 48, min_grade: int = 1
    ) -> tuple[CatalogRow, ...]:
        """What HQ sends of it: order and key."""
        order = self.order_row(quantity=quantity, hours=hours, min_grade=min_grade)
        return order, self.key_row(hours=hours)


async def customer(
    made: MadeShop, number: int, *, ahead_ms: int = 0, quantity: int = 1, min_grade: int = 1
) -> Phone:
    """A customer whose order and key have arrived here."""
    phone = Phone(made, number, ahead_ms)
    await made.feed(*phone.rows(quantity=quantity, min_grade=min_grade))
    return phone
