"""What a cashier does at `/counter`, in Chromium, against the whole demo."""

import os
import re
import signal
import time

import pytest
from playwright.sync_api import expect
from web_demo import Counters, Demo, Screen

from sync.wire.token import v1_text

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(120)]

COLD = (("MILK", 2), ("BREAD", 1))


def typed(screen: Screen, text: str) -> None:
    screen.page.fill("#code", text)
    screen.page.press("#code", "Enter")


def test_a_scan_is_fetched_confirmed_printed_and_remembered(demo: Demo, counters: Counters) -> None:
    order = demo.order(*COLD, bags=2)
    screen = counters.open()
    page = screen.page
    demo.sim("gun", "scan", text=order["codes"]["v1"])
    screen.green_for(order)
    panel = page.locator("#panel")
    expect(panel.locator(".where")).to_have_text("A3")
    expect(panel.locator(".how")).to_have_text("Chilled · 2 bags")
    expect(panel.locator(".who .no")).to_contain_text(order["order_no"])
    expect(panel.locator(".who .name")).to_have_text(re.compile(r"^张\*+$"))
    expect(page.locator("#announce")).to_contain_text("A3 Chilled 2 bags")
    screen.settled()
    page.keyboard.press("F8")
    page.wait_for_selector("#panel[data-handed]")
    expect(panel.locator(".slip")).to_contain_text("printed")
    expect(panel.get_by_text("Reprint as copy")).to_be_visible()
    expect(page.locator("#recent .past").first).to_contain_text(order["order_no"])


def test_a_second_scan_is_red_with_a_double_border_and_says_when_and_where(
    demo: Demo, counters: Counters
) -> None:
    order = demo.order(("COFFEE", 1))
    screen = counters.open()
    typed(screen, order["codes"]["v1"])
    screen.green_for(order)
    screen.page.wait_for_timeout(2200)  # the debounce of a real scanner is real time
    typed(screen, order["codes"]["v1"])
    screen.tone("stop")
    panel = screen.page.locator("#panel")
    expect(panel.locator(".earlier")).to_contain_text("取货台 1")
    expect(panel.locator(".earlier time")).to_have_text(re.compile(r"^\d\d:\d\d$"))
    style = panel.evaluate("e => getComputedStyle(e).outlineStyle")
    assert style == "double"
    expect(panel.get_by_role("button", name="Handed over")).to_have_count(0)


def test_a_verdict_is_shown_at_its_own_counter_only(demo: Demo, counters: Counters) -> None:
    order = demo.order(("COFFEE", 1))
    mine, other = counters.open("counter-1"), counters.open("counter-2")
    before = other.page.inner_text("#panel")
    demo.sim("gun", "scan", text=order["codes"]["v1"])
    mine.green_for(order)
    expect(mine.page.locator("#recent")).to_contain_text(order["order_no"])
    assert order["order_no"] not in other.page.inner_text("body")
    assert other.page.inner_text("#panel") == before


def test_a_scan_works_wherever_the_focus_is_and_leaves_it_there(
    demo: Demo, counters: Counters
) -> None:
    order = demo.order(*COLD)
    screen = counters.open()
    screen.page.focus('[data-open="slips"]')
    demo.sim("gun", "scan", text=order["codes"]["v1"])
    screen.green_for(order)
    assert screen.page.evaluate("document.activeElement.dataset.open") == "slips"
    screen.page.fill("#code", "half typed")
    screen.page.wait_for_timeout(2200)
    demo.sim("gun", "scan", text="not a code at all")
    screen.tone("ask")
    assert screen.page.input_value("#code") == "half typed"
    assert screen.page.evaluate("document.activeElement.id") == "code"


def test_a_dialog_does_not_swallow_a_scan(demo: Demo, counters: Counters) -> None:
    order = demo.order(*COLD)
    screen = counters.open()
    screen.page.click('[data-open="find"]')
    screen.page.wait_for_selector("dialog[open] #phone_tail")
    demo.sim("gun", "scan", text=order["codes"]["v1"])
    notice = screen.page.locator("#dialog-scan")
    expect(notice).to_contain_text("A new scan")
    assert screen.page.evaluate("document.activeElement.id") == "phone_tail"
    notice.get_by_role("button").click()
    screen.green_for(order)
    expect(screen.page.locator("#panel .no")).to_contain_text(order["order_no"])


