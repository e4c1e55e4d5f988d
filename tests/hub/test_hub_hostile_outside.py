"""Systems outside that misbehave, or were shut out: they hold nobody up and hear nothing more."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
from running_hub import Headquarters
from toy_node import STORE

from sync.hub import oauth, orders, webhooks
from sync.hub.oauth import NewClient
from sync.hub.orders import NewLine, NewOrder
from sync.hub.webhooks import NewWebhook


def place(headquarters: Headquarters) -> None:
    orders.create(headquarters.hub, NewOrder(store=STORE, lines=(NewLine(sku="MILK1"),)))


def send_due(headquarters: Headquarters) -> list[bool]:
    async def once() -> list[bool]:
        return [
            await webhooks.send_once(headquarters.hub, row)
            for row in await asyncio.to_thread(webhooks.due, headquarters.hub)
        ]

    return asyncio.run(once())


@pytest.fixture
def endless() -> Iterator[str]:
    """The address of a system that says 200 and then never stops talking."""
    server = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def talk() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
            try:
                while not over.wait(0.05):
                    connection.sendall(b"x")
            except OSError:
                return

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}/hook"
    over.set()
    server.close()
    thread.join()


@pytest.mark.timeout(20)
def test_a_system_that_never_ends_its_answer_holds_nobody_up(
    headquarters: Headquarters, endless: str
) -> None:
    webhooks.add(headquarters.hub, NewWebhook(url=endless), client_id=None)
    place(headquarters)
    assert send_due(headquarters) == [True]


def test_a_system_that_was_shut_out_is_sent_nothing_more(headquarters: Headquarters) -> None:
    hub = headquarters.hub
    made = oauth.add_client(hub, NewClient(name="erp", scopes=("events:read",)))
    client_id = str(made["client_id"])
    webhooks.add(hub, NewWebhook(url="https://example.com/a"), client_id=client_id)
    place(headquarters)
    assert len(webhooks.due(hub)) == 1
    oauth.revoke_client(hub, client_id)
    assert webhooks.due(hub) == []


def test_a_clock_that_was_in_2099_for_a_moment_stops_no_webhook(headquarters: Headquarters) -> None:
    hub = headquarters.hub
    webhooks.add(hub, NewWebhook(url="http://127.0.0.1:9/"), client_id=None)
    place(headquarters)
    noon_ms = headquarters.clock.now_ms()
    headquarters.clock.value_ms = 4_070_908_800_000
    assert send_due(headquarters) == [False]
    headquarters.clock.value_ms = noon_ms
    headquarters.clock.advance(2 * 3_600_000)
    assert len(webhooks.due(hub)) == 1
