"""HQ's console in Chromium: every page for every eye, by keyboard alone, and asking nobody else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from hq_console import OTHER, PASSWORD, History, add_person, make_history
from playwright.sync_api import Browser, BrowserContext, Page, expect
from running_hub import RunningHub, open_headquarters
from toy_node import STORE, enrol_box, open_store, stock_up

from sync.hub import enrolment, orders
from sync.wire.condition import Condition

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]

AXE = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
Scheme = Literal["light", "dark"]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningHub, History]]:
    headquarters = open_headquarters(tmp_path_factory.mktemp("hub"))
    open_store(headquarters)
    stock_up(headquarters)
    box = enrol_box(headquarters)
    made = make_history(headquarters, box)
    add_person(headquarters)
    key = (box.peer.node, box.peer.incarnation)
    said = Condition(version="0.1.0", clock="synced", disk_free_bytes=21_400_000_000)
    enrolment.seen(headquarters.hub, {key: headquarters.clock.now_ms()}, {key: said})
    for number in range(OTHER + 1, OTHER + 60):
        open_store(headquarters, number)
    with RunningHub(headquarters, None) as running:
        yield running, made


def log_in(page: Page, running: RunningHub) -> None:
    """By keyboard alone."""
    page.goto(f"{running.url}/console")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    reach(page, "input[name=login]")
    page.keyboard.type("manager")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".me form")).to_be_visible()


def reach(page: Page, selector: str) -> None:
    for _ in range(150):
        if page.evaluate("s => document.activeElement?.matches(s) ?? false", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no way by keyboard to {selector}")


def pages_of(made: History) -> dict[str, str]:
    return {
        "stores": "/console",
        "store": f"/console/stores/{STORE}",
        "find": "/console/orders?q=nothing",
        "disputed": f"/console/orders/{made.disputed.order_no}",
        "moving": f"/console/orders/{made.moving.order_no}?done=1",
        "cases": "/console/cases",
        "stock": "/console/stock",
        "transfers": "/console/transfers",
        "recalls": "/console/recalls?no=invalid",
        "recall": f"/console/recalls/{made.recall_id}",
        "missing": "/console/nothing",
        "log in": "/console/login?no=wrong",
    }


def violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text(encoding="utf-8"))
    options = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
    found: dict[str, Any] = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary'][:300]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def opened(browser: Browser, locale: str, scheme: Scheme) -> BrowserContext:
    return browser.new_context(
        viewport={"width": 1280, "height": 900},
        locale=locale,
        color_scheme=scheme,
        bypass_csp=True,
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["zh-CN", "en-GB"])
def test_no_page_of_the_console_breaks_a_rule_of_accessibility_at_any_width(
    browser: Browser, chain: tuple[RunningHub, History], locale: str, scheme: Scheme
) -> None:
    running, made = chain
    context = opened(browser, locale, scheme)
    page = context.new_page()
    log_in(page, running)
    found: dict[str, list[str]] = {}
    for name, path in pages_of(made).items():
        for width in (1280, 320):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(running.url + path)
            found[f"{name} {width}"] = violations(page)
            wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
            assert not wide, f"{name} is wider than {width}"
    page.goto(f"{running.url}/console/stores/{STORE}")
    reach(page, "form[action*=pairing] button")
    page.keyboard.press("Enter")
    expect(page.locator("svg")).to_be_visible()
    found["pairing"] = violations(page)
    context.close()
    assert {state: rules for state, rules in found.items() if rules} == {}


def test_an_order_is_found_and_extended_by_keyboard_alone(
    browser: Browser, chain: tuple[RunningHub, History]
) -> None:
    running, made = chain
    ordered = made.quiet
    context = opened(browser, "en-GB", "light")
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    log_in(page, running)
    reach(page, "nav a[href='/console/orders']")
    page.keyboard.press("Enter")
    expect(page.locator("input[name=q]")).to_be_visible()
    reach(page, "input[name=q]")
    page.keyboard.type(ordered.v1)
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text(ordered.order_no)
    before = orders.show(running.headquarters.hub, ordered.order_no)["not_after_ms"]
    reach(page, "form[action$=extend] button")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Done")
    after = orders.show(running.headquarters.hub, ordered.order_no)["not_after_ms"]
    assert int(str(after)) - int(str(before)) == 48 * 3_600_000
    assert asked
    assert all(url.startswith((running.url, "data:")) for url in asked)
    context.close()
