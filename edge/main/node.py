"""One node, from its configuration to its end: open, wire, serve, stop.

Order of the start: lock and ledger, identity and time, catalog, then devices, screens, sync; READY
is told when the staff listener takes connections. A failure of the ledger ends the process with
exit code 70: what was asked is unknown, clients ask again by key after the restart.
"""

import asyncio
import hashlib
import hmac
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from dataclasses import dataclass

import uvloop

from config.schema import Config
from drivers.address import Context
from drivers.host.clock import open_clock
from drivers.host.notify import notify, watchdog_interval_ms
from drivers.ports.clock import Clock
from drivers.ports.document import Document
from drivers.supervisor import Progress
from edge.flow import timekeeper, training
from edge.flow.boxes import WitnessStand
from edge.flow.perform import Spool
from edge.flow.receive import CatalogReplica, refresh
from edge.flow.shop import Shop
from edge.flow.stations import Stations
from edge.flow.timekeeper import Timekeeper
from edge.main import memory
from edge.main.devices import Bench, run_printer, run_scanner, watch
from edge.main.housekeeping import forget_keys, keep_house
from edge.main.keeping import hear_file, keepers
from edge.main.linking import keep_linked
from edge.main.listeners import Server, bind, server
from edge.main.opening import Opened, open_store
from edge.main.wiring import is_simulated, routes, settings
from edge.store.errors import StoreError
from edge.store.tx import Moment
from edge.store.writer import Writer
from edge.web.app import build
from edge.web.screens import ScreenHub

logger = logging.getLogger(__name__)

EXIT_OK = 0
EXIT_STORE = 70
EXIT_PORT = 71
_PROGRESS_LIMIT_MS = 20_000
_RASTER_WIDTH_DOTS = 576


def run(config: Config) -> int:
    """Serve the store until SIGTERM or SIGINT; answers the exit code."""
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s"
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        return uvloop.run(_serve(config))
    except StoreError as error:
        logger.error("cannot start code=%s error=%s hint=%s", error.code, error, error.hint)
        return EXIT_STORE
    except _PortTaken as error:
        logger.error("cannot listen on %s: %s", config.web.listen, error)
        return EXIT_PORT
    except OSError as error:
        logger.error("cannot use %s: %s", config.node.data_dir, error)
        return EXIT_STORE


class _PortTaken(Exception):
    """The staff listener's address is taken or not ours."""


@dataclass(slots=True)
class _End:
    """Why the node ends: a signal, or a ledger that must not be written again."""

    event: asyncio.Event
    code: int = EXIT_OK


async def _serve(config: Config) -> int:
    clock = open_clock(config.time.source)
    try:
        listener = bind(config.web.listen.host, config.web.listen.port)
    except OSError as error:
        raise _PortTaken(str(error)) from error
    try:
        opened = open_store(config.node.data_dir, boot_ms=clock.boot_ms())
    except BaseException:
        listener.close()
        raise
    end = _End(event=asyncio.Event())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.event.set)

    def fatal(error: StoreError) -> None:
        logger.critical("the ledger failed code=%s error=%s", error.code, error)
        end.code = EXIT_STORE
        threading.Timer(2.0, os._exit, (EXIT_STORE,)).start()
        loop.call_soon_threadsafe(end.event.set)

    writer = Writer(opened.ledger, on_fatal=fatal)
    try:
        await _wire(config, clock, opened, writer, listener, end)
    finally:
        if not opened.ledger.broken:
            await writer.close()
            opened.ledger.close()
        opened.folder.close()
    return end.code


