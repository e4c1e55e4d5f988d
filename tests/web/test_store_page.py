"""What a picker does at `/store`, in Chromium, by keyboard alone, against the whole demo."""

import json
import re
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect
from web_demo import Counters, Demo, Screen

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(120)]

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
MAX_TRANSFER_BYTES = 60_000
MAX_REQUESTS = 8
TARGET_PX = 56
Scheme = Literal["light", "dark"]


def violations(page: Page) -> list[str]:
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    options = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
    found: dict[str, Any] = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def to_pick(demo: Demo, *lines: tuple[str, int], **more: object) -> dict[str, Any]:
    """An order that nobody picked yet; it has reached the node."""
    return demo.order(*lines, ready=False, place="", **more)


def store(screen: Screen, demo: Demo) -> Page:
    page = screen.page
    page.goto(f"{demo.node_url}/store")
    page.wait_for_selector('html[data-stream="live"]', state="attached")
    page.wait_for_selector("#queue li")
    return page


def sign_in(demo: Demo) -> None:
    answer = demo.node.post("/api/v1/operator", json={"staff_id": "c01", "pin": "4711"})
    assert answer.is_success, answer.text


def begun(page: Page, order: dict[str, Any]) -> None:
    page.keyboard.press("F2")
    page.keyboard.type(order["order_no"])
    page.keyboard.press("Enter")
    expect(page.locator("#work-title")).to_contain_text(order["order_no"])


def reached(page: Page, key: str) -> None:
    """Walk by Tab until the button or field has the focus."""
    for _ in range(80):
        if page.evaluate("document.activeElement?.dataset.k ?? null") == key:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no way by keyboard to {key}")


def pressed(page: Page, key: str) -> None:
    reached(page, key)
    page.keyboard.press("Enter")


def test_an_order_is_picked_short_settled_and_put_into_its_bin_by_keyboard_alone(
    demo: Demo, counters: Counters
) -> None:
    order = to_pick(demo, ("MILK", 3))
    sign_in(demo)
    page = store(counters.open(), demo)
    begun(page, order)
    for count in ("1", "2"):
        pressed(page, "another-1")
        expect(page.locator(".pick .far")).to_have_text(f"{count} of 3")
    pressed(page, "ready")
    expect(page.locator("#order .trouble")).to_contain_text("not settled")
    pressed(page, "short-1")
    dialog = page.locator("dialog[open]")
    expect(dialog).to_contain_text("Refund what is missing")
    expect(dialog).to_contain_text("Missing: 1")
    page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    expect(page.locator(".pick .far")).to_have_text("2 of 2")
    expect(page.locator(".pick .goods")).to_contain_text("refunded 1")
    reached(page, "place")
    page.keyboard.type("B7")
    page.keyboard.press("F8")
    ready = page.locator("#ready .order", has_text=order["order_no"][-4:])
    expect(ready).to_contain_text("B7")
    held = json.loads(demo.hub.get(f"/v1/orders/{order['order_no']}").text)
    assert held["life"]["on_short"] == "refund_line"


def test_a_pick_slip_under_the_scanner_opens_its_order(demo: Demo, counters: Counters) -> None:
    order = to_pick(demo, ("BREAD", 1))
    sign_in(demo)
    page = store(counters.open(), demo)
    demo.sim("gun", "scan", text=f"PICK:{order['order_no']}")
    expect(page.locator("#work-title")).to_contain_text(order["order_no"])
    expect(page.locator("#order .badge", has_text="being picked")).to_be_visible()


def test_without_an_operator_nothing_begins_and_the_page_asks_who_it_is(
    demo: Demo, counters: Counters
) -> None:
    order = to_pick(demo, ("BREAD", 2))
    demo.node.delete("/api/v1/operator")
    page = store(counters.open(), demo)
    begun(page, order)
    pressed(page, "all-1")
    expect(page.locator("#dialog-title")).to_have_text("Operator")
    page.keyboard.press("Escape")
    expect(page.locator("#order .trouble")).to_contain_text("Choose the operator")


def test_a_delivery_is_counted_and_received_short(demo: Demo, counters: Counters) -> None:
    body = {"kind": "purchase", "to_store": 1, "supplier": "乳业公司"}
    made = demo.hub.post(
        "/v1/documents", json={**body, "lines": [{"sku": "MILK", "quantity": 12}]}
    ).json()
    sign_in(demo)
    to_pick(demo, ("COFFEE", 1))
    page = store(counters.open(), demo)
    row = page.locator("#documents .order", has_text=made["document"])
    row.focus()
    page.keyboard.press("Enter")
    page.locator("dialog[open] #count-1").fill("11")
    page.keyboard.press("Enter")
    expect(row).to_contain_text("received short")
    page.wait_for_function(
        """async (name) => {
          const all = await (await fetch('/api/v1/documents')).json();
          return all.some((one) => one.document === name && one.state === 'short');
        }""",
        arg=made["document"],
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_no_state_of_the_store_page_breaks_a_rule_of_accessibility(
    demo: Demo, counters: Counters, locale: str, scheme: Scheme
) -> None:
    order = to_pick(demo, ("ICE", 2), ("MILK", 1), lane="priority", on_short="substitute")
    sign_in(demo)
    page = store(counters.open(locale=locale, scheme=scheme), demo)
    found = {"rest": violations(page)}
    begun(page, order)
    found["order"] = violations(page)
    pressed(page, "short-1")
    page.wait_for_selector("dialog[open]")
    found["short"] = violations(page)
    assert {state: rules for state, rules in found.items() if rules} == {}


def test_nothing_is_cut_off_at_320_pixels_and_every_target_is_large(
    demo: Demo, counters: Counters
) -> None:
    order = to_pick(demo, ("ICE", 2), ("MILK", 1), lane="priority")
    sign_in(demo)
    page = store(counters.open(width=320, height=640), demo)
    begun(page, order)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    small = page.evaluate(
        """(least) => [...document.querySelectorAll('button, input, a.tool')]
          .filter((one) => one.checkVisibility())
          .filter((one) => one.getBoundingClientRect().height < least)
          .map((one) => one.outerHTML.slice(0, 120))""",
        TARGET_PX - 1,
    )
    assert small == []


def test_the_store_page_is_light(counters: Counters, demo: Demo) -> None:
    to_pick(demo, ("BREAD", 1))
    screen = counters.open()
    session = screen.context.new_cdp_session(screen.page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    received: dict[str, float] = {}
    started: list[str] = []
    session.on("Network.requestWillBeSent", lambda e: started.append(e["request"]["url"]))
    session.on(
        "Network.loadingFinished",
        lambda e: received.__setitem__(e["requestId"], e["encodedDataLength"]),
    )
    store(screen, demo)
    screen.page.wait_for_timeout(1_000)
    asked = [url for url in started if not url.startswith("data:")]
    assert len(asked) <= MAX_REQUESTS, asked
    assert sum(received.values()) <= MAX_TRANSFER_BYTES
    assert not re.search(r"https?://(?!127\.0\.0\.1)", " ".join(asked))
