"""A virtual receipt printer on TCP: status, paper, a receive buffer, and all that goes wrong.

What real ones do and drivers stumble over is kept: real-time questions are answered as they arrive,
in-order ones when the mechanism gets to them; the buffer is small and then TCP pushes back; out of
paper it stops working through its buffer but goes on filling it; a command that a lost sender left
unfinished takes its missing bytes from the next one (`clean_start` is the printer that begins anew
with each connection); power off loses the buffer and leaves half a slip. Its port stays the same
over power off and on.

Each slip that is cut becomes `NNNN.png` in its folder, then `NNNN.json` with the words, pulses,
beeps and the commands it did not know. Where a `.json` stands, its `.png` is whole.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Mapping
from pathlib import Path

from drivers.ports.errors import DeviceRefused
from drivers.sim.device import NoSuchAction
from drivers.sim.escpos import Command, RealTimeRequest, Unknown
from drivers.sim.paper import NotUnderstood, Paper
from drivers.sim.printer_answers import Mechanism, automatic, in_order, process_id, real_time
from drivers.sim.printer_client import Client
from drivers.sim.printer_faults import ACTIONS, Faults, number
from drivers.sim.printer_tray import Tray

logger = logging.getLogger(__name__)

_RECEIVE_BUFFER_BYTES = 8192
_PRINTING = frozenset({"GS v 0", "LF", "GS k", "ESC d", "ESC J"})
_MODEL_ID = 0x20
_HALF_A_SLIP_ROWS = 120


class VirtualPrinter:
    """One printer. `paper_dir` is the folder for its slips, made when needed."""

    actions = ACTIONS

    def __init__(self, name: str, *, paper_dir: Path, width_dots: int = 576) -> None:
        self._name = name
        self._tray = Tray(paper_dir)
        self._paper = Paper(width_px=width_dots)
        self._mechanism = Mechanism()
        self._faults = Faults()
        self._clients: list[Client] = []
        self._host, self._port = "127.0.0.1", 0
        self._held_port: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._wake = asyncio.Event()
        self._working: asyncio.Task[None] | None = None
        self._last_id_answer = b""
        self._unfinished = b""  # of a command whose sender is gone

    @property
    def name(self) -> str:
        """As in `sim:NAME`."""
        return self._name

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Switch it on; returns its port (`port` 0 chooses one)."""
        # Bound but never listening: the number stays ours while the power is off.
        holder = _bound(host, port)
        self._held_port = holder
        self._host, self._port = host, int(holder.getsockname()[1])
        await self._listen()
        self._working = asyncio.create_task(self._work(), name=f"printer {self._name}")
        return self._port

    async def stop(self) -> None:
        """Switch it off for good; never raises."""
        await self._power_off()
        if self._working is not None:
            self._working.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._working
        if self._held_port is not None:
            self._held_port.close()

    def address(self) -> str:
        """What a driver opens."""
        return f"tcp:{self._host}:{self._port}"

    async def do(self, action: str, args: Mapping[str, str]) -> Mapping[str, object]:
        """Do one of `actions`; spaces and hyphens may stand for underscores.

        Args:
            action: "paper_out" takes rows=N: only after N more rows; "cut_halfway" takes rows=N:
                the power goes N rows into what comes next (120); "drop_buffer": it loses what comes
                after the first dots of the next job and still answers DLE EOT; "late_answer":
                it then answers with the id of an earlier request; "dle_only": it knows no answer
                in order; "gs_r_only": it knows no process ids; "stray_byte": a status nobody asked
                for stands before each answer; "slow" takes ms=N for each piece of paper; "papers"
                lists the slips; "tear" takes what hangs out off as a slip; "reset" makes everything
                good and forgets the slips seen so far; "clean_start_on": it begins anew with each
                connection, others go on with the command that the last one left unfinished.
            args: as named above.

        Raises:
            NoSuchAction: as it says.
            ValueError: a bad argument.
        """
        words = action.replace("_", " ").replace("-", " ").split()
        match words:
            case ["paper" | "cover", _]:
                self._touch(words, args)
            case ["power", "off"]:
                await self._power_off()
            case ["power", "on"]:
                await self._listen()
            case [*what, ("on" | "off") as way]:
                self._faults.toggle("_".join(what), on=way == "on")
            case ["drop", "buffer"]:
                self._faults.drop_buffer = True
            case ["cut", "halfway"]:
                rows = number(args, "rows", _HALF_A_SLIP_ROWS)
                self._faults.rows_to_power_off = self._paper.rows + rows
            case ["drawer", "close"]:
                self._mechanism.drawer_open = False
                self._tell_change()
            case ["slow"]:
                self._faults.slow_ms = number(args, "ms", 50)
            case ["tear"]:
                await self._save(cut=False)
            case ["papers"]:
                return {"papers": [str(path) for path in self._tray.papers()]}
            case ["state"]:
                pass
            case ["reset"]:
                await self._reset()
            case _:
                raise NoSuchAction(action, self.actions)
        self._wake.set()
        return self._state()

    def _touch(self, words: list[str], args: Mapping[str, str]) -> None:
        mechanism = self._mechanism
        match words:
            case ["paper", "out"]:
                rows = number(args, "rows", 0)
                self._faults.rows_to_paper_out = self._paper.rows + rows if rows else None
                mechanism.paper_out = rows == 0
            case ["paper", "in"]:
                self._faults.rows_to_paper_out = None
                mechanism.paper_out = mechanism.paper_low = False
            case ["paper", "low"]:
                mechanism.paper_low = True
            case ["cover", "open"]:
                mechanism.cover_open = True
            case ["cover", "close"]:
                mechanism.cover_open = False
            case _:
                raise NoSuchAction("_".join(words), self.actions)
        self._tell_change()

    async def _reset(self) -> None:
        self._faults = Faults()
        self._mechanism = Mechanism()
        self._paper.take()
        self._tray.forget()
        self._unfinished = b""
        if self._server is None:
            await self._listen()
        self._tell_change()

    def _state(self) -> dict[str, object]:
        mechanism, tray = self._mechanism, self._tray
        return {
            "power": self._server is not None,
            "paper": "out" if mechanism.paper_out else "low" if mechanism.paper_low else "ok",
            "cover": "open" if mechanism.cover_open else "closed",
            "clients": len(self._clients),
            "held_bytes": self._held_bytes(),
            "rows": self._paper.rows,
            "slips": tray.count,
            "drawer_pulses": tray.all_pulses,
            "beeps": tray.all_beeps,
            "unknown": list(tray.all_unknown),
        }

    def _held_bytes(self) -> int:
        return len(self._unfinished) + sum(len(client.reader) for client in self._clients)

    # -- power and clients ----------------------------------------------------------------------

    async def _listen(self) -> None:
        if self._server is not None:
            return
        listening = _bound(self._host, self._port)
        # Small, as in a printer; accepted connections inherit it.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        self._server = await asyncio.start_server(self._serve, sock=listening, limit=2048)

    async def _power_off(self) -> None:
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for client in self._clients:
            client.abort()
        self._clients.clear()
        self._unfinished = b""
        self._faults.rows_to_power_off = None
        if self._paper.rows:
            await self._save(cut=False)
        await server.wait_closed()

    async def _serve(self, incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        client = Client(outgoing)
        self._clients.append(client)
        try:
            while self._faults.one_client and (served := self._served()) is not client:
                await served.left.wait()
            while data := await incoming.read(1024):
                if self._faults.stray_byte and not client.greeted:
                    client.greeted = True
                    self._answer(client, automatic(self._mechanism))
                for request in client.scanner.feed(data):
                    self._real_time(client, request)
                client.receive(data)
                self._wake.set()
                while client.full(_RECEIVE_BUFFER_BYTES):
                    await client.room()
        except OSError:
            pass
        finally:
            client.left.set()
            client.gone = True
            self._wake.set()
            outgoing.close()

    def _served(self) -> Client:
        return next(client for client in self._clients if not client.gone)

    def _real_time(self, client: Client, request: RealTimeRequest) -> None:
        match request.name:
            case "DLE EOT" if request.data[0] in (1, 2, 3, 4):
                if self._faults.stray_byte:
                    self._answer(client, automatic(self._mechanism))
                self._answer(client, real_time(self._mechanism, request.data[0]))
            case "DLE DC4" if request.data[0] == 1:
                self._pulse()
            case _:
                self._unknown(f"{request.name} {request.data.hex(' ')}")

    def _answer(self, client: Client, data: bytes) -> None:
        if not self._faults.silent:
            client.send(data)

    def _tell_change(self) -> None:
        for client in self._clients:
            if client.automatic:
                self._answer(client, automatic(self._mechanism))
        self._wake.set()

    # -- mechanism ------------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._server is not None and self._mechanism.can_print:
                client = self._next_client()
                if client is None:
                    break
                client.reader.precede(self._unfinished)
                self._unfinished = b""
                command = client.take()
                if command is not None:
                    await self._obey(client, command)
                elif client.gone:
                    self._leave_unfinished(client)
                await asyncio.sleep(0)

    def _leave_unfinished(self, client: Client) -> None:
        held = client.reader.clear()
        if not (client.dropping or self._faults.clean_start):
            self._unfinished = held

    def _next_client(self) -> Client | None:
        """Whose input is worked through: the first one's until it is done and gone."""
        for client in list(self._clients):
            if client.gone and not len(client.reader):
                self._clients.remove(client)
        waiting = [client for client in self._clients if client.ready]
        if self._paper.rows and self._clients and self._clients[0].started:
            waiting = [client for client in waiting if client is self._clients[0]]
        return waiting[0] if waiting else None

    async def _obey(self, client: Client, command: Command | Unknown) -> None:
        if client.dropping:
            if self._faults.late_answer:
                self._answer(client, self._last_id_answer)
            return
        if isinstance(command, Unknown):
            self._unknown(command.data.hex(" "))
            return
        if self._faults.drop_buffer and command.name in _PRINTING:
            self._faults.drop_buffer = False
            client.dropping = True
            return
        client.started = True
        try:
            await self._device_command(client, command)
        except (NotUnderstood, ValueError, DeviceRefused) as error:
            # ValueError: a code with more data than it holds; DeviceRefused: no font to draw with.
            self._unknown(f"{command.name}: {error}")
        if self._faults.slow_ms and command.name in _PRINTING:
            await asyncio.sleep(self._faults.slow_ms / 1000)
        await self._run_out()

    async def _device_command(self, client: Client, command: Command) -> None:
        data = command.data
        match command.name:
            case "ESC p":
                self._pulse()
            case "ESC B":
                self._tray.beep(data[0])
            case "GS V":
                await self._save(cut=True)
            case "GS r":
                self._in_order_answer(client, in_order(self._mechanism, data[0]))
            case "GS I":
                self._in_order_answer(client, bytes((_MODEL_ID,)))
            case "GS ( H":
                if not self._faults.gs_r_only:
                    self._last_id_answer = process_id(data)
                    self._in_order_answer(client, self._last_id_answer)
            case "GS a":
                client.automatic = data[0] != 0 and not self._faults.dle_only
                if client.automatic:
                    self._answer(client, automatic(self._mechanism))
            case _:
                self._paper.obey(command)

    def _in_order_answer(self, client: Client, answer: bytes) -> None:
        if not self._faults.dle_only:
            self._answer(client, answer)

    async def _run_out(self) -> None:
        faults, rows = self._faults, self._paper.rows
        if faults.rows_to_paper_out is not None and rows >= faults.rows_to_paper_out:
            faults.rows_to_paper_out = None
            self._mechanism.paper_out = True
            self._tell_change()
        if faults.rows_to_power_off is not None and rows >= faults.rows_to_power_off:
            await self._power_off()

    def _pulse(self) -> None:
        self._mechanism.drawer_open = True
        self._tray.pulse()

    def _unknown(self, what: str) -> None:
        logger.warning("printer=%s unknown_command=%s", self._name, what)
        self._tray.unknown(what)

    async def _save(self, *, cut: bool) -> None:
        picture, words = self._paper.take()
        number = await self._tray.save(picture, words, cut=cut)
        logger.info("printer=%s slip=%s rows=%s cut=%s", self._name, number, picture.height, cut)


def _bound(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    bound.bind((host, port))
    return bound