async def _wire(
    config: Config,
    clock: Clock,
    opened: Opened,
    writer: Writer,
    listener: socket.socket,
    end: _End,
) -> None:
    run_id = os.environ.get("STOREEDGE_RUN") or secrets.token_hex(8)
    screens = ScreenHub(run=run_id)
    sync_wake = asyncio.Event()
    unsure = Moment(trusted_ms=0, boot_ms=clock.boot_ms(), clock="unsure")
    known = await writer.do(lambda tx: timekeeper.load(tx, clock=clock), unsure)
    spools: list[Spool] = []

    def wake_effects() -> None:
        for spool in spools:
            spool.wake()

    shop = Shop(
        writer=writer,
        clock=clock,
        time=Timekeeper(clock, known),
        settings=settings(config),
        identity=opened.identity,
        screens=screens,
        wake_sync=sync_wake.set,
        wake_effects=wake_effects,
        draw=draw,
        run=run_id,
        simulated=is_simulated(config),
        mac_key=_derived(opened.identity.private_key, b"requests"),
        practice_folder=config.node.data_dir,
    )
    await refresh(shop)
    await training.restore(shop)
    bench = _bench(config, clock, shop)
    spools.append(bench.spool)
    await bench.spool.recover()
    replica = CatalogReplica(shop, config.node.data_dir, opened.catalog)
    stations = Stations(
        {station.id: station.token.reveal() for station in config.stations},
        key=_derived(opened.identity.private_key, b"stations"),
    )
    names = {station.id: station.name for station in config.stations}
    stand = WitnessStand(shop)
    hosts, hear = _hosts(config), stand.hear_station
    app = build(shop, screens, stations, hosts=hosts, run=run_id, names=names, hear=hear)
    http = server(app, cert=config.web.tls_cert, key=config.web.tls_key)
    if config.box.witness_file is not None:
        await hear_file(stand, config.box.witness_file)
    try:
        await _run_all(config, shop, bench, replica, http, listener, sync_wake, end, screens, stand)
    finally:
        replica.close()
        await training.close(shop)


async def _run_all(
    config: Config,
    shop: Shop,
    bench: Bench,
    replica: CatalogReplica,
    http: Server,
    listener: socket.socket,
    sync_wake: asyncio.Event,
    end: _End,
    screens: ScreenHub,
    stand: WitnessStand,
) -> None:
    progresses: dict[str, Progress] = {}
    feed = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(http.serve(sockets=[listener]), name="http")
        others = [
            tasks.create_task(keep_house(shop), name="house"),
            tasks.create_task(forget_keys(shop, replica), name="keys"),
            tasks.create_task(keep_linked(config, shop, replica, sync_wake), name="link"),
            tasks.create_task(watch(progresses, feed, limit_ms=_PROGRESS_LIMIT_MS), name="watch"),
            tasks.create_task(_feed(feed), name="watchdog"),
            *(tasks.create_task(keeper) for keeper in keepers(config, shop, stand)),
        ]
        for scanner in config.scanners:
            progress = progresses.setdefault(scanner.name, Progress())
            others.append(tasks.create_task(run_scanner(bench, scanner, progress)))
        for printer in config.printers:
            progress = progresses.setdefault(printer.name, Progress())
            others.append(tasks.create_task(run_printer(bench, printer, progress)))
        memory.settle()
        notify("READY=1", "STATUS=门店就绪 ready")
        await end.event.wait()
        notify("STOPPING=1")
        screens.close()  # else the server waits for streams that never end
        http.should_exit = True
        for task in others:
            task.cancel()
        await serving


async def _feed(feed: asyncio.Event) -> None:
    interval_ms = watchdog_interval_ms()
    while True:
        await feed.wait()
        feed.clear()
        if interval_ms is not None:
            notify("WATCHDOG=1")


def _bench(config: Config, clock: Clock, shop: Shop) -> Bench:
    certificate = shop.identity.enrolled
    sim_allowed = certificate is None or certificate.certificate.demo
    context = Context(
        clock=clock,
        sim_dir=config.sim.dir,
        sim_allowed=sim_allowed and config.web.listen.loopback,
    )
    benches: list[Bench] = []
    spool = Spool(
        shop, routes(config), on_trouble=lambda name, trouble: benches[0].trouble(name, trouble)
    )
    benches.append(Bench(shop=shop, context=context, spool=spool))
    return benches[0]


def draw(document: Document) -> bytes:
    """A document as the PNG that an 80 mm printer would show."""
    from drivers.raster import png

    return png(document, width_dots=_RASTER_WIDTH_DOTS)


def _derived(key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(key, b"storeedge/derived/1\0" + purpose, hashlib.sha256)


def _hosts(config: Config) -> tuple[str, ...]:
    listen = config.web.listen
    own = f"[{listen.host}]" if ":" in listen.host else listen.host
    loopback = ("localhost", "127.0.0.1", "[::1]") if listen.loopback else ()
    return tuple(sorted({own, *loopback, *config.web.names}))
