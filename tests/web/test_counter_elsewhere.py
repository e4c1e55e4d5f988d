"""A code of another store at the counter page: what is offered, what happens, in a real browser."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from web_demo import Counters, Demo

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(120)]

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[str]:
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    options = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
    found: dict[str, Any] = page.evaluate("options => axe.run(document, options)", options)
    return [one["id"] for one in found["violations"]]


def type_code(page: Page, text: str) -> None:
    page.fill("#code", text)
    page.press("#code", "Enter")


@pytest.fixture(scope="module")
def far(demo: Demo) -> dict[str, Any]:
    """An order of a store that never had a box: HQ alone decides."""
    store = {"number": 7, "code": "S7", "name_zh": "七店", "name_en": "Store seven"}
    assert demo.hub.post("/v1/stores", json=store).is_success
    body = {"store": 7, "lines": [{"sku": "BREAD", "quantity": 1}], "place": "Z9"}
    made: dict[str, Any] = demo.hub.post("/v1/orders", json=body).json()
    return made


def test_a_code_of_another_store_is_asked_for_with_one_key_and_served_when_it_came(
    counters: Counters, far: dict[str, Any]
) -> None:
    screen = counters.open()
    page = screen.page
    type_code(page, far["codes"]["v1"])
    screen.tone("stop")
    offer = page.get_by_role("button", name=re.compile("Ask HQ"))
    expect(offer).to_be_visible()
    offered = violations(page)
    screen.settled()
    page.keyboard.press("F8")
    expect(page.locator(".transfer[data-state='ready']")).to_contain_text("here now")
    assert page.locator("#panel").get_attribute("data-tone") == "stop", "not green before a scan"
    came = violations(page)
    type_code(page, far["codes"]["v1"])
    screen.green_for(far)
    assert (offered, came) == ([], [])


def test_a_code_that_nobody_has_says_so_and_can_be_asked_by_touch(counters: Counters) -> None:
    screen = counters.open("counter-2", locale="zh-CN")
    page = screen.page
    type_code(page, "0000 0000 0000 0000")
    screen.tone("stop")
    screen.settled()
    page.get_by_role("button", name=re.compile("问总部")).click()
    expect(page.locator(".transfer[data-state='unknown']")).to_contain_text("总部没有这个取货码")
