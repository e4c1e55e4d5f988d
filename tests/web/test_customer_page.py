"""The customer's page on a phone: the code turns, with the line and without; for every eye."""

import io
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
import segno
import zxingcpp
from hub_rotating import code_id_of
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect
from running_hub import Headquarters, RunningHub, open_headquarters
from toy_node import STORE, enrol_box, open_store, stock_up

from sync.hub import orders
from sync.hub.orders import NewLine, NewOrder
from sync.wire.rotating import parse_rotating, rotating_text, totp

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(120)]

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
MAX_TRANSFER_BYTES = 60_000
STEP_MS = 30_000
Scheme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    headquarters = open_headquarters(tmp_path_factory.mktemp("hub"))
    open_store(headquarters)
    stock_up(headquarters)
    enrol_box(headquarters)
    with RunningHub(headquarters, None) as served:
        yield served


def new(headquarters: Headquarters, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - an order's JSON
    order = NewOrder(store=STORE, lines=(NewLine(sku="MILK1"),), **{"rotating": True, **more})
    return orders.create(headquarters.hub, order)


class Phone:
    """A phone with the page open; its clock stands an hour off and is moved with HQ's."""

    def __init__(
        self,
        browser: Browser,
        running: RunningHub,
        made: dict[str, Any],
        **context: Any,  # noqa: ANN401
    ) -> None:
        self.running = running
        self.made = made
        self.context: BrowserContext = browser.new_context(
            viewport={"width": 360, "height": 640},
            device_scale_factor=2,
            locale=context.pop("locale", "zh-CN"),
            **context,
        )
        self.page: Page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "console",
            lambda said: self.errors.append(said.text) if said.type == "error" else None,
        )
        clock = running.headquarters.clock
        self.page.clock.install(time=(clock.now_ms() - 3_600_000) / 1000)
        self.page.goto(running.url + made["customer_page"])

    def pass_ms(self, by_ms: int) -> None:
        self.running.headquarters.clock.advance(by_ms)
        self.page.clock.run_for(by_ms)

    def reads(self) -> str:
        """What a scanner reads off the glass."""
        drawn = Image.open(io.BytesIO(self.page.screenshot()))
        [found] = zxingcpp.read_barcodes(drawn)
        return found.text

    def drew(self, step: int) -> None:
        self.page.wait_for_selector(f'main[data-step="{step}"]')


def step_now(running: RunningHub) -> int:
    return running.headquarters.clock.now_ms() // STEP_MS


def secret_of(made: dict[str, Any]) -> bytes:
    return bytes.fromhex(made["codes"]["rotating"]["secret"])


def test_the_code_on_the_glass_turns_every_30_seconds_and_without_the_line(
    browser: Browser, running: RunningHub
) -> None:
    made = new(running.headquarters)
    phone = Phone(browser, running, made)
    seen: list[str] = []
    for line in (True, True, False, False):
        phone.context.set_offline(not line)
        phone.drew(step_now(running))
        seen.append(phone.reads())
        read = parse_rotating(seen[-1])
        assert read.is_genuine(secret_of(made))
        assert read.step == step_now(running), "by HQ's time, not by a clock that is an hour off"
        phone.pass_ms(STEP_MS)
    assert len(set(seen)) == 4
    expect(phone.page.locator("#line")).to_contain_text("没有网络")
    assert secret_of(made).hex() not in phone.page.content(), "it is not left in the page"
    assert [error for error in phone.errors if "ERR_INTERNET_DISCONNECTED" not in error] == []
    phone.context.close()


def test_a_code_issued_anew_is_taken_off_the_glass(browser: Browser, running: RunningHub) -> None:
    made = new(running.headquarters)
    phone = Phone(browser, running, made)
    phone.drew(step_now(running))
    orders.reissue(running.headquarters.hub, made["order_no"])
    phone.pass_ms(16_000)
    expect(phone.page.locator("#status")).to_contain_text("取货码已更换")
    expect(phone.page.locator("svg")).to_have_count(0)
    phone.context.close()


def test_what_is_over_is_told_and_shows_no_code(browser: Browser, running: RunningHub) -> None:
    made = new(running.headquarters, hours=1)
    phone = Phone(browser, running, made, locale="en-GB")
    phone.drew(step_now(running))
    running.headquarters.clock.advance(2 * 3_600_000)
    phone.page.clock.run_for(16_000)
    expect(phone.page.locator("#status")).to_contain_text("The pickup time is over")
    expect(phone.page.locator("svg")).to_have_count(0)
    phone.context.close()


def test_a_plain_order_shows_its_signed_code_and_its_lines(
    browser: Browser, running: RunningHub
) -> None:
    made = new(running.headquarters, rotating=False)
    phone = Phone(browser, running, made)
    drawn = Image.open(io.BytesIO(phone.page.screenshot(full_page=True)))
    read = sorted(found.text for found in zxingcpp.read_barcodes(drawn))
    assert read == sorted([made["codes"]["v2"], made["codes"]["pl"]])
    phone.context.close()


def violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    options = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
    found: dict[str, Any] = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_no_state_of_the_page_breaks_a_rule_of_accessibility(
    browser: Browser, running: RunningHub, locale: str, scheme: Scheme
) -> None:
    headquarters = running.headquarters
    over = new(headquarters, hours=1)
    headquarters.clock.advance(2 * 3_600_000)
    states = {
        "turning": new(headquarters),
        "signed": new(headquarters, rotating=False, ready=False),
        "over": over,
        "missing": {"customer_page": "/pickup/" + "A" * 22},
    }
    found: dict[str, list[str]] = {}
    for name, made in states.items():
        # axe waits by timers: this phone's clock must run
        context = browser.new_context(
            viewport={"width": 360, "height": 640},
            locale=locale,
            color_scheme=scheme,
            bypass_csp=True,
        )
        page = context.new_page()
        page.goto(running.url + made["customer_page"])
        if name == "turning":
            page.wait_for_selector("main[data-step]")
        found[name] = violations(page)
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert not wide, f"{name} is wider than a phone"
        context.close()
    assert {state: rules for state, rules in found.items() if rules} == {}


def test_the_whole_code_is_seen_without_scrolling(browser: Browser, running: RunningHub) -> None:
    phone = Phone(browser, running, new(running.headquarters))
    phone.drew(step_now(running))
    box = phone.page.locator("#qr").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= 640
    assert box["width"] >= 240
    phone.context.close()


def test_the_page_is_light_and_asks_nobody_else(browser: Browser, running: RunningHub) -> None:
    context = browser.new_context()
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    received: list[float] = []
    asked: list[str] = []
    session.on("Network.requestWillBeSent", lambda e: asked.append(e["request"]["url"]))
    session.on("Network.loadingFinished", lambda e: received.append(e["encodedDataLength"]))
    page.goto(running.url + new(running.headquarters)["customer_page"], wait_until="networkidle")
    page.wait_for_selector("main[data-step]")
    served = [url for url in asked if not url.startswith("data:")]
    assert all(url.startswith(running.url) for url in served)
    assert len(served) == 4
    assert 1_000 < sum(received) <= MAX_TRANSFER_BYTES
    context.close()


def test_the_phone_s_own_encoder_and_digits_are_the_standard_ones(
    browser: Browser, running: RunningHub
) -> None:
    made = new(running.headquarters)
    phone = Phone(browser, running, made)
    base = phone.page.locator("script[src]").get_attribute("src")
    assert base is not None
    chance = random.Random(7)  # noqa: S311 - any texts, the same at each run
    code_id = code_id_of(made["codes"]["rotating"])
    texts = [
        rotating_text(code_id, chance.randbytes(20), chance.randrange(10**10)) for _ in range(20)
    ]
    drawn = phone.page.evaluate(
        """async ([url, texts]) => {
          const { symbol } = await import(url);
          return texts.map((text) => [0, 1, 2, 3, 4, 5, 6, 7].map((mask) => symbol(text, mask)));
        }""",
        [base.replace("page.js", "qr.js"), texts],
    )
    for text, by_mask in zip(texts, drawn, strict=True):
        for mask, rows in enumerate(by_mask):
            other = segno.make_qr(text, error="m", version=2, mask=mask, boost_error=False)
            assert [list(row) for row in other.matrix] == rows, (text, mask)
    secret, steps = chance.randbytes(20), [0, 1, 59_666_666, 2**33]
    digits = phone.page.evaluate(
        """async ([url, secret, steps]) => {
          const { importKey, totp } = await import(url);
          const key = await importKey(secret);
          return Promise.all(steps.map((step) => totp(key, step)));
        }""",
        [base, secret.hex(), steps],
    )
    assert digits == [totp(secret, step) for step in steps]
    phone.context.close()


def test_the_words_of_the_page_are_all_there_in_both_languages() -> None:
    import tomllib

    import sync.hub

    folder = Path(sync.hub.__file__).parent
    words = tomllib.loads((folder / "pickup_words.toml").read_text(encoding="utf-8"))
    assert all(set(both) == {"zh", "en"} for both in words.values()), json.dumps(words)
    page = (folder / "templates/pickup.html").read_text(encoding="utf-8")
    script = (folder / "static/pickup/page.js").read_text(encoding="utf-8")
    python = (folder / "pickup_api.py").read_text(encoding="utf-8")
    states = {"preparing", "ready", "partly", "handed", "cancelled", "expired"}
    for word in set(words) - states:
        used = (f"t.{word}" in page, f"words.{word}" in script, f'text["{word}"]' in python)
        assert any(used), f"nobody says {word}"
