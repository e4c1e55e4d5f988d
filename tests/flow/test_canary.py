"""Canaries: what a customer shows, types or is called is found nowhere it does not belong.

Distinctive codes, PINs, names and rubbish go through flow and web in every way there is; then logs,
every byte of the data folder, answers, screens, metrics and problem bodies are searched for them
(attacks 35).
"""

import base64
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx
import msgspec
import pytest

from edge.flow import training
from edge.flow.practice import PracticeKit
from edge.flow.stations import Stations
from edge.store.catalog import put
from edge.store.errors import UnitFailed, origin
from edge.web.app import build
from edge.web.screens import ScreenHub
from sync.rules.crockford import check_character
from sync.wire.approval import response
from sync.wire.catalog import CodeRow, LineRow, RotatingKeyRow, StaffRow
from sync.wire.codec import to_json
from sync.wire.credential import badge_lookup, rotating_lookup
from sync.wire.rotating import rotating_text, seal_secret

if TYPE_CHECKING:
    from tests.flow.conftest import Floor, Goods

K_STORE = bytes(range(32))
TOKEN = "canary-till-token-0123456789"  # noqa: S105 - of a shop that lives for one test
BADGE = "CANARYB7" + check_character("CANARYB7")
RUBBISH = "Kanarienvogel-金丝雀-42!"
MEMBER = "KANARI-MEMBER-77"
LOT = "KANARILOT9"
WRONG_COURIER_PIN = "908172"
WRONG_STAFF_PIN = "615243"
STAFF_PIN = "246810"
LONG = "KANARI" * 800
SECRET = "kanari-rotating-2718"  # noqa: S105 - of an order that lives for one test
TWO = (LineRow(line=1, sku="MILK", quantity=2),)


class Heard(ScreenHub):
    """The screens, and everything they were told."""

    def __init__(self) -> None:
        super().__init__(run="r")
        self.frames: list[bytes] = []

    def publish(self, station: str | None, event: str, value: object) -> None:
        self.frames.append(event.encode() + b" " + to_json(value))
        super().publish(station, event, value)


@dataclass
class Net:
    """The staff listener over the shop, and every byte that it answered."""

    floor: "Floor"
    client: httpx.AsyncClient
    heard: Heard
    said: list[bytes] = field(default_factory=list)
    refused: list[bytes] = field(default_factory=list)

    async def ask(self, method: str, path: str, body: object = None) -> httpx.Response:
        content = None if body is None else to_json(body)
        return await self.raw(method, path, content)

    async def raw(self, method: str, path: str, content: bytes | None) -> httpx.Response:
        headers = {"content-type": "application/json"}
        answer = await self.client.request(method, path, content=content, headers=headers)
        self.said.append(answer.content + str(answer.headers).encode())
        if answer.headers.get("content-type") == "application/problem+json":
            self.refused.append(answer.content)
        return answer


@pytest.fixture
async def net(floor: "Floor") -> AsyncIterator[Net]:
    heard = Heard()
    floor.shop.screens = heard
    floor.shop.practice_folder = floor.folder / "data"
    await training.restore(floor.shop)
    stations = Stations({"till-1": TOKEN}, key=b"k" * 32)
    app = build(floor.shop, heard, stations, hosts=("127.0.0.1",), run="r")
    headers = {"authorization": f"Bearer {TOKEN}"}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8080", headers=headers
    ) as client:
        yield Net(floor=floor, client=client, heard=heard)
    await training.close(floor.shop)


def variants(canary: str) -> Iterator[bytes]:
    """A canary as it might be kept: plain, grouped, upper and lower case, escaped, encoded."""
    texts = {canary, canary.upper(), canary.lower(), canary.encode("unicode_escape").decode()}
    if canary.isascii() and canary.isalnum():
        texts.add("-".join(canary[start : start + 4] for start in range(0, len(canary), 4)))
    for text in texts:
        yield text.encode()
        yield text.encode("utf-16-le")
    raw = canary.encode()
    yield base64.b64encode(raw).rstrip(b"=")[:-1]
    yield raw.hex().encode()


def found_in(haystack: bytes, canaries: dict[str, str]) -> list[str]:
    return [name for name, text in canaries.items() if any(v in haystack for v in variants(text))]


def of(goods: "Goods", name: str) -> dict[str, str]:
    return {
        f"{name} v1": goods.v1,
        f"{name} v2": goods.v2[3:60],
        f"{name} lines": goods.lines[3:40],
        f"{name} serial": goods.serial,
    }