def test_lines_can_be_left_out_and_a_missing_part_said(demo: Demo, counters: Counters) -> None:
    order = demo.order(*COLD)
    screen = counters.open()
    page = screen.page
    typed(screen, order["codes"]["v1"])
    screen.green_for(order)
    page.get_by_role("button", name=re.compile("^One less")).click()
    page.get_by_role("button", name=re.compile("^Missing: Fresh milk")).click()
    page.reload()
    page.wait_for_selector('html[data-stream="live"]', state="attached")
    confirm = page.get_by_role("button", name="Hand over 2, 1 missing")
    expect(confirm).to_be_visible()
    screen.settled()
    confirm.click()
    page.wait_for_selector("#panel[data-handed]")
    expect(page.locator("#panel .lines")).to_contain_text("1 left")
    expect(page.locator("#cases")).to_be_visible()


def test_news_of_the_same_act_waits_until_the_finger_is_up(demo: Demo, counters: Counters) -> None:
    order = demo.order(*COLD)
    screen = counters.open()
    page = screen.page
    typed(screen, order["codes"]["v1"])
    screen.green_for(order)
    page.wait_for_function("!document.querySelector('#panel .doing')")
    less = page.get_by_role("button", name=re.compile("^One less"))
    box = less.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.evaluate("document.querySelector('#lang').click()")
    expect(page.locator('[data-open="find"]')).to_have_text("无码查找")
    expect(less).to_be_visible()
    page.mouse.up()
    expect(page.locator("#panel .sum")).to_have_text("2 / 3 件")
    page.evaluate("document.querySelector('#lang').click()")


def test_undo_needs_the_goods_and_gives_the_order_back(demo: Demo, counters: Counters) -> None:
    order = demo.order(("COFFEE", 1))
    screen = counters.open()
    page = screen.page
    typed(screen, order["codes"]["v1"])
    screen.green_for(order)
    undo = page.get_by_role("button", name=re.compile(r"^Undo \d+ s$"))
    undo.click()
    expect(page.locator("#panel .notice")).to_contain_text("goods are still here")
    page.check('[data-k="here"]')
    undo.click()
    screen.tone("undone")
    expect(page.locator("#panel")).to_contain_text(order["order_no"])
    typed(screen, order["codes"]["v1"])
    screen.green_for(order)


def test_a_reload_at_any_moment_shows_the_same(demo: Demo, counters: Counters) -> None:
    order = demo.order(*COLD)
    screen = counters.open()
    typed(screen, order["codes"]["v1"])
    screen.green_for(order)
    page = screen.page
    page.reload()
    page.wait_for_selector('html[data-stream="live"]', state="attached")
    screen.green_for(order)
    expect(page.locator("#panel .no")).to_contain_text(order["order_no"])
    screen.settled()
    page.get_by_role("button", name="Handed over").click()
    page.wait_for_selector("#panel[data-handed]")
    page.reload()
    page.wait_for_selector("#panel[data-handed]")
    page.get_by_role("button", name=re.compile("^Undo")).wait_for()


def test_another_counter_takes_over_and_the_first_is_told(demo: Demo, counters: Counters) -> None:
    order = demo.order(*COLD)
    one, two = counters.open("counter-1"), counters.open("counter-2")
    typed(one, order["codes"]["v1"])
    one.green_for(order)
    typed(two, order["codes"]["v1"])
    two.tone("stop")
    two.settled()
    two.page.get_by_role("button", name="Take over").click()
    two.green_for(order)
    one.tone("info")
    expect(one.page.locator("#panel")).to_contain_text("取货台 2")
    two.page.get_by_role("button", name="Put back").click()
    two.tone("idle")


def test_a_typed_code_forgives_and_a_wrong_character_is_named(
    demo: Demo, counters: Counters
) -> None:
    order = demo.order(*COLD)
    code = order["codes"]["v1"]
    screen = counters.open()
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    typed(screen, wrong)
    screen.tone("ask")
    assert screen.page.input_value("#code") == wrong
    wide = "".join(chr(ord(c) + 0xFEE0) for c in code[:4])
    typed(screen, f"  {wide} {code[4:8].lower()} {code[8:].lower()} ")
    screen.green_for(order)
    assert screen.page.input_value("#code") == ""


def test_a_courier_serial_brings_the_pin_field(demo: Demo, counters: Counters) -> None:
    order = demo.order(*COLD, courier=True)
    screen = counters.open()
    page = screen.page
    expect(page.locator("#pin")).to_be_hidden()
    typed(screen, order["codes"]["serial"])
    expect(page.locator("#pin")).to_be_focused()
    page.keyboard.type(order["codes"]["pin"])
    page.keyboard.press("Enter")
    screen.green_for(order)
    expect(page.locator("#pin")).to_be_hidden()


