"""What there is to practise with: a small catalog that exists in training only, and its sheet.

Codes come from a key of this box, so a printed sheet stays good, and a practice code that is
scanned at a real counter can be named as one. Nothing here is a secret: it opens no real order.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Literal

from argon2 import PasswordHasher

from drivers.ports.document import Document
from edge.domain.practice_slip import PracticeItem, PracticePerson, practice_sheet
from sync.rules import crockford
from sync.wire.catalog import (
    CatalogRow,
    CodeRow,
    LineRow,
    OrderRow,
    ProductRow,
    Role,
    StaffRow,
    StoreRow,
)
from sync.wire.codec import to_json
from sync.wire.credential import code_lookup, phone_tail_lookup, pin_verifier, serial_lookup
from sync.wire.sealing import seal
from sync.wire.token import CODE_ID_BYTES, ORDER_ID_BYTES, v1_text

_COURIER_PIN = "731952"
_PHONE_TAIL = "0000"
# Argon2 as weak as it goes: the PIN stands on the sheet, and a small box has other work at opening.
_hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Person:
    staff_id: str
    name: str
    role: Role
    role_zh: str
    pin: str


_PEOPLE = (
    _Person(staff_id="practice-1", name="练习店员", role="cashier", role_zh="店员", pin="3905"),
    _Person(
        staff_id="practice-2", name="练习店长", role="supervisor", role_zh="店长", pin="718293"
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lesson:
    """An order to practise with. hours: until when, counted from the room's opening."""

    title_zh: str
    title_en: str
    lines: tuple[LineRow, ...]
    kind: Literal["v1", "serial"] = "v1"
    bags: int = 1
    place: str = "A1"
    lane: Literal["normal", "priority"] = "normal"
    ready: bool = True
    hours: int = 72


_WATER = (LineRow(line=1, sku="P-WATER", quantity=1),)
_LESSONS = (
    _Lesson(
        title_zh="普通一袋:扫码即交付,再扫一次看提示;30 秒内可撤销",
        title_en="One bag: handed over at once; scan it again; undo within 30 s",
        lines=_WATER,
    ),
    _Lesson(
        title_zh="几样货品:核对后点“已交付”;也可少交一件",
        title_en="Several lines: tick, then Handed over; or leave one for later",
        lines=(
            LineRow(line=1, sku="P-MILK", quantity=2),
            LineRow(line=2, sku="P-ICE", quantity=1),
            LineRow(line=3, sku="P-BAG", quantity=1, bundle_of=2),
        ),
        bags=2,
        place="B2 冷藏",
    ),
    _Lesson(
        title_zh="已过期:不能交付",
        title_en="Expired: not handed over",
        lines=_WATER,
        hours=-24,
    ),
    _Lesson(
        title_zh="骑手取件号和密码;输错三次会锁定,由店长解除",
        title_en="Courier serial and PIN; three wrong tries lock it, the supervisor releases",
        lines=_WATER,
        kind="serial",
        place="C3",
    ),
    _Lesson(
        title_zh="还没拣好:请顾客稍候",
        title_en="Not picked yet: ask the customer to wait",
        lines=(LineRow(line=1, sku="P-MILK", quantity=1),),
        ready=False,
    ),
    _Lesson(
        title_zh="优先通道;也可不扫码,按订单后四位查找",
        title_en="Priority lane; or find it by the order's last four",
        lines=(LineRow(line=1, sku="P-MILK", quantity=1),),
        lane="priority",
        place="A2",
    ),
)


def _order_no(number: int) -> str:
    return f"LX-{number + 1:04}"


