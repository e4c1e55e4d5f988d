"""`storeedge demo` from outside, and counter pages in a real browser."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

CHROMIUM = os.environ.get("STOREEDGE_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


@dataclass(slots=True)
class Demo:
    """`storeedge demo` as a visitor starts it, asked from outside only."""

    directory: Path
    node_url: str
    links: dict[str, str]
    hub_pid: int
    node: httpx.Client
    hub: httpx.Client
    process: subprocess.Popen[str]
    made: list[dict[str, Any]] = field(default_factory=list)

    def order(self, *lines: tuple[str, int], **more: object) -> dict[str, Any]:
        """An order at headquarters that has reached the node; its codes are under `codes`."""
        sku = lines[0][0]
        before = self.node.get(f"/api/v1/stock/{sku}").json()["orders"]
        body = {
            "store": 1,
            "customer": {"name": "张三丰", "phone": "13800138000"},
            "lines": [{"line": n, "sku": s, "quantity": q} for n, (s, q) in enumerate(lines, 1)],
            "place": "A3",
            **more,
        }
        answer = self.hub.post("/v1/orders", json=body)
        assert answer.is_success, answer.text
        until = time.monotonic() + 15
        while self.node.get(f"/api/v1/stock/{sku}").json()["orders"] == before:
            assert time.monotonic() < until, "the order did not reach the node"
            time.sleep(0.05)
        made: dict[str, Any] = answer.json()
        self.made.append(made)
        return made

    def sim(self, name: str, action: str, **values: str) -> None:
        """What a hand does to a virtual device."""
        words = [f"{key}={value}" for key, value in values.items()]
        _run("sim", "do", "--dir", str(self.directory), name, action, *words)


def _run(*words: str) -> str:
    command = [sys.executable, "-m", "edge.cli.app", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def free_ports(count: int) -> list[int]:
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in held]
    finally:
        for one in held:
            one.close()


def opened_demo(process: subprocess.Popen[str], directory: Path, said: Path) -> Demo:
    until = time.monotonic() + 50
    while "Ctrl-C" not in (words := said.read_text()):
        assert process.poll() is None, words
        assert time.monotonic() < until, words
        time.sleep(0.1)
    links = dict(links_in(words))
    pid = re.search(r"kill -STOP (\d+)", words)
    assert pid is not None
    access = json.loads((directory / "access.json").read_text())
    first = next(iter(links.values()))
    url, _, token = first.partition("/counter?token=")
    secure = ssl.create_default_context(cafile=access["hub"]["ca"])
    return Demo(
        directory=directory,
        node_url=url,
        links=links,
        hub_pid=int(pid[1]),
        node=httpx.Client(
            base_url=url, headers={"authorization": f"Bearer {token}"}, trust_env=False
        ),
        hub=httpx.Client(
            base_url=access["hub"]["url"],
            headers={"authorization": f"Bearer {access['hub']['admin_token']}"},
            verify=secure,
            trust_env=False,
        ),
        process=process,
    )


def links_in(words: str) -> list[tuple[str, str]]:
    """(station, link) pairs in the order in which the demo prints them."""
    links = re.findall(r"http://\S+/counter\?token=\S+", words)
    return [(f"counter-{number}", link) for number, link in enumerate(links, 1)]


@dataclass
class Screen:
    """An open counter page, what it asked for and what it complained of."""

    page: Page
    context: BrowserContext
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def console(self, message: ConsoleMessage) -> None:
        """Keep what is an error of ours; a refusal's status is not."""
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.complaints.append(message.text)

    def tone(self, wanted: str, *, within_ms: float = 10_000) -> None:
        self.page.wait_for_selector(f'#panel[data-tone="{wanted}"]', timeout=within_ms)

    def green_for(self, order: dict[str, Any]) -> None:
        """The panel is green, and for this order: an earlier one may have left it green."""
        number = f'#panel[data-tone="go"] .no:has-text("{order["order_no"]}")'
        self.page.wait_for_selector(number)

    def settled(self) -> None:
        """A button that has just appeared does nothing for a moment; that moment is over."""
        self.page.wait_for_timeout(500)


class Counters:
    """Opens counter pages; every one is checked and closed at the end."""

    def __init__(self, browser: Browser, demo: Demo) -> None:
        self._browser = browser
        self._demo = demo
        self._open: list[Screen] = []

    def open(
        self,
        station: str = "counter-1",
        *,
        locale: str = "en-GB",
        width: int = 1280,
        height: int = 800,
        scheme: Literal["light", "dark"] = "light",
        reduced_motion: Literal["reduce", "no-preference"] = "reduce",
        forced_colors: Literal["active", "none"] = "none",
    ) -> Screen:
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            locale=locale,
            color_scheme=scheme,
            reduced_motion=reduced_motion,
            forced_colors=forced_colors,
        )
        screen = Screen(page=context.new_page(), context=context)
        page = screen.page
        page.set_default_timeout(10_000)
        page.on("request", lambda request: screen.requests.append(request.url))
        page.on("pageerror", lambda error: screen.complaints.append(str(error)))
        page.on("console", screen.console)
        self._open.append(screen)
        page.goto(self._demo.links[station])
        page.wait_for_selector('html[data-stream="live"]', state="attached")
        return screen

    def close(self) -> None:
        for screen in self._open:
            screen.context.close()
        strangers = [
            url
            for screen in self._open
            for url in screen.requests
            if not url.startswith((self._demo.node_url + "/", "data:"))
        ]
        assert not strangers, f"asked somebody else: {strangers}"
        complaints = [words for screen in self._open for words in screen.complaints]
        assert not complaints, complaints