def test_a_courier_serial_that_was_scanned_needs_only_its_pin_typed(
    demo: Demo, counters: Counters
) -> None:
    order = demo.order(*COLD, courier=True)
    screen = counters.open()
    page = screen.page
    page.focus('[data-open="more"]')
    demo.sim("gun", "scan", text=order["codes"]["serial"])
    screen.tone("ask")
    expect(page.locator("#pin")).to_be_visible()
    assert page.evaluate("document.activeElement.dataset.open") == "more"
    page.fill("#pin", order["codes"]["pin"])
    page.press("#pin", "Enter")
    screen.green_for(order)
    expect(page.locator("#panel .no")).to_contain_text(order["order_no"])


def test_without_a_code_two_facts_find_it_and_a_third_hands_it_over(
    demo: Demo, counters: Counters
) -> None:
    order = demo.order(*COLD)
    tail = order["order_no"][-4:]
    screen = counters.open()
    page = screen.page
    page.keyboard.press("F4")
    page.fill("#order_tail", tail.lower())
    page.keyboard.press("Enter")
    found = page.locator("dialog .found")
    expect(found).to_contain_text(tail)
    assert order["order_no"] not in found.inner_text()
    found.get_by_role("button").click()
    screen.green_for(order)
    screen.settled()
    fact = page.get_by_label("One more fact")
    fact.fill("0000")
    page.get_by_role("button", name="Handed over").click()
    expect(page.locator("#panel .notice")).to_contain_text("second fact")
    page.get_by_label("One more fact").fill("8000")
    page.get_by_role("button", name="Handed over").click()
    page.wait_for_selector("#panel[data-handed]")


def test_three_wrong_pins_lock_and_another_person_releases(demo: Demo, counters: Counters) -> None:
    order = demo.order(*COLD, courier=True)
    serial, good = order["codes"]["serial"], order["codes"]["pin"]
    bad = f"{(int(good) + 1) % 1_000_000:06d}"
    screen = counters.open()
    page = screen.page
    _sign_in(screen, "李敏", "4711")
    typed(screen, serial)
    for left in ("2", "1", None):
        page.locator("#pin").fill(bad)
        page.keyboard.press("Enter")
        wanted = f"Tries left: {left}" if left else "Locked after three"
        expect(page.locator("#panel")).to_contain_text(wanted)
    page.locator("#panel").get_by_role("button", name="Review").click()
    page.locator("dialog .found", has_text=order["order_no"]).get_by_role("button").click()
    assert "李敏" not in page.inner_text("dialog .people")
    page.get_by_label("王芳").check()
    page.get_by_role("textbox", name="Your PIN").fill("000000")
    page.get_by_role("button", name="Release", exact=True).click()
    expect(page.locator("dialog .trouble")).to_contain_text("Wrong PIN")
    page.get_by_role("textbox", name="Your PIN").fill("830274")
    page.get_by_role("button", name="Release", exact=True).click()
    expect(page.locator("#dialog-title")).to_have_text("Review")
    expect(page.locator("#dialog-body")).not_to_contain_text("Loading")
    expect(page.locator("dialog .found", has_text=order["order_no"])).to_have_count(0)
    page.keyboard.press("Escape")
    page.fill("#code", f"{serial} {good}")
    page.press("#code", "Enter")
    screen.green_for(order)


def _sign_in(screen: Screen, name: str, pin: str) -> None:
    page = screen.page
    page.click("#operator")
    page.get_by_label(name).check()
    for digit in pin:
        page.get_by_role("button", name=digit, exact=True).click()
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#operator-name")).to_have_text(name)
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_hq_goes_and_comes_back_and_the_page_says_what_still_works(
    demo: Demo, counters: Counters
) -> None:
    order = demo.order(("COFFEE", 1))
    screen = counters.open()
    page = screen.page
    expect(page.locator("#facts")).to_contain_text("HQ online")
    os.kill(demo.hub_pid, signal.SIGSTOP)
    try:
        expect(page.locator("#banners")).to_contain_text("Scanning, hand-over", timeout=60_000)
        typed(screen, order["codes"]["v1"])
        screen.green_for(order)
        expect(page.locator("#facts")).to_contain_text("to send")
        typed(screen, v1_text(b"\0never told"[:10]))
        panel = page.locator("#panel[data-tone=stop]")
        expect(panel).to_contain_text("Not in our data; may be newer")
        expect(panel).to_contain_text("call HQ, or scan again when the line is back")
        expect(panel.locator(".main")).to_contain_text(re.compile(r"Data \d+ (s|min) old"))
        expect(panel).not_to_contain_text("get a new code")
    finally:
        os.kill(demo.hub_pid, signal.SIGCONT)
    expect(page.locator("#banners")).not_to_contain_text("HQ is offline", timeout=60_000)
    expect(page.locator("#facts")).to_contain_text("All sent", timeout=30_000)