async def rotating(floor: "Floor") -> str:
    """What a phone shows now of an order whose key is here."""
    code_id, now_ms = b"\0" + b"canary-75", floor.shop.moment().trusted_ms
    lookup, window = rotating_lookup(K_STORE, code_id), (now_ms, now_ms + 3_600_000)
    row = floor.order().row
    code = CodeRow(lookup=lookup, kind="v3", grade=3, epoch=1, not_after_ms=row.not_after_ms)
    key = RotatingKeyRow(
        lookup=lookup,
        order_id=row.order_id,
        sealed=seal_secret(
            K_STORE, SECRET.encode(), lookup=lookup, from_ms=window[0], until_ms=window[1]
        ),
        from_ms=window[0],
        until_ms=window[1],
    )
    for each in (msgspec.structs.replace(row, codes=(*row.codes, code)), key):
        put(floor.opened.catalog._connection, each)
    return rotating_text(code_id, SECRET.encode(), now_ms // 1000)


async def every_scan(net: Net) -> dict[str, str]:
    """Scan everything there is, well and badly; answers the canaries that were used."""
    floor = net.floor
    put(
        floor.opened.catalog._connection,
        StaffRow(
            staff_id="b1",
            name="工牌",
            role="cashier",
            badge=badge_lookup(K_STORE, BADGE),
            pin_hash=None,
        ),
    )
    plain, lines, expired = floor.order(), floor.order(lines=TWO, bags=2), floor.order(hours=-1)
    courier, unsynced, forged = floor.order(), floor.order(synced=False), floor.order()
    platform, other = floor.order(), floor.order(home=8)
    turning = await rotating(floor)
    typo = plain.v1[:-1] + ("0" if plain.v1[-1] != "0" else "1")
    forgery = forged.v2[:-4] + ("AAAA" if forged.v2[-4:] != "AAAA" else "BBBB")
    texts = [
        plain.v1,
        plain.v1,
        lines.v2,
        expired.v1,
        other.v2,
        unsynced.v2,
        unsynced.lines,
        typo,
        forgery,
        platform.platform,
        f"SB:{BADGE}",
        f"SB:{BADGE[:-1]}0",
        f"MB:{MEMBER}",
        f"(01)06901234567892(10){LOT}",
        f"https://id.example/01/06901234567892/10/{LOT}",
        RUBBISH,
        LONG,
        "\x1d" + RUBBISH,
        f"P2:{RUBBISH}",
        f"PL:{RUBBISH}",
        f"P3:{RUBBISH}",
        turning,
        turning,
        turning[:-1] + str((int(turning[-1]) + 1) % 10),
    ]
    for text in texts:
        await net.ask("POST", "/api/v1/scans", {"text": text})
        await net.ask("POST", "/api/v1/scans", {"text": text, "typed": True, "aim": "]C1"})
    for pin in (None, WRONG_COURIER_PIN, WRONG_COURIER_PIN, WRONG_COURIER_PIN, courier.pin):
        await net.ask("POST", "/api/v1/scans", {"text": courier.serial, "pin": pin})
    await net.ask("POST", "/api/v1/scans", {"text": "", "pin": WRONG_COURIER_PIN})
    await net.ask("POST", "/api/v1/scans", {"text": "", "pin": RUBBISH})
    made = {"plain": plain, "lines": lines, "expired": expired, "courier": courier}
    made |= {"unsynced": unsynced, "forged": forged, "other": other}
    canaries = {name: text for key, goods in made.items() for name, text in of(goods, key).items()}
    return canaries | {
        "courier pin": courier.pin,
        "wrong courier pin": WRONG_COURIER_PIN,
        "badge": BADGE,
        "member": MEMBER,
        "lot": LOT,
        "rubbish": RUBBISH[:12],
        "long": "KANARIKANARI",
        "forgery": forgery[3:60],
        "rotating": turning[3:],
        "rotating id": turning[3:19],
        "rotating secret": SECRET,
    }


async def every_act(net: Net) -> dict[str, str]:
    """Everything else that takes a name, a PIN, a phone or a code."""
    floor = net.floor
    dear = floor.order(value_minor=30_000)
    order = dear.row.order_id.hex()
    for pin in (WRONG_STAFF_PIN, STAFF_PIN):
        await net.ask("POST", "/api/v1/operator", {"staff_id": "s1", "pin": pin})
    await net.ask("POST", "/api/v1/find", {"phone_tail": "1234", "item": "牛奶"})
    await net.ask("POST", "/api/v1/find", {"phone_tail": RUBBISH, "order_tail": RUBBISH})
    await net.ask("POST", "/api/v1/find/choose", {"order": order})
    await net.ask("POST", "/api/v1/find/choose", {"order": RUBBISH})
    for fact in ("张三丰", RUBBISH):
        approval = {"staff_id": "s1", "pin": WRONG_STAFF_PIN}
        body = {"order": order, "second_fact": fact, "approved_by": approval}
        await net.ask("POST", "/api/v1/handovers", body)
    digits = response(K_STORE, "918273", 1)
    by_hq = {"case": 1, "response": digits, "name": "总部"}
    approved = {"order": order, "second_fact": "张三丰", "approved_by_hq": by_hq}
    await net.ask("POST", "/api/v1/handovers", approved)
    release = {"staff_id": "c1", "pin": WRONG_STAFF_PIN, "note": ""}
    await net.ask("POST", "/api/v1/reviews/1/release", release)
    await net.ask("POST", "/api/v1/emergency-list")
    late = {"order_tail_or_no": RUBBISH, "at_ms": 1, "clerk": RUBBISH}
    await net.ask("POST", "/api/v1/late-entries", late)
    await net.ask("GET", f"/api/v1/stock/{RUBBISH}")
    for path in ("/metrics", "/healthz", "/readyz", "/openapi.json", "/api/v1/slips"):
        await net.ask("GET", path)
    for path in ("/api/v1/status", "/api/v1/reviews", "/api/v1/staff", "/api/v1/operator"):
        await net.ask("GET", path)
    return of(dear, "dear") | {
        "wrong staff pin": WRONG_STAFF_PIN,
        "staff pin": STAFF_PIN,
        "hq digits": digits,
        "name": "张三丰",
        "name's end": "三丰",
        "phone": "13800001234",
        "token": TOKEN,
    }


async def every_broken_body(net: Net) -> None:
    """Bodies that are not what they must be, each with a canary in it."""
    bodies = [
        b'{"text": "' + RUBBISH.encode(),
        b'{"text": ["' + RUBBISH.encode() + b'"]}',
        b'{"text": "x", "pin": {"' + RUBBISH.encode() + b'": 1}}',
        b'{"' + RUBBISH.encode() + b'": "' + RUBBISH.encode() + b'"}',
        b'{"staff_id": ["' + RUBBISH.encode() + b'"], "pin": "' + WRONG_STAFF_PIN.encode() + b'"}',
        b'{"order": 5, "second_fact": {"' + RUBBISH.encode() + b'": 2}}',
        RUBBISH.encode() + bytes(20_000),
    ]
    paths = ("scans", "handovers", "operator", "find", "undo", "late-entries", "challenges")
    for body in bodies:
        for path in paths:
            await net.raw("POST", f"/api/v1/{path}", body)


async def practice(net: Net) -> dict[str, str]:
    """The same in training mode; a real code too."""
    floor = net.floor
    goods = floor.order()
    kit = PracticeKit(floor.shop.mac_key)
    await net.ask("POST", "/api/v1/training", {"on": True})
    for item in kit.items():
        await net.ask("POST", "/api/v1/scans", {"text": item.code, "pin": item.pin})
    for text in (goods.v1, goods.v2, goods.serial, RUBBISH):
        await net.ask("POST", "/api/v1/scans", {"text": text})
    await net.ask("POST", "/api/v1/training/sheet")
    await net.ask("POST", "/api/v1/training", {"on": False})
    sheet = {f"practice {number}": item.code for number, item in enumerate(kit.items())}
    return of(goods, "real in training") | sheet


def logged(caplog: pytest.LogCaptureFixture) -> bytes:
    """Every record as text, its arguments and its traceback; but for this test's own client."""
    shown = logging.Formatter("%(name)s %(message)s")
    ours = [one for one in caplog.records if not one.name.startswith(("httpx", "httpcore"))]
    return "\n".join(f"{shown.format(one)} {one.args!r}" for one in ours).encode()


def image(floor: "Floor") -> bytes:
    files = sorted(path for path in (floor.folder / "data").rglob("*") if path.is_file())
    return b"\n".join(path.read_bytes() for path in files)


@pytest.mark.timeout(120)
async def test_no_code_pin_or_name_is_found_where_it_does_not_belong(
    net: Net, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("tests.canary").debug("the searcher sees %s", RUBBISH)
    assert found_in(logged(caplog), {"rubbish": RUBBISH}) == ["rubbish"]
    caplog.clear()

    canaries = await every_scan(net) | await every_act(net) | await practice(net)
    await every_broken_body(net)

    assert len(canaries) > 50
    handed = await net.floor.count("SELECT count(*) FROM handover")
    assert handed >= 2, "nothing was handed over: the canaries did not get far"
    disk = image(net.floor)
    assert found_in(disk, {"an order number": "SO-00000001"}), "the disk is not searched"
    assert found_in(b"".join(net.said), {"an order number": "SO-00000001"})
    assert len(net.refused) > 50
    assert found_in(logged(caplog), canaries) == []
    assert found_in(disk, canaries) == []
    assert found_in(b"\n".join(net.said), canaries) == []
    assert found_in(b"\n".join(net.refused), canaries | {"all of it": RUBBISH}) == []
    assert found_in(b"\n".join(net.heard.frames), canaries) == []


def test_what_a_failed_act_choked_on_is_not_quoted_by_the_log() -> None:
    def choke() -> None:
        try:
            raise ValueError(f"not a number: {RUBBISH}")
        except ValueError as error:
            raise UnitFailed(f"ValueError: {error}") from error

    with pytest.raises(UnitFailed) as failed:
        choke()
    text = origin(failed.value)
    assert RUBBISH not in text
    assert text.startswith("ValueError at test_canary.py:")
