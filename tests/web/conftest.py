"""The staff listener over a real shop, and the whole demo behind a real browser."""

import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from hand_clock import HandClock
from made_shop import HOUR_MS, open_shop, order_row, prepare
from playwright.sync_api import Browser, Playwright, sync_playwright
from web_demo import CHROMIUM, CHROMIUM_ARGS, Counters, Demo, free_ports, opened_demo
from web_site import COLD, OTHER_TOKEN, TOKEN, Site

from edge.flow.stations import Stations
from edge.web.app import build
from edge.web.screens import ScreenHub


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    clock = HandClock()
    prepare(tmp_path, orders=6, clock=clock, pin="123456", quantity=2)
    async with open_shop(tmp_path, clock=clock) as made:
        cold = order_row(
            COLD,
            holder=made.shop.identity.incarnation,
            not_after_ms=clock.wall_ms() + 48 * HOUR_MS,
            quantity=2,
            sku="ICE1",
        )
        await made.feed(cold)
        screens = ScreenHub(run="run-1")
        made.shop.screens = screens
        stations = Stations({"till1": TOKEN, "till2": OTHER_TOKEN}, key=b"k" * 32)
        app = build(made.shop, screens, stations, hosts=("127.0.0.1", "box.shop:8443"), run="run-1")
        yield Site(app=app, made=made, screens=screens, clock=clock)
        screens.close()


@pytest.fixture
async def client(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    async with site.client() as made:
        yield made


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    directory = tmp_path_factory.mktemp("d")
    said = directory.parent / "demo.err"
    node_port, phone_port, hub_port = free_ports(3)
    ports = ["--port", str(node_port), "--phone-port", str(phone_port), "--hub-port", str(hub_port)]
    command = [sys.executable, "-m", "edge.cli.app", "demo", "--dir", str(directory), *ports]
    with said.open("w") as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, text=True)
    try:
        made = opened_demo(process, directory, said)
        with made.node, made.hub:
            yield made
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Not longer than a module: while it runs, its loop is in the way of other tests' loops."""
    with sync_playwright() as made:
        yield made


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    made = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
    yield made
    made.close()


@pytest.fixture
def counters(browser: Browser, demo: Demo) -> Iterator[Counters]:
    made = Counters(browser, demo)
    yield made
    made.close()