def test_a_screen_cut_off_from_the_box_looks_it(demo: Demo, counters: Counters) -> None:
    order = demo.order(*COLD)
    screen = counters.open()
    page = screen.page
    typed(screen, order["codes"]["v1"])
    screen.green_for(order)
    # A screen that was opened too often loses its oldest stream; here the oldest is ours, and the
    # way back is barred.
    page.route("**/api/v1/events", lambda route: route.abort())
    page.route("**/api/v1/operator", lambda route: route.abort())
    for _ in range(6):
        counters.open()
    page.wait_for_selector('html[data-stream="stale"]', state="attached")
    expect(page.locator("#banners")).to_contain_text("Do not hand over by it")
    assert "grayscale" in page.locator("#panel").evaluate("e => getComputedStyle(e).filter")
    page.unroute_all()
    page.wait_for_selector('html[data-stream="live"]', state="attached", timeout=30_000)
    expect(page.locator("#banners")).not_to_contain_text("Cut off")
    screen.complaints.clear()  # the browser reports the requests that this test aborted


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "half"])
def test_a_scanner_that_types_is_heard_only_when_its_code_is_whole(
    demo: Demo, counters: Counters, whole: bool
) -> None:
    order = demo.order(*COLD)
    screen = counters.open()
    page = screen.page
    page.focus('[data-open="more"]')
    code = order["codes"]["v1"] if whole else order["codes"]["v1"][:-2]
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if r.url.endswith("/scans") else None)
    page.evaluate(
        """(code) => {
          const press = (key) => document.activeElement.dispatchEvent(
            new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
          for (const key of code) press(key);
          press('Enter');
        }""",
        code,
    )
    if whole:
        screen.green_for(order)
    else:
        expect(page.locator("#panel .notice")).to_be_visible()
        assert not asked
    assert page.evaluate("document.activeElement.dataset.open") == "more"
    expect(page.locator("dialog[open]")).to_have_count(0)


def test_a_slip_is_seen_and_printed_again_as_a_copy(demo: Demo, counters: Counters) -> None:
    order = demo.order(("COFFEE", 1))
    screen = counters.open()
    page = screen.page
    typed(screen, order["codes"]["v1"])
    screen.green_for(order)
    expect(page.locator("#panel .slip")).to_contain_text("printed · printer front")
    page.click('[data-open="slips"]')
    row = page.locator("dialog .found", has_text=order["order_no"]).first
    row.get_by_role("button", name="See slip").click()
    picture = page.locator("dialog .preview img")
    picture.wait_for()
    until = time.monotonic() + 10
    while not picture.evaluate("e => e.complete && e.naturalWidth"):
        assert time.monotonic() < until
    assert picture.evaluate("e => e.naturalWidth") > 300
    row.get_by_role("button", name="Reprint as copy").click()
    expect(page.locator("dialog .trouble")).to_contain_text("Sent to the printer")


def test_recent_acts_of_today_have_a_time_and_older_ones_a_date(counters: Counters) -> None:
    shown: list[str] = counters.open().page.evaluate(
        """async () => {
          const at = document.querySelector('link[href$="/core.js"]').href;
          const { now, whenShort } = await import(at);
          return [0, 3].map((days) => whenShort(now() - days * 86400000).outerHTML);
        }"""
    )
    today, older = (one.partition(">")[2] for one in shown)
    assert re.fullmatch(r"\d\d:\d\d</time>", today)
    assert re.fullmatch(r"\d\d-\d\d</time>", older)
    assert all(re.search(r'title="\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"', one) for one in shown)


def test_training_stripes_the_screen_and_touches_nothing(demo: Demo, counters: Counters) -> None:
    screen = counters.open("counter-2")
    page = screen.page
    page.click('[data-open="more"]')
    page.get_by_role("button", name="Start training").click()
    expect(page.locator("#banners")).to_contain_text("Training")
    page.get_by_role("button", name="End training").click()
    expect(page.locator("#banners")).not_to_contain_text("Training")
