"""Boxes of a shop tell each other on its LAN who took whose place, in case HQ is out of reach.

One UDP datagram to a multicast group says it: HQ's signed takeover, MessagePack, at most 1,200
bytes. Nothing is asked and nothing answered, so nothing can be made to send; a datagram that HQ did
not sign is dropped, and one that names another box means nothing here. It does not leave the LAN
(TTL 1).
"""

import asyncio
import ipaddress
import logging
import socket
import struct
from dataclasses import dataclass

from edge.flow import boxes
from edge.flow.shop import Shop
from edge.store.incarnation import papers_of
from sync.wire import codec
from sync.wire.errors import RemoteWireError
from sync.wire.messages import SignedTakeOver

logger = logging.getLogger(__name__)
GROUP = ("239.255.83.69", 8369)
TELL_EVERY_MS = 30_000
MAX_BYTES = 1_200
_MOST_WAITING = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Net:
    """Where boxes hear and where they speak: (address, port); a multicast group is joined."""

    hear: tuple[str, int] = GROUP
    speak: tuple[str, int] = GROUP


SHOP = Net()


class _Ear(asyncio.DatagramProtocol):
    """Puts papers into a queue; one too many is dropped: it comes again."""

    def __init__(self, papers: "asyncio.Queue[SignedTakeOver]") -> None:
        self._papers = papers

    def datagram_received(self, data: bytes, addr: object) -> None:
        """A datagram from anybody."""
        if len(data) > MAX_BYTES:
            return
        try:
            paper = codec.unpack(SignedTakeOver, data)
        except RemoteWireError:
            return
        if not self._papers.full():
            self._papers.put_nowait(paper)


def open_socket(net: Net) -> socket.socket:
    """A socket that hears and speaks there.

    Raises:
        OSError: the network has no multicast, or is down.
    """
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(net.hear)
        if ipaddress.ip_address(net.hear[0]).is_multicast:
            anywhere = socket.inet_aton("0.0.0.0")  # noqa: S104 - any interface, not an address
            member = struct.pack("4s4s", socket.inet_aton(net.hear[0]), anywhere)
            made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
            made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made


async def keep_telling(shop: Shop, net: Net = SHOP) -> None:
    """Tell and listen for ever; a network that is down is tried again."""
    while True:
        try:
            await _on_the_net(shop, net, open_socket(net))
        except OSError as error:
            logger.info("the shop's LAN cannot be used: %s", error)
        await shop.clock.until(shop.clock.boot_ms() + TELL_EVERY_MS)


async def _on_the_net(shop: Shop, net: Net, bound: socket.socket) -> None:
    papers: asyncio.Queue[SignedTakeOver] = asyncio.Queue(_MOST_WAITING)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: _Ear(papers), sock=bound)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_listen(shop, papers), name="lan ear")
            tasks.create_task(_tell(shop, net, transport), name="lan mouth")
    finally:
        transport.close()


async def _listen(shop: Shop, papers: "asyncio.Queue[SignedTakeOver]") -> None:
    heard: set[bytes] = set()
    while True:
        paper = await papers.get()
        if paper.takeover in heard:
            continue
        heard = {*list(heard)[:63], paper.takeover}
        await boxes.hear_takeover(shop, paper)


async def _tell(shop: Shop, net: Net, transport: asyncio.DatagramTransport) -> None:
    while True:
        if not shop.identity.fenced:
            for paper in await shop.writer.do(papers_of, shop.moment()):
                data = codec.pack(paper)
                if len(data) <= MAX_BYTES:
                    transport.sendto(data, net.speak)
        await shop.clock.until(shop.clock.boot_ms() + TELL_EVERY_MS)
