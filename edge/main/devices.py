"""Devices of this node: each supervised, its state shown, its scans taken to the flow."""

import asyncio
import logging
import random
from dataclasses import dataclass, replace

from config.schema import PrinterConfig, ScannerConfig
from drivers.address import Context, open_printer, open_scanner
from drivers.ports.printer import Printer, Trouble
from drivers.ports.scanner import Scan, Scanner, Spoiled
from drivers.supervisor import DeviceState, Down, Progress, Up, supervise
from edge.domain.parse import bytes_to_text
from edge.flow.answers import DeviceView, Refusal
from edge.flow.caller import Caller
from edge.flow.perform import Spool
from edge.flow.reading import read
from edge.flow.scan import ScanAsk
from edge.flow.shop import Shop
from edge.store.errors import StoreError, UnitFailed, origin

logger = logging.getLogger(__name__)
_UNSERVED = Refusal(status=503, code="unserved", zh="未能处理,请再扫一次", en="Please scan again")
_SCAN_AGAIN = Refusal(
    status=422, code="scan_again", zh="没扫清楚,请再扫一次", en="Not read cleanly; scan again"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What the devices of a node share."""

    shop: Shop
    context: Context
    spool: Spool

    def begin(self, view: DeviceView) -> None:
        """List a device before it was ever open."""
        self.shop.devices[view.name] = view

    def show(self, name: str, state: DeviceState) -> None:
        """Show a change of a device's state on all screens."""
        view = self.shop.devices[name]
        now = self.shop.clock.wall_ms()
        match state:
            case Up():
                view = replace(view, state="up", trouble=None, hint=None, since_ms=now)
            case Down():
                view = replace(
                    view,
                    state="down",
                    trouble=state.error.code,
                    hint=state.error.hint,
                    since_ms=now,
                )
        self._put(view)

    def trouble(self, name: str, trouble: Trouble | None) -> None:
        """A printer that is there and not ready, or ready again."""
        view = self.shop.devices[name]
        word = None if trouble is None else trouble.value
        if view.trouble == word:
            return
        now = self.shop.clock.wall_ms()
        changed = replace(view, trouble=word, hint=None, since_ms=now)
        self._put(replace(changed, state="up" if trouble is None else "down"))

    def _put(self, view: DeviceView) -> None:
        self.shop.devices[view.name] = view
        self.shop.screens.publish(None, "device", view)


async def run_scanner(bench: Bench, config: ScannerConfig, progress: Progress) -> None:
    """Keep a scanner open; every reading is answered in its order, a spoiled one by `refused`."""
    bench.begin(
        DeviceView(
            name=config.name,
            port="scanner",
            station=config.station,
            state="starting",
            trouble=None,
            hint=None,
            since_ms=bench.shop.clock.wall_ms(),
            simulated=config.address.startswith("sim:"),
        )
    )

    async def use(scanner: Scanner) -> None:
        while True:
            match await scanner.read():
                case Scan(data=data, aim=aim):
                    ask = ScanAsk(text=bytes_to_text(data), aim=aim)
                    await _answer(bench.shop, config.station, ask)
                case Spoiled():
                    bench.shop.screens.publish(config.station, "refused", _SCAN_AGAIN)

    await supervise(
        config.name,
        lambda: open_scanner(config.address, bench.context, layout=config.layout, gs=config.gs),
        use,
        clock=bench.shop.clock,
        on_state=lambda state: bench.show(config.name, state),
        jitter=random.random,
        progress=progress,
        let_through=(StoreError,),
    )


async def _answer(shop: Shop, station: str, ask: ScanAsk) -> None:
    caller = Caller(station=station, route="device")
    try:
        answer = await read(shop, caller, ask)
    except UnitFailed as error:
        logger.error("scan failed station=%s error=%s", station, origin(error))
        shop.screens.publish(station, "refused", _UNSERVED)
        return
    except Exception:  # nothing is kept back: the counter hears of it, the supervisor gets it
        shop.screens.publish(station, "refused", _UNSERVED)
        raise
    if isinstance(answer, Refusal):
        shop.screens.publish(station, "refused", answer)


async def run_printer(bench: Bench, config: PrinterConfig, progress: Progress) -> None:
    """Keep a printer at work on the spool."""
    bench.begin(
        DeviceView(
            name=config.name,
            port="printer",
            station=config.stations[0] if config.stations else None,
            state="starting",
            trouble=None,
            hint=None,
            since_ms=bench.shop.clock.wall_ms(),
            simulated=config.address.startswith("sim:"),
        )
    )

    async def use(printer: Printer) -> None:
        await bench.spool.run(config.name, printer)

    await supervise(
        config.name,
        lambda: open_printer(
            config.address,
            bench.context,
            width_mm=config.width_mm,
            profile=config.profile,
            name=config.name,
        ),
        use,
        clock=bench.shop.clock,
        on_state=lambda state: bench.show(config.name, state),
        jitter=random.random,
        progress=progress,
        let_through=(StoreError,),
    )


async def watch(progresses: dict[str, Progress], feed: asyncio.Event, *, limit_ms: int) -> None:
    """Feed the watchdog only while every device task makes progress."""
    while True:
        stuck = [name for name, progress in progresses.items() if progress.age_ms() > limit_ms]
        if stuck:
            logger.error("device stuck names=%s", ",".join(stuck))
        else:
            feed.set()
        await asyncio.sleep(1)