@dataclass(frozen=True, slots=True)
class PracticeKit:
    """The practice catalog of one box. key: of this box, any 32 bytes that last."""

    key: bytes

    def _bytes(self, purpose: str, length: int) -> bytes:
        framed = b"storeedge/practice/1\0" + purpose.encode()
        return hmac.digest(self.key, framed, hashlib.sha256)[:length]

    @property
    def k_store(self) -> bytes:
        """What stands for the store's key in training."""
        return self._bytes("store", 32)

    @property
    def k_personal(self) -> bytes:
        """What stands for the key of names in training."""
        return self._bytes("personal", 32)

    def _code_id(self, number: int) -> bytes:
        value = int.from_bytes(self._bytes(f"code/{number}", CODE_ID_BYTES), "big")
        return (value >> 5).to_bytes(CODE_ID_BYTES, "big")

    def _serial(self, number: int) -> str:
        value = int.from_bytes(self._bytes(f"serial/{number}", 5), "big")
        symbols = crockford.encode(value, 8)
        # A letter in front: eight digits might be an article.
        return "X" + symbols[1:]

    def codes(self) -> frozenset[bytes]:
        """Code ids and serials of the sheet, to know one at a real counter."""
        return frozenset(
            self._serial(number).encode() if lesson.kind == "serial" else self._code_id(number)
            for number, lesson in enumerate(_LESSONS)
        )

    def items(self) -> tuple[PracticeItem, ...]:
        """What stands on the sheet, in its order."""
        made: list[PracticeItem] = []
        for number, lesson in enumerate(_LESSONS):
            serial = lesson.kind == "serial"
            code = self._serial(number) if serial else v1_text(self._code_id(number))
            made.append(
                PracticeItem(
                    title_zh=lesson.title_zh,
                    title_en=lesson.title_en,
                    order_no=_order_no(number),
                    code=code,
                    typed="-".join(code[start : start + 4] for start in range(0, len(code), 4)),
                    pin=_COURIER_PIN if serial else None,
                )
            )
        return tuple(made)

    def people(self) -> tuple[PracticePerson, ...]:
        """Who exists in training, with their PINs."""
        return tuple(
            PracticePerson(name=one.name, role_zh=one.role_zh, role_en=one.role, pin=one.pin)
            for one in _PEOPLE
        )

    def sheet(self, *, store_name: str, at_text: str) -> Document:
        """The practice sheet."""
        return practice_sheet(self.items(), self.people(), store_name=store_name, at_text=at_text)

    def rows(self, *, store: int, holder: bytes, opened_ms: int) -> tuple[CatalogRow, ...]:
        """The practice catalog of a room that opens at `opened_ms` for a shop of this number."""
        return (
            StoreRow(number=store, code="练习", name_zh="练习", name_en="Training"),
            ProductRow(sku="P-WATER", gtin=None, name_zh="练习水", name_en="Practice water"),
            ProductRow(
                sku="P-MILK",
                gtin=None,
                name_zh="练习牛奶",
                name_en="Practice milk",
                storage="chilled",
            ),
            ProductRow(
                sku="P-ICE",
                gtin=None,
                name_zh="练习雪糕",
                name_en="Practice ice cream",
                storage="frozen",
            ),
            ProductRow(sku="P-BAG", gtin=None, name_zh="练习保温袋", name_en="Practice cool bag"),
            *(
                StaffRow(
                    staff_id=one.staff_id,
                    name=one.name,
                    role=one.role,
                    badge=None,
                    pin_hash=_hasher.hash(one.pin),
                )
                for one in _PEOPLE
            ),
            *(
                self._order(number, lesson, store=store, holder=holder, opened_ms=opened_ms)
                for number, lesson in enumerate(_LESSONS)
            ),
        )

    def _order(
        self, number: int, lesson: _Lesson, *, store: int, holder: bytes, opened_ms: int
    ) -> OrderRow:
        order_id = self._bytes(f"order/{number}", ORDER_ID_BYTES)
        not_after_ms = opened_ms + lesson.hours * 3_600_000
        someone = to_json({"name": "练习顾客", "phone": f"0000000{_PHONE_TAIL}"})
        return OrderRow(
            order_id=order_id,
            order_no=_order_no(number),
            home_store=store,
            holder=holder,
            epoch=1,
            state="open",
            not_after_ms=not_after_ms,
            last_not_after_ms=not_after_ms,
            lines=lesson.lines,
            codes=(self._code(number, lesson, not_after_ms),),
            lane=lesson.lane,
            ready=lesson.ready,
            place=lesson.place,
            bags=lesson.bags,
            value_minor=1_000,
            sealed=seal(self.k_personal, someone, bound_to=order_id),
            phone_tail=phone_tail_lookup(self.k_personal, _PHONE_TAIL),
        )

    def _code(self, number: int, lesson: _Lesson, not_after_ms: int) -> CodeRow:
        serial = self._serial(number)
        match lesson.kind:
            case "v1":
                return CodeRow(
                    lookup=code_lookup(self.k_store, self._code_id(number)),
                    kind="v1",
                    grade=1,
                    epoch=1,
                    not_after_ms=not_after_ms,
                )
            case "serial":
                return CodeRow(
                    lookup=serial_lookup(self.k_store, serial),
                    kind="serial",
                    grade=2,
                    epoch=1,
                    not_after_ms=not_after_ms,
                    pin=pin_verifier(self.k_store, serial, _COURIER_PIN),
                )
